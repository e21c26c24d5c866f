// Covers Updates among other changes of the same key: a racing revocation wins, no Update is lost, and
// through any sequence of changes what is revoked stays so and what has ended never works again.

import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { UNBOUND } from "../../../src/access/bounds.ts";
import type { UpdateKeyInput } from "../../../src/app/input/update-command.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { readView } from "../../../src/app/target/read-view.ts";
import { FleetkeyError } from "../../../src/domain/errors.ts";
import { stateOf } from "../../../src/domain/lifecycle.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { START } from "../../domain/build.ts";
import { countOf } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, settle } from "../outcomes.ts";
import { byId, refreshInput, revokeInput, revokeUserInput } from "../requests.ts";
import { create, feedOf, ROOT, stored, verdictOf, type World } from "../world.ts";
import { update } from "./updates.ts";

const ATTEMPTS_MAX = 8;

/** Does something once, between the moment when the next change is decided and its write. */
function beforeNextWrite({ store }: World, interfere: () => Promise<unknown>): void {
  const write = store.keys.update.bind(store.keys);
  vi.spyOn(store.keys, "update").mockImplementationOnce(async (next, event) => {
    await interfere();
    return write(next, event);
  });
}

async function stateIn({ ports, clock }: World, keyId: string): Promise<string> {
  const view = await readView(ports, UNBOUND, keyId);
  return view === undefined ? "none" : stateOf(view, clock.now);
}

onEachStore("An Update that races with a revocation", (open) => {
  it("A key revoked between the check and the write stays revoked and as it was.", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports);
    beforeNextWrite(world, () => revokeKey(world.ports, ROOT, revokeInput(byId(key.keyId))));
    const refused = codeOf(update(world, key.keyId, { paths: ["name"], name: "new" }));
    expect(await refused).toBe("failed_precondition KEY_REVOKED");
    expect(await stored(world.ports, key.keyId)).toMatchObject({ name: "", revocation: { time: START } });
    expect(await verdictOf(world.ports, apiKey)).toBe("revoked");
  });

  it("A user revoked between the check and the write stays revoked: epochs are not renewed.", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports);
    beforeNextWrite(world, () => revokeAllForUser(world.ports, ROOT, revokeUserInput()));
    await update(world, key.keyId, { paths: ["expire_time"], expireTime: START + DAY_MS });
    expect(await verdictOf(world.ports, apiKey)).toBe("revoked");
    expect((await stored(world.ports, key.keyId)).epochs).toEqual(key.epochs);
  });

  it("A Revoke whose decision an Update overtakes is decided anew, and ends the key.", async () => {
    const world = await open();
    const { key } = await create(world.ports);
    beforeNextWrite(world, () => update(world, key.keyId, { paths: ["name"], name: "new" }));
    await revokeKey(world.ports, ROOT, revokeInput(byId(key.keyId)));
    expect(await stored(world.ports, key.keyId)).toMatchObject({ name: "new", revision: 3 });
    expect(await stateIn(world, key.keyId)).toBe("revoked");
  });

  it("Of many Updates and a Revoke at once the answered ones are there, and the key is dead.", async () => {
    const world = await open();
    for (let round = 0; round < countOf(3, 50); round++) {
      const { apiKey, key } = await create(world.ports);
      const paths = ["name", "expire_time", "disabled"];
      const updates = Array.from({ length: ATTEMPTS_MAX - 2 }, (_, index) =>
        update(world, key.keyId, { paths, name: `name-${index}`, expireTime: START + DAY_MS + index }),
      );
      const ending = revokeKey(world.ports, ROOT, revokeInput(byId(key.keyId)));
      const { done, refused } = await settle(updates);
      await ending;
      for (const refusal of refused) expect(refusal).toBe("failed_precondition KEY_REVOKED");
      expect((await stored(world.ports, key.keyId)).revision).toBe(2 + done.length);
      expect(await verdictOf(world.ports, apiKey)).toBe("revoked");
    }
  });

  it("No Update is lost: each one that was answered has its own revision and event.", async () => {
    const world = await open();
    const { key } = await create(world.ports);
    const updates = Array.from({ length: ATTEMPTS_MAX - 1 }, (_, index) =>
      update(world, key.keyId, { paths: ["name"], name: `name-${index}` }),
    );
    const answered = await Promise.all(updates);
    const revisions = answered.map((view) => view.key.revision);
    expect(revisions.toSorted((a, b) => a - b)).toEqual(updates.map((_, index) => 2 + index));
    const events = (await feedOf(world.ports)).slice(1);
    const told = events.map(({ changes }) => changes?.[0]?.after);
    expect(told.toSorted()).toEqual(updates.map((_, index) => `"name-${index}"`));
  });
});

