// Covers domain/lifecycle.ts: which state hides which, expiry and grace to the millisecond, revocation by
// the key itself or through a principal's epoch, and the reason that evaluate gives. All of it is a
// function of its arguments.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refreshKey } from "../../src/domain/key-changes.ts";
import { KEY_TYPES } from "../../src/domain/key-type.ts";
import { evaluate, graceEndOf, revocationOf, stateOf } from "../../src/domain/lifecycle.ts";
import { currentEpochs, type Owner, type PrincipalRecord } from "../../src/domain/principal.ts";
import { denied } from "../../src/domain/verdict.ts";
import { buildKey, buildPrincipal, buildView, DISABLEMENT, OWNER, propertyRuns, START } from "./build.ts";

const NOW = START + 60_000;
const byId = (...principals: PrincipalRecord[]) =>
  new Map(principals.map((each) => [each.principalId, each]));

describe("stateOf", () => {
  const yesNo = [false, true];
  const table = yesNo.flatMap((isRevoked) =>
    yesNo.flatMap((isRaised) =>
      yesNo.flatMap((isExpired) =>
        yesNo.map((isDisabled) => ({ isRevoked, isRaised, isExpired, isDisabled })),
      ),
    ),
  );

  it.each(table)(
    "of a key with %j tells the most final state",
    ({ isRevoked, isRaised, isExpired, isDisabled }) => {
      const key = buildKey({
        disablement: isDisabled ? DISABLEMENT : undefined,
        expireTime: isExpired ? NOW - 1 : NOW + 1,
        ...(isRevoked && { revocation: { time: NOW - 5, reason: "leaked" } }),
      });
      const view = buildView(key, isRaised ? [buildPrincipal(OWNER, ["left"])] : []);
      const weaker = isExpired ? "expired" : isDisabled ? "disabled" : "active";
      const state = isRevoked || isRaised ? "revoked" : weaker;
      expect(stateOf(view, NOW)).toBe(state);
      expect(evaluate(view, {}, NOW)).toBe(state === "active" ? undefined : state);
      // A wrong type never hides a state: it is told last.
      expect(evaluate(view, { expectedType: "service" }, NOW)).toBe(
        state === "active" ? "wrong_type" : state,
      );
    },
  );
});

describe("Expiry", () => {
  it.each([
    [-1, "active"],
    [0, "expired"],
    [1, "expired"],
  ])("A key is refused from the exact ms of its expiry on: %i ms after it, it is %s.", (offsetMs, state) => {
    const view = buildView(buildKey({ expireTime: NOW }));
    expect(stateOf(view, NOW + offsetMs)).toBe(state);
    expect(evaluate(view, {}, NOW + offsetMs)).toBe(state === "active" ? undefined : state);
  });

  it.each([
    [0, "expired"],
    [undefined, "active"],
  ])(
    "With expireTime %s a key is %s: 0 is a time, and only an absent one never comes.",
    (expireTime, state) => {
      expect(stateOf(buildView(buildKey({ ...(expireTime !== undefined && { expireTime }) })), NOW)).toBe(
        state,
      );
    },
  );
});

describe("A raised epoch", () => {
  it.each<[string, Owner]>([
    ["the user", { userId: "user-1" }],
    ["the organization", { organizationId: "org-1" }],
    ["the user within the organization", OWNER],
  ])("Raising %s ends the keys created before and none created after.", (_, owner) => {
    const raised = buildPrincipal(owner, ["left"]);
    const before = buildKey();
    const after = buildKey({ epochs: currentEpochs(OWNER, byId(raised)) });
    expect(evaluate(buildView(before), {}, NOW)).toBeUndefined();
    expect(evaluate(buildView(before, [raised]), {}, NOW)).toBe("revoked");
    expect(evaluate(buildView(after, [raised]), {}, NOW)).toBeUndefined();
    const raisedAgain = buildPrincipal(owner, ["left", "left again"]);
    expect(evaluate(buildView(after, [raisedAgain]), {}, NOW)).toBe("revoked");
  });

  it.each<[string, Owner]>([
    ["another user", { userId: "user-2" }],
    ["another organization", { organizationId: "org-2" }],
    ["the user within another organization", { userId: "user-1", organizationId: "org-2" }],
    ["an organization with the user's id", { organizationId: "user-1" }],
    ["a service account with the user's id", { serviceAccountId: "user-1" }],
  ])("Raising %s leaves the key alone.", (_, owner) => {
    expect(evaluate(buildView(buildKey(), [buildPrincipal(owner, ["left"])]), {}, NOW)).toBeUndefined();
  });

  it("A key that remembers a raise of a principal without a record is dead.", () => {
    const epochs = currentEpochs(OWNER, byId(buildPrincipal(OWNER, ["left"])));
    expect(stateOf(buildView(buildKey({ epochs }), []), NOW)).toBe("revoked");
  });

  it("A key created on epochs that a race made old is dead on arrival.", () => {
    const epochs = currentEpochs(OWNER, byId(buildPrincipal(OWNER, ["first"])));
    const view = buildView(buildKey({ epochs, createTime: NOW }), [
      buildPrincipal(OWNER, ["first", "racing"]),
    ]);
    expect(stateOf(view, NOW)).toBe("revoked");
    expect(revocationOf(view)?.reason).toBe("racing");
  });
});

