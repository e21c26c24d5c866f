// Covers sequences of changes to a key (key-changes.ts, principal.ts and lifecycle.ts together) as
// properties: what is revoked stays revoked, at most two secrets live, an ended secret never comes back, the
// revision counts changes. Each change by itself is single-changes.test.ts's.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { etagOf, type KeyRecord, liveGenerations, newestGeneration } from "../../src/domain/key.ts";
import {
  GRACE_MS_MAX,
  type KeyUpdate,
  refreshKey,
  revokeKey,
  updateKey,
} from "../../src/domain/key-changes.ts";
import { evaluate, type KeyState, revocationOf, stateOf } from "../../src/domain/lifecycle.ts";
import {
  currentEpochs,
  newPrincipal,
  type Owner,
  type PrincipalRecord,
  principalIdOf,
  RAISES_KEPT_MAX,
  raiseEpoch,
} from "../../src/domain/principal.ts";
import type { KeyView } from "../../src/domain/verdict.ts";
import { buildKey, OWNER, propertyRuns, START } from "./build.ts";

type Change =
  | { readonly kind: "refresh"; readonly graceMs: number; readonly requestKey?: string }
  | { readonly kind: "revoke"; readonly reason: string }
  | { readonly kind: "update"; readonly update: KeyUpdate }
  | { readonly kind: "raise"; readonly owner: Owner; readonly reason: string };
/** A change, so many milliseconds after the one before it. */
type Step = readonly [waitMs: number, change: Change];

/** A key, its principals and the time, after each step of a sequence. */
interface Moment extends KeyView {
  readonly now: number;
}

const PRINCIPALS: readonly Owner[] = [
  { userId: "user-1" },
  { organizationId: "org-1" },
  OWNER,
  { userId: "user-2" },
];
const EXPIRE_TIME = START + 10_000;
const RANK: Record<KeyState, number> = { active: 0, disabled: 0, expired: 1, revoked: 2 };

const anyGrace = fc.constantFrom(0, 1, 500, 5_000, GRACE_MS_MAX);
const anyRefresh: fc.Arbitrary<Change> = fc
  .tuple(anyGrace, fc.constantFrom(undefined, "request-1", "request-2"))
  .map(([graceMs, requestKey]) => ({ kind: "refresh", graceMs, ...(requestKey && { requestKey }) }));
const anyRevoke: fc.Arbitrary<Change> = fc.string().map((reason) => ({ kind: "revoke", reason }));
const anyRaise: fc.Arbitrary<Change> = fc
  .tuple(fc.constantFrom(...PRINCIPALS), fc.string())
  .map(([owner, reason]) => ({ kind: "raise", owner, reason }));
const anyUpdate: fc.Arbitrary<Change> = fc
  .record<KeyUpdate>(
    {
      name: fc.string(),
      metadata: fc.option(fc.json(), { nil: undefined }),
      scopes: fc.constantFrom([], ["orders:read"]),
      allowedCidrs: fc.constantFrom([], ["192.0.2.0/24"]),
      rateLimit: fc.constantFrom(undefined, { limit: 1, windowMs: 1_000 }),
      expireTime: fc.constantFrom(undefined, START + 1, EXPIRE_TIME, START + 2 * GRACE_MS_MAX),
      isDisabled: fc.boolean(),
      previousEndTime: fc.constantFrom(Number.NEGATIVE_INFINITY, START + 501, START + 5_500, GRACE_MS_MAX),
    },
    { requiredKeys: [] },
  )
  .map((update) => ({ kind: "update", update }));
const anyWait = fc.constantFrom(1, 2, 499, 500, 4_999, 5_000, 9_999, GRACE_MS_MAX);
const stepsOf = (change: fc.Arbitrary<Change>): fc.Arbitrary<Step[]> =>
  // No longer than the raises that are remembered, so that the one that ended the key stays among them.
  fc.array(fc.tuple(anyWait, change), { minLength: 1, maxLength: RAISES_KEPT_MAX });
