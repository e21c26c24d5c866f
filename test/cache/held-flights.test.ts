// Covers the reads of cache/held-keys.ts that are under way: who shares one, what is not kept of it because
// something changed meanwhile, and how many there are at most.
import { describe, expect, it } from "vitest";
import { unavailable } from "../../src/domain/errors.ts";
import { principalIdOf } from "../../src/domain/principal.ts";
import { codeOf } from "../app/outcomes.ts";
import { keyIdAt } from "../store/build.ts";
import { settled } from "./hand-stopwatch.ts";
import { heldWorld, LEASE_MS, viewAt } from "./held-world.ts";

const USER = { userId: "user-1" };
const VIEW = viewAt(1, { owner: USER });
const { keyId } = VIEW.key;

describe("Calls at the same time", () => {
  it("share one read of a key", async () => {
    const { held, land, reads } = heldWorld();
    const results = [held.read(keyId), held.read(keyId), held.read(keyId)];
    expect(reads).toHaveLength(1);
    await land(VIEW);
    expect(await Promise.all(results)).toEqual([VIEW, VIEW, VIEW]);
    expect(reads).toEqual([]);
    expect(held.counts).toMatchObject({ hits: 0, misses: 3 });
  });

  it("of different keys do not", async () => {
    const { held, reads } = heldWorld();
    void held.read(keyId);
    void held.read(keyIdAt(2));
    expect(reads.map((read) => read.keyId)).toEqual([keyId, keyIdAt(2)]);
  });

  it("share its failure, and the next one reads anew", async () => {
    const { held, land, reads } = heldWorld();
    const results = [held.read(keyId), held.read(keyId)].map((result) => codeOf(result));
    reads.shift()?.answer.reject(unavailable("no answer", "STORE_UNAVAILABLE"));
    expect(await Promise.all(results)).toEqual(Array(2).fill("unavailable STORE_UNAVAILABLE"));
    const next = held.read(keyId);
    await land(VIEW);
    expect(await next).toBe(VIEW);
  });

  it("A key that was made after the shared read was sent is found: who joined it looks again.", async () => {
    const { held, land, reads } = heldWorld();
    const first = held.read(keyId);
    const joined = [held.read(keyId), held.read(keyId), held.read(keyId)];
    await land(undefined);
    expect(await first).toBeUndefined();
    expect(reads).toHaveLength(1);
    await land(VIEW);
    expect(await Promise.all(joined)).toEqual([VIEW, VIEW, VIEW]);
    expect(reads).toEqual([]);
  });

  it("A key that nobody has is looked for twice, however many ask at once.", async () => {
    const { held, land, reads } = heldWorld();
    const results = Array.from({ length: 50 }, () => held.read(keyId));
    await land(undefined);
    await land(undefined);
    expect(new Set(await Promise.all(results))).toEqual(new Set([undefined]));
    expect(reads).toEqual([]);
  });
});

type World = ReturnType<typeof heldWorld>;

const CHANGES: readonly (readonly [what: string, change: (world: World) => void])[] = [
  ["the key", ({ held }) => held.forget({ keyId })],
  ["one of its principals", ({ held }) => held.forget({ principalId: principalIdOf(USER) })],
  ["everything, upon a doubt,", ({ held }) => held.forgetAll()],
];

describe.each(CHANGES)("A read during which %s is forgotten", (_, change) => {
  it("serves who waits for it, and is not kept", async () => {
    const world = heldWorld();
    const { held, land } = world;
    const results = [held.read(keyId), held.read(keyId)];
    change(world);
    await land(VIEW);
    expect(await Promise.all(results)).toEqual([VIEW, VIEW]);
    expect(held.held(keyId)).toBeUndefined();
    expect(held.counts).toMatchObject({ discarded: 1, size: 0, principals: 0 });
  });

  it("is not joined by later calls: what they read is kept, whichever ends first", async () => {
    for (const isOldFirst of [true, false]) {
      const world = heldWorld();
      const { held, reads } = world;
      const early = held.read(keyId);
      change(world);
      const late = held.read(keyId);
      const [first, second] = reads;
      expect(reads).toHaveLength(2);
      const newer = viewAt(1);
      const answer = [() => first?.answer.resolve(VIEW), () => second?.answer.resolve(newer)];
      for (const resolve of isOldFirst ? answer : answer.toReversed()) {
        resolve();
        await settled();
      }
      expect([await early, await late]).toEqual([VIEW, newer]);
      expect(held.held(keyId)).toBe(newer);
    }
  });

  it("does not replace what was read again meanwhile", async () => {
    const world = heldWorld();
    const { held, hold, land, reads } = world;
    await hold(VIEW);
    const again = held.readAgain(keyId, VIEW);
    change(world);
    const newer = viewAt(1);
    const late = held.read(keyId);
    reads[1]?.answer.resolve(newer);
    expect(await late).toBe(newer);
    await land(VIEW);
    expect(await again).toBe(VIEW);
    expect(held.held(keyId)).toBe(newer);
  });

  it("makes the next one no worse", async () => {
    const world = heldWorld();
    const { held, hold, land } = world;
    const early = held.read(keyId);
    change(world);
    await land(VIEW);
    await early;
    await hold(VIEW);
    expect(held.held(keyId)).toBe(VIEW);
  });
});

