// Covers assertMayGrant of access/authority.ts: no key is ever more than its caller, in scopes, in owner, and
// for a bound caller in its end, its addresses and its limits. Each rule once as a table and once for all
// callers and keys that can be made of a few parts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assertMayGrant, isAdmin } from "../../src/access/authority.ts";
import { type Bounds, boundsOf, isBound, isWithin, UNBOUND } from "../../src/access/bounds.ts";
import { type Caller, nobody, rootCaller } from "../../src/access/caller.ts";
import { FleetkeyError } from "../../src/domain/errors.ts";
import { grantedScopes, missingScopes, type Roles } from "../../src/domain/grant/scope.ts";
import type { KeyRecord } from "../../src/domain/key.ts";
import { buildKey, propertyRuns, START } from "../domain/build.ts";

const OK = "ok";
const ROLES: Roles = new Map([
  ["reader", ["orders:read", "invoices:read"]],
  ["clerk", ["orders:*"]],
  ["none", []],
]);
const ORG: Bounds = { organizationId: "org-1" };

interface Held {
  readonly scopes?: readonly string[];
  readonly roles?: readonly string[];
  readonly bounds?: Bounds;
  readonly key?: KeyRecord;
}

const callerWith = (held: Held): Caller => ({ ...nobody(), id: "flk_scaller00001", ...held });
const keyOf = (overrides: Partial<KeyRecord>) => buildKey({ owner: ORG, ...overrides });

/** `ok`, or the reason of the refusal and what it names. */
function outcomeOf(caller: Caller, key: KeyRecord, roles = ROLES): string {
  try {
    assertMayGrant(caller, key, roles);
    return OK;
  } catch (error) {
    if (!(error instanceof FleetkeyError) || error.code !== "permission_denied") throw error;
    return [error.details.reason, ...Object.values(error.details.metadata ?? {})].join(" ");
  }
}

