// Guarantees that whatever becomes of a node or of an answer, no more than the limit of a quota is ever used:
// each step of a grant and of what is given back can be the last one, and others may come in between.
import { expect, it } from "vitest";
import { isStoreUnavailable } from "../../src/store/errors.ts";
import { mongoStoreOn } from "../../src/store/mongo/mongo-store.ts";
import type { QuotaCount, Store } from "../../src/store/store.ts";
import { describeMongo, useTestDatabase } from "../mongo-server.ts";
import { FAR_FUTURE, keyIdAt } from "./build.ts";
import { ENDINGS } from "./crash/fuse.ts";
import { interceptedDb } from "./crash/intercepted-db.ts";
import { OPERATIONS_MAX, openNodes } from "./crash/nodes.ts";

const LIMIT = 10;

const countAt = (seed: number): QuotaCount => ({
  keyId: keyIdAt(seed),
  period: { id: "2030-01", endTime: FAR_FUTURE },
});
const lease = (leaseId: string, size: number) => ({ leaseId, size });

/** Takes single uses until there are none left. How many it got. */
async function useUp(store: Store, count: QuotaCount): Promise<number> {
  for (let uses = 0; uses <= LIMIT; uses++) {
    const { isGranted } = await store.quotas.grant(count, lease(`one${uses}`, 1), LIMIT);
    if (!isGranted) return uses;
  }
  throw new Error("there are more uses than the limit");
}

/** What the call answered, or undefined when its node died before. */
async function answerOf<Result>(call: Promise<Result>): Promise<Result | undefined> {
  return call.catch((error: unknown) => {
    expect(error).toSatisfy(isStoreUnavailable);
    return undefined;
  });
}

describeMongo("the quota of a key", () => {
  const database = useTestDatabase();

  it.each(ENDINGS.flatMap((ending) => [0, 3, LIMIT].map((before) => ({ ending, before }))))(
    "of which $before are granted, when a node dies in a grant at each operation that $ending",
    async ({ ending, before }) => {
      const { sound, fused, fuse } = await openNodes(database());
      let isBlown = true;
      for (let at = 1; isBlown; at++) {
        expect(at).toBeLessThan(OPERATIONS_MAX);
        const count = countAt(at);
        for (let use = 0; use < before; use++) await sound.quotas.grant(count, lease(`use${use}`, 1), LIMIT);
        fuse.dieAt(at, ending);
        const answer = await answerOf(fused.quotas.grant(count, lease("dying", 4), LIMIT));
        ({ isBlown } = fuse);
        fuse.disarm();
        expect(answer === undefined).toBe(isBlown);
        // What was granted without an answer is used by nobody, and nobody is granted it again.
        const taken = before + (answer?.isGranted ? 4 : 0);
        const left = await useUp(sound, count);
        expect(taken + left).toBeLessThanOrEqual(LIMIT);
        if (!isBlown) expect(taken + left).toBe(LIMIT);
        expect([LIMIT - before, LIMIT - before - 4]).toContain(left);
      }
    },
  );

  it.each(ENDINGS)(
    "when a node dies in giving back at each operation that %s: a repetition brings it back once",
    async (ending) => {
      const { sound, fused, fuse } = await openNodes(database());
      let isBlown = true;
      for (let at = 1; isBlown; at++) {
        expect(at).toBeLessThan(OPERATIONS_MAX);
        const count = countAt(at);
        await sound.quotas.grant(count, lease("a", 8), LIMIT);
        fuse.dieAt(at, ending);
        const answer = await answerOf(fused.quotas.giveBack(count, "a", 5));
        ({ isBlown } = fuse);
        fuse.disarm();
        expect(answer).toBe(isBlown ? undefined : true);
        const isRepeated = await sound.quotas.giveBack(count, "a", 5);
        expect(isRepeated).toBe(isBlown && ending === "is not sent");
        expect(await useUp(sound, count)).toBe(LIMIT - 8 + 5);
      }
    },
  );

  /** A node that is at its first look at a count when `meanwhile` runs. */
  function openSlow(meanwhile: () => Promise<unknown>): Promise<Store> {
    let isFirst = true;
    const db = interceptedDb(database().db, async (operation, collection, method) => {
      if (collection === "quotas" && method === "findOne" && isFirst) {
        isFirst = false;
        await meanwhile();
      }
      return operation();
    });
    return mongoStoreOn(db, async () => {});
  }

  it("that had no room and has some again when a node looks is granted", async () => {
    const { sound } = await openNodes(database());
    const count = countAt(1);
    await sound.quotas.grant(count, lease("a", LIMIT), LIMIT);
    const slow = await openSlow(() => sound.quotas.giveBack(count, "a", 3));
    expect(await slow.quotas.grant(count, lease("b", 2), LIMIT)).toEqual({ isGranted: true, granted: 9 });
    expect(await sound.quotas.giveBack(count, "b", 2)).toBe(true);
  });

  it("that had no room and whose count is gone when a node looks is begun anew", async () => {
    const { sound } = await openNodes(database());
    const count = countAt(1);
    await sound.quotas.grant(count, lease("a", LIMIT), LIMIT);
    const slow = await openSlow(() => sound.quotas.remove(count.keyId));
    expect(await slow.quotas.grant(count, lease("b", 2), LIMIT)).toEqual({ isGranted: true, granted: 2 });
  });

  it("that changes faster than a node can look is unavailable, and nothing is granted", async () => {
    const { sound } = await openNodes(database());
    const count = countAt(1);
    let rounds = 0;
    const fast = interceptedDb(database().db, async (operation, collection, method) => {
      if (collection !== "quotas") return operation();
      // Before each write all is granted, before each look some of it has come back.
      if (method === "findOne") await sound.quotas.giveBack(count, `all${rounds}`, 2);
      else if (method === "findOneAndUpdate")
        await sound.quotas.grant(count, lease(`all${++rounds}`, 2), LIMIT);
      return operation();
    });
    for (let use = 0; use < LIMIT - 2; use++) await sound.quotas.grant(count, lease("one", 1), LIMIT);
    const slow = await mongoStoreOn(fast, async () => {});
    await expect(slow.quotas.grant(count, lease("b", 1), LIMIT)).rejects.toSatisfy(isStoreUnavailable);
    expect(rounds).toBeGreaterThan(1);
    expect(await useUp(sound, count)).toBe(2);
  });

  it("takes no lease id that could name another field", async () => {
    const { sound } = await openNodes(database());
    for (const leaseId of ["", "a.b", "$inc", "a b", "a\0"]) {
      await expect(sound.quotas.grant(countAt(1), lease(leaseId, 2), LIMIT)).rejects.toThrow(TypeError);
      await expect(sound.quotas.giveBack(countAt(1), leaseId, 0)).rejects.toThrow(TypeError);
    }
  });

  it("is kept in a document that stays small while leases come and go", async () => {
    const { sound } = await openNodes(database());
    const count = countAt(1);
    let finished: string | undefined;
    for (let round = 0; round < 20; round++) {
      await sound.quotas.grant(count, lease(`lease${round}`, 2), 1_000, finished);
      await sound.quotas.grant(count, lease(`one${round}`, 1), 1_000);
      finished = `lease${round}`;
    }
    const documents = await database().db.collection("quotas").find().toArray();
    expect(documents).toEqual([
      {
        _id: `${count.keyId}/2030-01`,
        keyId: count.keyId,
        granted: 60,
        leases: { lease19: 2 },
        endTime: FAR_FUTURE,
      },
    ]);
  });
});