describe("A read", () => {
  it("during which another key changes is kept", async () => {
    const { held, land } = heldWorld();
    const result = held.read(keyId);
    held.forget({ keyId: keyIdAt(2) });
    await land(VIEW);
    await result;
    expect(held.held(keyId)).toBe(VIEW);
    expect(held.counts.discarded).toBe(0);
  });

  it("is joined until it is as old as the lease, by either clock, and then no more", async () => {
    for (const clock of ["pass", "suspend"] as const) {
      const { held, reads, stopwatch } = heldWorld();
      void held.read(keyId);
      stopwatch[clock](LEASE_MS - 1);
      void held.read(keyId);
      expect(reads).toHaveLength(1);
      stopwatch[clock](1);
      void held.read(keyId);
      expect(reads).toHaveLength(2);
    }
  });

  it("that is older than the lease serves who waits for it, and does not replace the newer one", async () => {
    const { held, land, renew, reads, stopwatch } = heldWorld();
    const early = held.read(keyId);
    stopwatch.pass(LEASE_MS);
    renew();
    const late = held.read(keyId);
    const newer = viewAt(1);
    reads[1]?.answer.resolve(newer);
    expect(await late).toBe(newer);
    await land(VIEW);
    expect(await early).toBe(VIEW);
    expect(held.held(keyId)).toBe(newer);
  });
});

describe("Too many reads", () => {
  const RUNNING = 64;
  const WAITING = 2_048;

  it(`${RUNNING} run, ${WAITING} wait, and one more is told to come again`, async () => {
    const { held, reads } = heldWorld();
    const ask = (seed: number) => {
      const result = held.read(`key-${seed}`);
      result.catch(() => {});
      return result;
    };
    for (let seed = 0; seed < RUNNING; seed++) {
      ask(seed);
      if (seed % 4 === 3) await settled();
    }
    expect(reads).toHaveLength(RUNNING);
    for (let seed = 0; seed < WAITING; seed++) ask(RUNNING + seed);
    await settled();
    expect(reads).toHaveLength(RUNNING);
    const error = ask(RUNNING + WAITING);
    await expect(error).rejects.toMatchObject({
      code: "unavailable",
      details: { reason: "TOO_MANY_READS", retryAfterMs: 1_000 },
    });
    expect(held.counts.shed).toBe(1);
    // One that ends makes room for one.
    reads[0]?.answer.resolve(undefined);
    await settled();
    expect(reads).toHaveLength(RUNNING + 1);
    ask(RUNNING + WAITING);
    expect(held.counts.shed).toBe(1);
  });

  it("do not keep those from being answered that are held, or join a read", async () => {
    const { held, hold, reads } = heldWorld();
    await hold(VIEW);
    const flood = Array.from({ length: RUNNING + WAITING + 10 }, (_, seed) => held.read(`key-${seed}`));
    for (const result of flood) result.catch(() => {});
    const joined = held.read("key-0");
    expect(held.held(keyId)).toBe(VIEW);
    reads[0]?.answer.resolve(VIEW);
    expect(await joined).toBe(VIEW);
    expect(held.counts.shed).toBeGreaterThan(0);
  });

  it("of which one waits for longer than two seconds is told the same", async () => {
    const { held, reads, stopwatch } = heldWorld();
    const results = Array.from({ length: RUNNING + 1 }, (_, seed) => held.read(`key-${seed}`));
    for (let turn = 0; turn < RUNNING / 4; turn++) await settled();
    stopwatch.pass(2_001);
    reads[0]?.answer.resolve(undefined);
    expect(await codeOf(results[RUNNING] ?? Promise.resolve())).toBe("unavailable TOO_MANY_READS");
  });
});