describe("The scopes of a key", () => {
  const cases: readonly (readonly [Held, Partial<KeyRecord>, string])[] = [
    [{}, {}, OK],
    [{ scopes: ["orders:read"] }, { scopes: ["orders:read"] }, OK],
    [{ scopes: ["orders:*"] }, { scopes: ["orders:read", "orders:eu:*"] }, OK],
    [{ scopes: ["*"] }, { scopes: ["*", "a:*"] }, OK],
    [{}, { scopes: ["a"] }, "SCOPES_NOT_HELD a"],
    [{ scopes: ["a"] }, { scopes: ["c", "a", "b"] }, "SCOPES_NOT_HELD c b"],
    [{ scopes: ["orders:read"] }, { scopes: ["orders:*"] }, "SCOPES_NOT_HELD orders:*"],
    [{ scopes: ["orders:*"] }, { scopes: ["*"] }, "SCOPES_NOT_HELD *"],
    [{ scopes: ["orders:*"] }, { scopes: ["orders"] }, "SCOPES_NOT_HELD orders"],
    [{ roles: ["reader"] }, { roles: ["reader"] }, OK],
    [{ roles: ["reader"] }, { scopes: ["invoices:read"] }, OK],
    [{ roles: ["clerk"] }, { scopes: ["orders:write"] }, OK],
    [{ scopes: ["*"] }, { roles: ["reader", "clerk"] }, OK],
    [{ scopes: ["orders:read", "invoices:read"] }, { roles: ["reader"] }, OK],
    [{ roles: ["clerk"], scopes: ["invoices:*"] }, { roles: ["reader"] }, OK],
    [{ scopes: ["orders:read"] }, { roles: ["reader"] }, "SCOPES_NOT_HELD invoices:read"],
    // A role that the settings do not know now can come back, with anything in it.
    [{ scopes: ["*"] }, { roles: ["gone"] }, "SCOPES_NOT_HELD gone"],
    [{ roles: ["gone"] }, { roles: ["gone"] }, OK],
    [{ roles: ["reader"] }, { roles: ["clerk"] }, "SCOPES_NOT_HELD orders:*"],
    [{ roles: ["reader"] }, { roles: ["reader", "clerk"] }, "SCOPES_NOT_HELD orders:*"],
    [{ roles: ["gone"] }, { roles: ["gone"] }, OK],
    [{ scopes: ["fleetkey:verify"] }, { scopes: ["fleetkey:verify"] }, "SCOPES_NOT_HELD fleetkey:verify"],
    [{ scopes: ["fleetkey:create", "*"] }, { scopes: ["fleetkey:*"] }, "SCOPES_NOT_HELD fleetkey:*"],
    [{ scopes: ["*"] }, { scopes: ["a", "fleetkey:admin"] }, "SCOPES_NOT_HELD fleetkey:admin"],
    [{ scopes: ["fleetkey:admin"] }, { scopes: ["*", "fleetkey:*"], roles: ["clerk"] }, OK],
    [{ scopes: ["fleetkey:*"] }, { scopes: ["fleetkey:admin", "a"] }, OK],
  ];
  it.each(cases)("of a caller with %j: %j is %s", (held, overrides, expected) => {
    expect(outcomeOf(callerWith(held), keyOf(overrides))).toBe(expected);
    // Bounds take nothing from it, and give nothing to it.
    const key = keyOf({ scopes: held.scopes, roles: held.roles });
    expect(outcomeOf(callerWith({ ...held, bounds: ORG, key }), keyOf(overrides))).toBe(expected);
  });

  it.each([[[]], [["boss"]]])(
    "A role with a scope of Fleetkey's own, which no settings allow, cannot be granted: held are %j.",
    (roles) => {
      const table: Roles = new Map([["boss", ["fleetkey:admin"]]]);
      const caller = callerWith({ scopes: ["fleetkey:create", "*"], roles });
      expect(outcomeOf(caller, keyOf({ roles: ["boss"] }), table)).toBe("SCOPES_NOT_HELD fleetkey:admin");
    },
  );

  it("never exceed those of a caller that is no administrator, with any roles; none less is refused", () => {
    const scope = fc.constantFrom("a", "a:b", "a:*", "a:b:*", "b", "*", "fleetkey:verify", "fleetkey:*");
    const names = ["r1", "r2", "r3"] as const;
    const some = { maxLength: 3 };
    const table = fc.tuple(...names.map(() => fc.option(fc.array(scope, some), { nil: undefined })));
    const grantee = fc.record({ scopes: fc.array(scope, some), roles: fc.subarray([...names]) });
    fc.assert(
      fc.property(table, grantee, grantee, (scopes, held, wanted) => {
        const rows = names.flatMap((name, index) => (scopes[index] ? [[name, scopes[index]] as const] : []));
        const roles: Roles = new Map(rows);
        const caller = callerWith(held);
        fc.pre(!isAdmin(caller));
        const given = grantedScopes(wanted, roles);
        const isCovered = missingScopes(grantedScopes(held, roles), given).length === 0;
        const isOwn = given.some((each) => each.startsWith("fleetkey:"));
        const isKnown = wanted.roles.every((role) => roles.has(role) || held.roles.includes(role));
        expect(outcomeOf(caller, keyOf(wanted), roles) === OK).toBe(isCovered && !isOwn && isKnown);
      }),
      { numRuns: propertyRuns(2_000) },
    );
  });
});

describe("The owner of a key", () => {
  it.each<[Bounds, Bounds, string]>([
    [UNBOUND, {}, OK],
    [UNBOUND, { userId: "user-1", organizationId: "org-1" }, OK],
    [ORG, ORG, OK],
    [ORG, { organizationId: "org-1", userId: "user-1" }, OK],
    [ORG, {}, "OUTSIDE_BOUNDS"],
    [ORG, { organizationId: "org-2" }, "OUTSIDE_BOUNDS"],
    [ORG, { userId: "org-1" }, "OUTSIDE_BOUNDS"],
    [{ userId: "user-1", ...ORG }, ORG, "OUTSIDE_BOUNDS"],
    [{ userId: "user-1", ...ORG }, { userId: "user-1" }, "OUTSIDE_BOUNDS"],
    [{ serviceAccountId: "account-1", ...ORG }, ORG, "OUTSIDE_BOUNDS"],
  ])("is within the caller's bounds, an administrator's too: %j, %j is %s", (bounds, owner, expected) => {
    for (const scopes of [["a"], ["fleetkey:admin"]]) {
      const caller = callerWith({ scopes, bounds, key: keyOf({ owner: bounds, scopes }) });
      expect(outcomeOf(caller, keyOf({ owner }))).toBe(expected);
    }
  });

  it("So every key that a bound caller makes is bound to no less.", () => {
    const part = fc.constantFrom(undefined, "a", "b");
    const owner = fc.record({ userId: part, organizationId: part, serviceAccountId: part });
    fc.assert(
      fc.property(owner, owner, (own, wanted) => {
        const bounds = boundsOf(own);
        fc.pre(isBound(bounds));
        const caller = callerWith({ bounds, key: keyOf({ owner: own }) });
        if (outcomeOf(caller, keyOf({ owner: wanted })) === OK) {
          expect(isWithin(bounds, boundsOf(wanted))).toBe(true);
        }
      }),
      { numRuns: propertyRuns(500) },
    );
  });
});