describe("revocationOf", () => {
  it("is nothing for a key that was not revoked, expired or disabled as it may be", () => {
    expect(
      revocationOf(buildView(buildKey({ expireTime: START, disablement: DISABLEMENT }))),
    ).toBeUndefined();
  });

  it("tells the first of two raises", () => {
    const view = buildView(buildKey(), [buildPrincipal(OWNER, ["first", "second"])]);
    expect(revocationOf(view)).toMatchObject({ reason: "first", time: START + 1_000 });
  });

  // buildPrincipal raises first a second after START.
  it.each([
    [999, "own"],
    [1_000, "own"],
    [1_001, "raise"],
  ])(
    "of a key revoked %i ms after START and raised 1000 ms after it tells the %s reason",
    (offsetMs, reason) => {
      const key = buildKey({ revocation: { time: START + offsetMs, reason: "own" } });
      const time = START + Math.min(offsetMs, 1_000);
      expect(revocationOf(buildView(key, [buildPrincipal(OWNER, ["raise"])]))).toMatchObject({
        reason,
        time,
      });
      expect(revocationOf(buildView(key))).toEqual({ reason: "own", time: START + offsetMs });
    },
  );
});

describe("evaluate", () => {
  it.each(KEY_TYPES)("refuses a %s key exactly where another type is expected", (type) => {
    const view = buildView(buildKey({ type }));
    for (const expectedType of KEY_TYPES) {
      expect(evaluate(view, { expectedType }, NOW)).toBe(expectedType === type ? undefined : "wrong_type");
    }
    expect(evaluate(view, {}, NOW)).toBeUndefined();
  });

  it("A cached view is refused as a fresh one: the answer depends on nothing but the arguments.", () => {
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 5 }), fc.boolean(), (offsetMs, disabled) => {
        const view = buildView(
          buildKey({ expireTime: NOW, disablement: disabled ? DISABLEMENT : undefined }),
        );
        const answer = evaluate(structuredClone(view), {}, NOW + offsetMs);
        evaluate(view, {}, NOW + 1_000);
        expect(evaluate(view, {}, NOW + offsetMs)).toBe(answer);
        expect(answer).toBe(offsetMs >= 0 ? "expired" : disabled ? "disabled" : undefined);
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("graceEndOf", () => {
  it.each([
    [0, NOW + 100],
    [99, NOW + 100],
    [100, undefined],
  ])("%i ms into a grace window of 100 ms is %s", (offsetMs, graceEnd) => {
    const digests = { mac: { version: 1, value: "next-mac" }, bcrypt: "next-bcrypt" };
    const key = refreshKey(buildKey(), digests, { now: NOW, graceMs: 100 });
    expect(graceEndOf(key, NOW + offsetMs)).toBe(graceEnd);
    expect(graceEndOf(buildKey(), NOW + offsetMs)).toBeUndefined();
  });
});

describe("denied", () => {
  it("tells the view only where one is given, so that a wrong secret learns nothing of the key", () => {
    const view = buildView();
    expect(denied("revoked", view)).toEqual({ valid: false, reason: "revoked", view });
    expect(Object.keys(denied("unknown"))).toEqual(["valid", "reason"]);
  });
});
