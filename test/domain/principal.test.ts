// Covers domain/principal.ts: which principals can end a key, that ids of different owners never meet, what
// a raise changes, how many are remembered, and which of several raises is told as the one that ended a
// key.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  currentEpochs,
  endingRaise,
  newPrincipal,
  type Owner,
  type PrincipalRecord,
  principalIdOf,
  principalIdsOf,
  raiseEpoch,
} from "../../src/domain/principal.ts";
import { buildPrincipal, OWNER, propertyRuns, START } from "./build.ts";

const byId = (...principals: PrincipalRecord[]) =>
  new Map(principals.map((each) => [each.principalId, each]));
const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `reason-${index + 1}`);

const anyPart = fc.option(fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }), { nil: "" });
const anyOwner = fc.record({ userId: anyPart, organizationId: anyPart, serviceAccountId: anyPart });

describe("principalIdOf", () => {
  it.each<[Owner, Owner]>([
    [{ userId: "a" }, { organizationId: "a" }],
    [{ userId: "a" }, { serviceAccountId: "a" }],
    [{ organizationId: "a" }, { serviceAccountId: "a" }],
    [
      { userId: "ab", organizationId: "c" },
      { userId: "a", organizationId: "bc" },
    ],
    [{ userId: "abc" }, { userId: "ab", organizationId: "c" }],
    [
      { userId: "a", organizationId: "b" },
      { userId: "b", organizationId: "a" },
    ],
    [{ userId: "a" }, { userId: "A" }],
  ])("%j and %j are two principals", (left, right) => {
    expect(principalIdOf(left)).not.toBe(principalIdOf(right));
  });

  it("Owners share a principal only when all of their parts are the same.", () => {
    fc.assert(
      fc.property(anyOwner, anyOwner, (left, right) => {
        const isSame = JSON.stringify(left) === JSON.stringify(right);
        expect(principalIdOf(left) === principalIdOf(right)).toBe(isSame);
        expect(principalIdOf({ ...left })).toBe(principalIdOf(left));
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("principalIdsOf", () => {
  const [userId, organizationId, serviceAccountId] = ["u", "o", "s"];
  it.each<[Owner, Owner[]]>([
    [{}, []],
    [{ userId }, [{ userId }]],
    [{ organizationId }, [{ organizationId }]],
    [{ serviceAccountId }, [{ serviceAccountId }]],
    [{ userId, organizationId }, [{ userId }, { organizationId }, { userId, organizationId }]],
    [{ organizationId, serviceAccountId }, [{ organizationId }, { serviceAccountId }]],
    [{ userId, serviceAccountId }, [{ userId }, { serviceAccountId }]],
    [
      { userId, organizationId, serviceAccountId },
      [{ userId }, { organizationId }, { userId, organizationId }, { serviceAccountId }],
    ],
    [{ userId: "", organizationId }, [{ organizationId }]],
  ])("A key of %j can be ended through each of %j.", (owner, principals) => {
    expect(principalIdsOf(owner)).toEqual(principals.map(principalIdOf));
  });
});

describe("currentEpochs", () => {
  it("reads each principal's epoch, 0 for those without a record", () => {
    const user = buildPrincipal({ userId: "user-1" }, numbered(2));
    const [userPrincipal, organization, member] = principalIdsOf(OWNER);
    expect(currentEpochs(OWNER, byId(user, buildPrincipal({ userId: "user-2" }, numbered(5))))).toEqual([
      { principalId: userPrincipal, epoch: user.epoch },
      { principalId: organization, epoch: 0 },
      { principalId: member, epoch: 0 },
    ]);
  });

  it("A raise of any of its principals ends a key with epochs from before it, and no other.", () => {
    const principalOwners: Owner[] = [{ userId: "user-1" }, { organizationId: "org-1" }, OWNER];
    for (const owner of principalOwners) {
      const raised = byId(buildPrincipal(owner, ["left"]));
      expect(endingRaise(currentEpochs(OWNER, new Map()), raised)).toMatchObject({ reason: "left" });
      expect(endingRaise(currentEpochs(OWNER, raised), raised)).toBeUndefined();
      expect(endingRaise(currentEpochs({ userId: "user-2" }, new Map()), raised)).toBeUndefined();
    }
  });
});

describe("raiseEpoch", () => {
  it("leads to a higher epoch and the next revision, remembers why, and changes no record in place", () => {
    const before = buildPrincipal(OWNER, ["first"]);
    const copy = structuredClone(before);
    const raise = { time: START + 9, reason: "second", caller: "caller-2", requestKey: "request" };
    const after = raiseEpoch(before, raise);
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(after.revision).toBe(before.revision + 1);
    expect(after.raises).toEqual([...before.raises, { ...raise, epoch: after.epoch }]);
    expect(after).toMatchObject({ principalId: before.principalId, owner: OWNER });
    expect(before).toEqual(copy);
  });

  it("starts from a principal without epoch, raises or stored revision", () => {
    const principalId = principalIdOf(OWNER);
    expect(newPrincipal(OWNER)).toEqual({ principalId, owner: OWNER, epoch: 0, raises: [], revision: 0 });
  });

  it.each([
    [15, "reason-1"],
    [16, "reason-1"],
    [17, "reason-2"],
    [32, "reason-17"],
  ])("after %i raises remembers the newest 16 at most, %s the oldest of them", (count, oldest) => {
    const principal = buildPrincipal(OWNER, numbered(count));
    expect(principal.raises).toHaveLength(Math.min(count, 16));
    expect(principal.raises[0]?.reason).toBe(oldest);
    expect(principal.raises.at(-1)).toMatchObject({ reason: `reason-${count}`, epoch: principal.epoch });
    // A key from before all of them is as dead as ever; the oldest kept raise stands for the forgotten one.
    expect(endingRaise(currentEpochs(OWNER, new Map()), byId(principal))?.reason).toBe(oldest);
  });
});

describe("endingRaise", () => {
  it.each([
    [0, "reason-1"],
    [1, "reason-2"],
    [2, "reason-3"],
    [3, undefined],
  ])("of a key created after %i of three raises is %s", (raisesBefore, reason) => {
    const epochs = currentEpochs(OWNER, byId(buildPrincipal(OWNER, numbered(raisesBefore))));
    expect(endingRaise(epochs, byId(buildPrincipal(OWNER, numbered(3))))?.reason).toBe(reason);
  });

  it.each(["user first", "organization first"])("of two principals is the earlier one's: %s", (order) => {
    const raise = (owner: Owner, time: number, reason: string) =>
      raiseEpoch(newPrincipal(owner), { time, reason, caller: "caller-1" });
    const isUserFirst = order === "user first";
    const user = raise({ userId: "user-1" }, isUserFirst ? START : START + 1, "user first");
    const organization = raise(
      { organizationId: "org-1" },
      isUserFirst ? START + 1 : START,
      "organization first",
    );
    expect(endingRaise(currentEpochs(OWNER, new Map()), byId(user, organization))?.reason).toBe(order);
  });

  it.each([
    ["is missing", []],
    ["was put back to before the raises", [newPrincipal(OWNER)]],
    ["was put back to between the raises", [buildPrincipal(OWNER, ["first"])]],
  ])(
    "A key whose principal's record %s is dead, although no raise is known that ended it.",
    (_, principals) => {
      const epochs = currentEpochs(OWNER, byId(buildPrincipal(OWNER, ["first", "second"])));
      expect(endingRaise(epochs, byId(...principals))).toMatchObject({
        reason: "",
        time: Number.POSITIVE_INFINITY,
      });
    },
  );

  it("A raise never makes a dead key usable again, even after the principal's record was lost.", () => {
    const epochs = currentEpochs(OWNER, byId(buildPrincipal(OWNER, ["first"])));
    expect(endingRaise(epochs, byId())).toBeDefined();
    const later = { time: START + 60_000, reason: "raised from nothing", caller: "caller-1" };
    expect(endingRaise(epochs, byId(raiseEpoch(newPrincipal(OWNER), later)))).toBeDefined();
  });
});