type Step =
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "refresh"; readonly graceMs: number }
  | { readonly kind: "update"; readonly input: Partial<UpdateKeyInput> }
  | { readonly kind: "revoke" }
  | { readonly kind: "revokeAll" };

/** Times are counted from when their step comes. */
const anyTime = fc.constantFrom(undefined, -1, 1, 500, 5_000);
const anyUpdate = fc
  .record({
    paths: fc.subarray(["name", "metadata", "expire_time", "disabled", "previous_expire_time", "scopes"], {
      minLength: 1,
    }),
    name: fc.string({ unit: "grapheme", maxLength: 9 }),
    metadata: fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
    expireTime: anyTime,
    previousExpireTime: anyTime,
    disabled: fc.boolean(),
    scopes: fc.constantFrom([], ["orders:read"]),
  })
  .map((input): Step => ({ kind: "update", input }));
const anyStep = fc.oneof(
  { weight: 3, arbitrary: anyUpdate },
  fc.constantFrom<Step>({ kind: "wait", ms: 499 }, { kind: "wait", ms: 5_000 }),
  fc.constantFrom<Step>({ kind: "refresh", graceMs: 0 }, { kind: "refresh", graceMs: 5_000 }),
  fc.constantFrom<Step>({ kind: "revoke" }, { kind: "revokeAll" }),
);

/** One key through a sequence of changes, and what has become final about it. */
class Life {
  readonly apiKeys: string[];
  readonly #world: World;
  readonly #userId: string;
  readonly #keyId: string;
  /** When each secret ends at the latest, by api_key. */
  readonly #ends = new Map<string, number>();
  #isRevoked = false;

  constructor(world: World, userId: string, created: Awaited<ReturnType<typeof create>>) {
    this.#world = world;
    this.#userId = userId;
    this.#keyId = created.key.keyId;
    this.apiKeys = [created.apiKey];
  }

  async take(step: Step): Promise<void> {
    const { ports, clock } = this.#world;
    const target = byId(this.#keyId);
    if (step.kind === "wait") clock.now += step.ms;
    else if (step.kind === "revoke") await revokeKey(ports, ROOT, revokeInput(target));
    else if (step.kind === "revokeAll")
      await revokeAllForUser(ports, ROOT, revokeUserInput({ userId: this.#userId }));
    else if (step.kind === "refresh") await this.#refresh(step.graceMs);
    else await this.#update(step.input);
    this.#isRevoked ||= step.kind === "revoke" || step.kind === "revokeAll";
  }

  async check(): Promise<void> {
    const { ports, clock } = this.#world;
    if (this.#isRevoked) expect(await stateIn(this.#world, this.#keyId)).toBe("revoked");
    for (const apiKey of this.apiKeys) {
      const verdict = await verdictOf(ports, apiKey);
      if (this.#isRevoked) expect(verdict).not.toBe("valid");
      if (clock.now >= (this.#ends.get(apiKey) ?? Number.POSITIVE_INFINITY)) expect(verdict).toBe("unknown");
    }
  }

  async #refresh(graceMs: number): Promise<void> {
    const { ports, clock } = this.#world;
    const refreshed = await refreshKey(ports, ROOT, refreshInput(byId(this.#keyId), { graceMs }));
    const [former = "", ...older] = this.apiKeys;
    for (const apiKey of older) this.#end(apiKey, clock.now);
    this.#end(former, clock.now + graceMs);
    this.apiKeys.unshift(refreshed.apiKey);
  }

  async #update(input: Partial<UpdateKeyInput>): Promise<void> {
    const { now } = this.#world.clock;
    const at = (ms: number | undefined) => (ms === undefined ? undefined : now + ms);
    const previousExpireTime = at(input.previousExpireTime);
    await update(this.#world, this.#keyId, {
      ...input,
      expireTime: at(input.expireTime),
      previousExpireTime,
    });
    const [, former] = this.apiKeys;
    if (input.paths?.includes("previous_expire_time") && former !== undefined) {
      this.#end(former, previousExpireTime ?? now);
    }
  }

  #end(apiKey: string, time: number): void {
    this.#ends.set(apiKey, Math.min(time, this.#ends.get(apiKey) ?? Number.POSITIVE_INFINITY));
  }
}

onEachStore("Any sequence of changes", (open) => {
  it("What is revoked stays revoked, and a secret that ended never works again.", async () => {
    const world = await open();
    let lives = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 12 }), async (steps) => {
        const userId = `user-of-life-${lives++}`;
        const life = new Life(world, userId, await create(world.ports, { userId, ttlMs: 9_000 }));
        for (const step of steps) {
          await life.take(step).catch((error: unknown) => {
            if (!(error instanceof FleetkeyError)) throw error;
            expect(["failed_precondition", "invalid_argument"]).toContain(error.code);
          });
          await life.check();
        }
      }),
      { numRuns: countOf(15, 400) },
    );
  });
});
