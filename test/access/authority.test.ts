// Covers access/authority.ts but for what a key may be given, which is may-grant.test.ts's: which calls a
// scope is for, which keys a caller may touch, and whose switch a bound caller must leave alone.
import { describe, expect, it } from "vitest";
import {
  assertMayCall,
  assertMayLift,
  assertMayTouch,
  isAdmin,
  permissionDenied,
} from "../../src/access/authority.ts";
import { type Bounds, UNBOUND } from "../../src/access/bounds.ts";
import { type Caller, nobody, rootCaller, sidecarCaller } from "../../src/access/caller.ts";
import { FleetkeyError, keyNotFound } from "../../src/domain/errors.ts";
import type { Disablement } from "../../src/domain/key.ts";
import type { Owner } from "../../src/domain/principal.ts";
import { buildKey, START } from "../domain/build.ts";

const OK = "ok";

const callerWith = (scopes: readonly string[], bounds: Bounds = UNBOUND): Caller => ({
  ...nobody(),
  id: "flk_scaller00001",
  scopes,
  bounds,
});

/** `ok`, or the code and reason of the refusal. */
function outcomeOf(assertion: () => void): string {
  try {
    assertion();
    return OK;
  } catch (error) {
    if (error instanceof FleetkeyError) return `${error.code} ${error.details.reason}`;
    throw error;
  }
}

describe("isAdmin", () => {
  it.each<[readonly string[], boolean]>([
    [["fleetkey:admin"], true],
    [["fleetkey:*"], true],
    [["orders:read", "fleetkey:admin"], true],
    [[], false],
    [["*"], false],
    [["admin"], false],
    [["fleetkey:admin:*"], false],
    [["fleetkey:verify", "fleetkey:create", "fleetkey:update"], false],
  ])("of %j: %s", (scopes, is) => {
    expect(isAdmin(callerWith(scopes))).toBe(is);
  });

  it("is the root credential, and neither nobody nor a sidecar", () => {
    expect([rootCaller(), nobody(), sidecarCaller()].map(isAdmin)).toEqual([true, false, false]);
  });

  it("A role never makes one, whatever its name.", () => {
    expect(isAdmin({ ...nobody(), roles: ["fleetkey:admin", "fleetkey:*", "admin"] })).toBe(false);
  });
});

describe("assertMayCall", () => {
  it.each<[readonly string[], string, boolean]>([
    [["fleetkey:verify"], "fleetkey:verify", true],
    [["fleetkey:*"], "fleetkey:verify", true],
    [["fleetkey:admin"], "fleetkey:verify", true],
    [["fleetkey:admin"], "fleetkey:admin", true],
    [["fleetkey:verify", "fleetkey:read"], "fleetkey:read", true],
    [["fleetkey:verify"], "fleetkey:read", false],
    [["fleetkey:verify"], "fleetkey:admin", false],
    [["fleetkey:verify2"], "fleetkey:verify", false],
    [["fleetkey:verif"], "fleetkey:verify", false],
    [["fleetkey:verify:*"], "fleetkey:verify", false],
    [["*"], "fleetkey:verify", false],
    [["*", "verify", "orders:*"], "fleetkey:verify", false],
    [[], "fleetkey:verify", false],
  ])("%j for %s: %s", (scopes, scope, isLetIn) => {
    const outcome = outcomeOf(() => assertMayCall(callerWith(scopes), scope));
    expect(outcome).toBe(isLetIn ? OK : "permission_denied SCOPE_REQUIRED");
  });

  it("tells which scope is missing, and nothing of those that are there", () => {
    const refused = () => assertMayCall(callerWith(["orders:secret"]), "fleetkey:read");
    expect(refused).toThrow(
      expect.objectContaining({
        details: { reason: "SCOPE_REQUIRED", metadata: { scope: "fleetkey:read" } },
      }),
    );
  });
});

describe("assertMayTouch", () => {
  const NOT_FOUND = "not_found KEY_NOT_FOUND";
  const DENIED = "permission_denied SCOPE_REQUIRED";
  const USER: Owner = { userId: "user-1" };

  it.each<[string, Caller, Owner, readonly string[], string]>([
    ["a key by anybody without bounds", callerWith([]), USER, ["orders:*", "*"], OK],
    ["a key inside", callerWith([], USER), { ...USER, organizationId: "org-1" }, [], OK],
    ["a key outside", callerWith([], USER), { userId: "user-2" }, [], NOT_FOUND],
    ["a key of nobody, by a bound caller", callerWith([], USER), {}, [], NOT_FOUND],
    ["a key outside, by an administrator", callerWith(["fleetkey:*"], USER), {}, [], NOT_FOUND],
    ["a caller's key", callerWith(["fleetkey:update"]), USER, ["fleetkey:verify"], DENIED],
    ["a caller's key by one of the same scopes", callerWith(["fleetkey:a"]), USER, ["fleetkey:a"], DENIED],
    ["a caller's key by *", callerWith(["*"]), USER, ["fleetkey:verify"], DENIED],
    ["a caller's key, its scope the last", callerWith(["*"]), USER, ["a", "b", "fleetkey:read"], DENIED],
    ["a caller's key by an administrator", callerWith(["fleetkey:admin"]), USER, ["fleetkey:*"], OK],
    ["one inside, by an administrator", callerWith(["fleetkey:admin"], USER), USER, ["fleetkey:*"], OK],
    ["a key whose scope only looks so", callerWith([]), USER, ["fleetkey2:verify", "fleetkey"], OK],
    // Outside it must not tell that the key is an administrator's either.
    ["a caller's key outside", callerWith([], USER), { userId: "user-2" }, ["fleetkey:admin"], NOT_FOUND],
  ])("%s", (_, caller, owner, scopes, expected) => {
    expect(outcomeOf(() => assertMayTouch(caller, buildKey({ owner, scopes })))).toBe(expected);
  });

  it("What lies outside is refused in the very words of what is not there.", () => {
    const outside = () => assertMayTouch(callerWith([], USER), buildKey({ owner: { userId: "user-2" } }));
    const { code, message, details } = keyNotFound();
    expect(outside).toThrow(expect.objectContaining({ code, message, details }));
  });
});

describe("assertMayLift", () => {
  const by = (isByOperator: boolean): Disablement => ({ time: START, caller: "someone", isByOperator });
  const BOUNDS: Bounds = { organizationId: "org-1" };

  it.each<[string, Disablement | undefined, Disablement | undefined, Bounds, boolean]>([
    ["an operator's, by an unbound caller", by(true), undefined, UNBOUND, true],
    ["an operator's, by a bound caller", by(true), undefined, BOUNDS, false],
    ["an operator's that stays", by(true), by(true), BOUNDS, true],
    ["a bound caller's, by another one", by(false), undefined, BOUNDS, true],
    ["none", undefined, undefined, BOUNDS, true],
    ["none that is set", undefined, by(false), BOUNDS, true],
  ])("%s", (_, before, after, bounds, isLetIn) => {
    for (const scopes of [["fleetkey:update"], ["fleetkey:admin"]]) {
      const outcome = outcomeOf(() =>
        assertMayLift(
          callerWith(scopes, bounds),
          buildKey({ disablement: before }),
          buildKey({ disablement: after }),
        ),
      );
      expect(outcome).toBe(isLetIn ? OK : "permission_denied DISABLED_BY_OPERATOR");
    }
  });
});

describe("permissionDenied", () => {
  it("has no metadata when there is none to tell", () => {
    const { code, message, details } = permissionDenied("no", "NO");
    expect([code, message, details]).toEqual(["permission_denied", "no", { reason: "NO", metadata: {} }]);
  });
});
