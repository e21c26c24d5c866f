// What one scope says of another: a key may do what it was given and nothing beside it. Covers
// domain/scope.ts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coversScope, grantedScopes, missingScopes, scopeTrouble } from "../../../src/domain/grant/scope.ts";
import { propertyRuns } from "../build.ts";

describe("scopeTrouble", () => {
  it.each(["read", "read-write", "orders:read", "orders:*", "*", "a.b_c:d-e:0", "x".repeat(128)])(
    "finds none in %s",
    (scope) => {
      expect(scopeTrouble(scope)).toBeUndefined();
    },
  );

  it.each([
    ["", /empty/],
    ["x".repeat(129), /128/],
    ["Orders", /a-z/],
    ["orders read", /a-z/],
    ["ördérs", /a-z/],
    ["or*ders", /last segment/],
    ["orders*", /last segment/],
    ["*:orders", /last segment/],
    ["orders:*:read", /last segment/],
    ["orders:**", /last segment/],
    ["**", /last segment/],
  ])("tells what is wrong with %j", (scope, trouble) => {
    expect(scopeTrouble(scope)).toMatch(trouble);
  });
});

describe("coversScope", () => {
  it.each([
    ["orders:read", "orders:read", true],
    ["orders:read", "orders:write", false],
    ["orders:read", "orders", false],
    ["orders", "orders:read", false],
    ["orders:*", "orders:read", true],
    ["orders:*", "orders:eu:read", true],
    ["orders:*", "orders:eu:*", true],
    ["orders:*", "orders", false],
    ["orders:*", "orders2:read", false],
    ["orders:eu:*", "orders:*", false],
    ["*", "orders:read", true],
    ["*", "*", true],
    ["orders:*", "*", false],
    ["read", "read-write", false],
    ["*", "fleetkey:admin", false],
    ["*", "fleetkey:*", false],
    ["fleetkey:*", "fleetkey:admin", true],
    ["fleetkey:verify", "fleetkey:admin", false],
  ])("%s over %s: %s", (granted, wanted, isCovered) => {
    expect(coversScope(granted, wanted)).toBe(isCovered);
  });

  const segment = fc.constantFrom("a", "b", "ab", "fleetkey");
  const scope = fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([segments, isPattern]) => [...segments, ...(isPattern ? ["*"] : [])].join(":"));

  it("covers itself, and what it covers covers nothing more than it", () => {
    fc.assert(
      fc.property(scope, scope, scope, (a, b, c) => {
        expect(coversScope(a, a)).toBe(true);
        if (coversScope(a, b) && coversScope(b, c)) expect(coversScope(a, c)).toBe(true);
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("a key", () => {
  const roles = new Map([
    ["reader", ["orders:read", "invoices:read"]],
    ["clerk", ["orders:*"]],
  ]);

  it("has its own scopes and those that its roles hold now; an unknown role grants nothing", () => {
    const key = { scopes: ["own"], roles: ["reader", "gone", "toString"] };
    expect(grantedScopes(key, roles)).toEqual(["own", "orders:read", "invoices:read"]);
    expect(grantedScopes({ scopes: [], roles: ["clerk"] }, roles)).toEqual(["orders:*"]);
  });

  it("is told what it lacks in the order asked", () => {
    expect(missingScopes(["orders:*"], ["z", "orders:read", "a"])).toEqual(["z", "a"]);
    expect(missingScopes([], [])).toEqual([]);
  });
});