describe("The end, addresses and limits of a key", () => {
  const OWN: Partial<KeyRecord> = {
    expireTime: START + 1_000,
    allowedCidrs: ["192.0.2.0/24", "2001:db8::/32"],
    rateLimit: { limit: 10, windowMs: 60_000 },
    quota: { limit: 100, period: "month" },
  };
  const excess = (field: string) => `EXCEEDS_CALLER ${field}`;

  const cases: readonly (readonly [string, Partial<KeyRecord>, string])[] = [
    ["all the same", {}, OK],
    ["a sooner end", { expireTime: START }, OK],
    ["a later end", { expireTime: START + 1_001 }, excess("expire_time")],
    ["no end", { expireTime: undefined }, excess("expire_time")],
    ["a part of the addresses", { allowedCidrs: ["192.0.2.128/25"] }, OK],
    ["other addresses", { allowedCidrs: ["192.0.2.1", "198.51.100.1"] }, excess("allowed_cidrs")],
    ["wider addresses", { allowedCidrs: ["192.0.2.0/23"] }, excess("allowed_cidrs")],
    ["all addresses", { allowedCidrs: [] }, excess("allowed_cidrs")],
    ["a tighter rate", { rateLimit: { limit: 9, windowMs: 60_000 } }, OK],
    ["a larger burst", { rateLimit: { limit: 11, windowMs: 600_000 } }, excess("rate_limit")],
    ["a faster rate", { rateLimit: { limit: 10, windowMs: 59_999 } }, excess("rate_limit")],
    ["no rate limit", { rateLimit: undefined }, excess("rate_limit")],
    ["a tighter quota", { quota: { limit: 100, period: "none" } }, OK],
    ["a larger quota", { quota: { limit: 101, period: "month" } }, excess("quota")],
    ["a quota of a shorter period", { quota: { limit: 100, period: "day" } }, excess("quota")],
    ["no quota", { quota: undefined }, excess("quota")],
  ];
  it.each(cases)("of a bound caller, an administrator too: %s", (_, overrides, expected) => {
    for (const scopes of [["a"], ["fleetkey:admin"]]) {
      const caller = callerWith({ scopes, bounds: ORG, key: keyOf(OWN) });
      expect(outcomeOf(caller, keyOf({ ...OWN, ...overrides }))).toBe(expected);
    }
  });

  it.each(cases)("of a caller without bounds are free: %s", (_, overrides) => {
    expect(outcomeOf(callerWith({ key: keyOf(OWN) }), keyOf({ ...OWN, ...overrides }))).toBe(OK);
    expect(outcomeOf(rootCaller(), keyOf({ ...OWN, ...overrides }))).toBe(OK);
  });

  it.each(cases)("of a bound caller that has no such limit itself are free: %s", (_, overrides) => {
    const caller = callerWith({ bounds: ORG, key: keyOf({}) });
    expect(outcomeOf(caller, keyOf({ ...OWN, ...overrides }))).toBe(OK);
  });

  it("Of several that exceed, each alone is enough, whatever the others are.", () => {
    const changes = cases.filter(([, , expected]) => expected !== OK);
    const tighter = cases.filter(([, , expected]) => expected === OK);
    fc.assert(
      fc.property(fc.subarray([...changes], { minLength: 1 }), fc.subarray([...tighter]), (more, less) => {
        const caller = callerWith({ bounds: ORG, key: keyOf(OWN) });
        const key = keyOf(Object.assign({}, OWN, ...[...less, ...more].map(([, overrides]) => overrides)));
        expect(outcomeOf(caller, key)).toMatch(/^EXCEEDS_CALLER /);
      }),
      { numRuns: propertyRuns(200) },
    );
  });
});