const anySteps = stepsOf(fc.oneof(anyRefresh, anyRevoke, anyRaise));
const anyStepsWithUpdates = stepsOf(fc.oneof(anyRefresh, anyRevoke, anyRaise, anyUpdate));
const secretSteps = stepsOf(fc.oneof(anyRefresh, anyUpdate));

function start(): Moment {
  const raised = raiseEpoch(newPrincipal({ userId: "user-1" }), {
    time: START - 1,
    reason: "",
    caller: "caller-1",
  });
  const principals = new Map([[raised.principalId, raised]]);
  const key = buildKey({ epochs: currentEpochs(OWNER, principals), expireTime: EXPIRE_TIME });
  return { key, principals, now: START };
}

function changeKey(key: KeyRecord, change: Exclude<Change, { kind: "raise" }>, now: number): KeyRecord {
  if (change.kind === "revoke") return revokeKey(key, { now, reason: change.reason });
  if (change.kind === "update") return updateKey(key, change.update, { now, caller: "caller-2" });
  const { graceMs, requestKey } = change;
  const value = `mac-${key.revision}`;
  const digests = { mac: { version: 1, value }, bcrypt: `bcrypt-${key.revision}` };
  return refreshKey(key, digests, { now, graceMs, ...(requestKey && { requestKey }) });
}

function raised(
  principals: KeyView["principals"],
  owner: Owner,
  reason: string,
  now: number,
): KeyView["principals"] {
  const principal: PrincipalRecord = principals.get(principalIdOf(owner)) ?? newPrincipal(owner);
  const next = raiseEpoch(principal, { time: now, reason, caller: "caller-1" });
  return new Map([...principals, [next.principalId, next]]);
}

function play(steps: readonly Step[]): Moment[] {
  const moments = [start()];
  for (const [waitMs, change] of steps) {
    const { key, principals, now: before } = moments.at(-1) ?? start();
    const now = before + waitMs;
    moments.push(
      change.kind === "raise"
        ? { key, principals: raised(principals, change.owner, change.reason, now), now }
        : { key: changeKey(key, change, now), principals, now },
    );
  }
  return moments;
}

/** Each moment of the sequence with the one before it. */
function pairs(moments: readonly Moment[]): (readonly [Moment, Moment])[] {
  return moments.slice(1).map((moment, index) => [moments[index] ?? moment, moment]);
}

const check = (steps: fc.Arbitrary<Step[]>, property: (moments: Moment[]) => void): void =>
  fc.assert(
    fc.property(steps, (sequence) => property(play(sequence))),
    { numRuns: propertyRuns() },
  );

describe("A sequence of Refresh, Update, Revoke, RevokeAll and waiting", () => {
  it("A revoked key stays revoked, whatever is done to it afterwards and whatever a clock says.", () => {
    check(anyStepsWithUpdates, (moments) => {
      const first = moments.findIndex((moment) => stateOf(moment, moment.now) === "revoked");
      if (first === -1) return;
      for (const moment of moments.slice(first)) {
        for (const now of [moment.now, 0, START, Number.MAX_SAFE_INTEGER]) {
          expect(stateOf(moment, now)).toBe("revoked");
          expect(evaluate(moment, {}, now)).toBe("revoked");
        }
      }
    });
  });

  it("A key never gets back to a less final state, unless by an Update.", () => {
    check(anySteps, (moments) => {
      for (const [before, after] of pairs(moments)) {
        expect(RANK[stateOf(after, after.now)]).toBeGreaterThanOrEqual(RANK[stateOf(before, before.now)]);
      }
    });
  });

  it("The time and reason of a revocation stay the ones that were told first.", () => {
    check(anyStepsWithUpdates, (moments) => {
      for (const [before, after] of pairs(moments)) {
        const told = revocationOf(before);
        if (told !== undefined) expect(revocationOf(after)).toEqual(told);
      }
    });
  });

  it("A Revoke, and a RevokeAll of the key's own principals only, refuse the key at once.", () => {
    fc.assert(
      fc.property(stepsOf(anyRefresh), fc.oneof(anyRevoke, anyRaise), (refreshes, ending) => {
        const before = play(refreshes).at(-1) ?? start();
        const after = play([...refreshes, [1, ending]]).at(-1) ?? start();
        const concerns = ending.kind !== "raise" || ending.owner.userId !== "user-2";
        expect(revocationOf(before)).toBeUndefined();
        expect(revocationOf(after) !== undefined).toBe(concerns);
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("The record through such a sequence", () => {
  it("The revision rises by one with each change and with nothing else, and the etag follows it.", () => {
    check(anyStepsWithUpdates, (moments) => {
      for (const [before, after] of pairs(moments)) {
        const isChanged = after.key !== before.key;
        expect(after.key.revision - before.key.revision).toBe(isChanged ? 1 : 0);
        expect(etagOf(after.key) !== etagOf(before.key)).toBe(isChanged);
        expect(after.key.updateTime).toBeGreaterThanOrEqual(before.key.updateTime);
      }
    });
  });

  it("No change renews what a key was created under, and none but an Update what it is.", () => {
    check(anyStepsWithUpdates, (moments) => {
      const { keyId, type, owner, epochs, createTime, createdBy } = start().key;
      for (const { key } of moments) {
        expect(key).toMatchObject({ keyId, type, owner, epochs, createTime, createdBy });
      }
    });
    check(anySteps, (moments) => {
      const { generations: _, revocation: __, updateTime: ___, revision: ____, ...created } = start().key;
      for (const { key } of moments) expect(key).toMatchObject(created);
    });
  });
});

describe("A sequence of Refreshes and Updates", () => {
  it("At most two secrets are live at any time, and the newest one always is.", () => {
    check(secretSteps, (moments) => {
      for (const { key, now } of moments) {
        for (const at of [now, 0, now + 1, Number.MAX_SAFE_INTEGER]) {
          const live = liveGenerations(key, at);
          expect(live.length).toBeLessThanOrEqual(2);
          expect(live[0]).toBe(newestGeneration(key));
        }
        expect(key.generations.length).toBeLessThanOrEqual(2);
        expect(newestGeneration(key).endTime).toBeUndefined();
      }
    });
  });

  it("A secret that ended never works again, and its end is never put off.", () => {
    check(secretSteps, (moments) => {
      for (const [before, after] of pairs(moments)) {
        const newest = newestGeneration(before.key).number;
        for (const { number, endTime } of after.key.generations.filter((each) => each.number < newest)) {
          const former = before.key.generations.find((each) => each.number === number);
          expect(former).toBeDefined();
          expect(endTime).toBeLessThanOrEqual(former?.endTime ?? 0);
        }
      }
    });
  });

  it("A former secret whose end an Update brought forward never works from then on.", () => {
    fc.assert(
      fc.property(secretSteps, anyUpdate, secretSteps, (earlier, change, later) => {
        const { previousEndTime: end } = change.kind === "update" ? change.update : {};
        fc.pre(end !== undefined);
        const former = play(earlier).at(-1)?.key.generations[1]?.number;
        fc.pre(former !== undefined);
        const moments = play([...earlier, [1, change], ...later]).slice(earlier.length + 1);
        const ended = Math.max(end, moments[0]?.now ?? 0);
        for (const { key, now } of moments) {
          const live = liveGenerations(key, Math.max(ended, now)).map(({ number }) => number);
          expect(live).not.toContain(former);
        }
      }),
      { numRuns: propertyRuns() },
    );
  });

  it("Each Refresh issues the next number, newest first, with the digests that it was given.", () => {
    check(stepsOf(anyRefresh), (moments) => {
      for (const [before, { key, now }] of pairs(moments)) {
        const [newest, former] = key.generations;
        expect(newest.number).toBe(newestGeneration(before.key).number + 1);
        expect(newest).toMatchObject({ createTime: now, mac: { value: `mac-${before.key.revision}` } });
        if (former !== undefined) expect(former.number).toBeLessThan(newest.number);
      }
    });
  });
});
