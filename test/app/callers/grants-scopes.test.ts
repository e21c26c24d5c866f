// Only a caller that holds a scope can grant it, and only an administrator can grant scopes of Fleetkey's own
// or touch a key that has some: the same for Create, Import, Update and Refresh.
import { expect, it } from "vitest";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { updateKey } from "../../../src/app/keys/update-key.ts";
import { verifyKey } from "../../../src/app/verify/verify-key.ts";
import type { Owner } from "../../../src/domain/principal.ts";
import { onEachStore } from "../backends.ts";
import { openImports } from "../imports.ts";
import { codeOf } from "../outcomes.ts";
import { byApiKey, byId, byOwner, revokeInput, updateInput } from "../requests.ts";
import { create, NOBODY, ROOT, stateNow, stored, verdictOf } from "../world.ts";
import { ALL_CALLS, callerOf, OPERATOR, verifyInput } from "./callers.ts";
import { outcomeOf, TARGET_OWNER, WAYS, type Wanted } from "./grant-ways.ts";

const ROLES = new Map([
  ["reader", ["orders:read", "invoices:read"]],
  ["clerk", ["orders:*"]],
]);
const BOUNDS: readonly (readonly [string, Owner])[] = [
  ["without bounds", OPERATOR],
  ["bound to an organization", { organizationId: "org-1" }],
];
const GRANTED = "granted";
const DENIED = "permission_denied";

interface Held {
  readonly scopes: readonly string[];
  readonly roles?: readonly string[];
}
const ADMIN: Held = { scopes: ["fleetkey:admin"] };

/** What the caller holds beside the scopes to call, what the key is to hold, and whether it gets it. */
const CASES: readonly (readonly [string, Held, Wanted, string])[] = [
  ["nothing, from nothing", { scopes: [] }, {}, GRANTED],
  ["a scope that it holds", { scopes: ["orders:read"] }, { scopes: ["orders:read"] }, GRANTED],
  ["a scope that it lacks", { scopes: ["orders:read"] }, { scopes: ["orders:write"] }, DENIED],
  ["one of two that it lacks", { scopes: ["a"] }, { scopes: ["a", "b"] }, DENIED],
  ["a scope under its pattern", { scopes: ["orders:*"] }, { scopes: ["orders:eu:read"] }, GRANTED],
  ["its very pattern", { scopes: ["orders:*"] }, { scopes: ["orders:*"] }, GRANTED],
  ["a wider pattern", { scopes: ["orders:eu:*"] }, { scopes: ["orders:*"] }, DENIED],
  ["everything, from a pattern", { scopes: ["orders:*"] }, { scopes: ["*"] }, DENIED],
  ["everything, from everything", { scopes: ["*"] }, { scopes: ["*", "orders:*"] }, GRANTED],
  ["a role that it has", { scopes: [], roles: ["clerk"] }, { roles: ["clerk"] }, GRANTED],
  ["a scope of its role", { scopes: [], roles: ["reader"] }, { scopes: ["invoices:read"] }, GRANTED],
  ["a role that its scopes cover", { scopes: ["orders:*", "invoices:*"] }, { roles: ["reader"] }, GRANTED],
  [
    "a role that its role and scope cover",
    { scopes: ["invoices:read"], roles: ["clerk"] },
    { roles: ["reader"] },
    GRANTED,
  ],
  ["a role that holds more", { scopes: ["orders:read"] }, { roles: ["reader"] }, DENIED],
  ["a role beside its own", { scopes: [], roles: ["reader"] }, { roles: ["reader", "clerk"] }, DENIED],
  ["Fleetkey's scope that it holds", { scopes: [] }, { scopes: ["fleetkey:verify"] }, DENIED],
  ["Fleetkey's scope from *", { scopes: ["*"] }, { scopes: ["fleetkey:verify"] }, DENIED],
  ["all of Fleetkey's from *", { scopes: ["*"] }, { scopes: ["fleetkey:*"] }, DENIED],
  ["an administrator, from *", { scopes: ["*"] }, { scopes: ["fleetkey:admin"] }, DENIED],
  ["Fleetkey's scope from an administrator", ADMIN, { scopes: ["fleetkey:verify"] }, GRANTED],
  ["all, from an administrator", ADMIN, { scopes: ["fleetkey:*", "*"], roles: ["clerk"] }, GRANTED],
  ["an administrator, from fleetkey:*", { scopes: ["fleetkey:*"] }, { scopes: ["fleetkey:admin"] }, GRANTED],
];
const TABLE = BOUNDS.flatMap(([who, owner]) =>
  CASES.map(([what, held, wanted, expected]) => ({ who, owner, what, held, wanted, expected })),
);

onEachStore("A caller", (open) => {
  it.each(TABLE)("$who: $what is $expected", async ({ owner, held, wanted, expected }) => {
    const { ports } = await openImports(open, { roles: ROLES });
    const scopes = [...ALL_CALLS, ...held.scopes];
    const { caller } = await callerOf(ports, owner, { scopes, roles: held.roles ?? [] });
    for (const [way, attempt] of WAYS) {
      const outcome = await outcomeOf(ports, attempt, wanted, caller);
      if (expected === GRANTED) {
        expect([way, outcome]).toEqual([way, expect.objectContaining({ owner: TARGET_OWNER })]);
        expect(outcome).toMatchObject({ scopes: wanted.scopes ?? [], roles: wanted.roles ?? [] });
      } else {
        expect([way, outcome]).toEqual([way, expect.stringMatching(/ (SCOPES_NOT_HELD|SCOPE_REQUIRED)$/)]);
        expect(outcome).toContain(DENIED);
      }
    }
  });

  it.each(BOUNDS)(
    "%s that is no administrator cannot touch a key with a scope of Fleetkey's own",
    async (_, owner) => {
      const { ports } = await open();
      const { caller } = await callerOf(ports, owner, { scopes: [...ALL_CALLS, "*"] });
      const { apiKey, key } = await create(ports, {
        ...TARGET_OWNER,
        scopes: ["fleetkey:read"],
        exclusive: true,
      });
      const { keyId } = key;
      const calls: readonly (() => Promise<unknown>)[] = [
        () => updateKey(ports, caller, updateInput(keyId, { paths: ["scopes"] })),
        () => updateKey(ports, caller, updateInput(keyId, { paths: ["disabled"], disabled: true })),
        () => updateKey(ports, caller, updateInput(keyId, { paths: ["name"] })),
        ...[byId(keyId), byApiKey(apiKey), byOwner(TARGET_OWNER)].map(
          (target) => () => revokeKey(ports, caller, revokeInput(target)),
        ),
      ];
      for (const call of calls) expect(await codeOf(call())).toBe("permission_denied SCOPE_REQUIRED");
      expect(await stored(ports, keyId)).toEqual(key);
      // Who is the key can end it.
      await revokeKey(ports, NOBODY, revokeInput(byApiKey(apiKey)));
      expect(await stateNow(ports, keyId)).toBe("revoked");
    },
  );

  it.each(BOUNDS)("%s that is an administrator can", async (_, owner) => {
    const { ports } = await open();
    const { caller } = await callerOf(ports, owner, { scopes: ["fleetkey:admin"] });
    const { apiKey, key } = await create(ports, { ...TARGET_OWNER, scopes: ["fleetkey:read"] });
    await updateKey(ports, caller, updateInput(key.keyId, { paths: ["scopes"], scopes: ["fleetkey:*"] }));
    expect((await stored(ports, key.keyId)).scopes).toEqual(["fleetkey:*"]);
    await revokeKey(ports, caller, revokeInput(byId(key.keyId)));
    expect(await verdictOf(ports, apiKey)).toBe("revoked");
  });

  it("may take from a key what makes it more than the caller, and give it nothing else", async () => {
    const { ports } = await open();
    const { caller } = await callerOf(ports, OPERATOR, { scopes: [...ALL_CALLS, "orders:*"] });
    const { key } = await create(ports, { ...TARGET_OWNER, scopes: ["orders:read", "invoices:read"] });
    const set = (scopes: readonly string[]) =>
      updateKey(ports, caller, updateInput(key.keyId, { paths: ["scopes"], scopes }));
    expect(await codeOf(set(["invoices:read"]))).toBe("permission_denied SCOPES_NOT_HELD");
    expect((await set(["orders:*"])).key.scopes).toEqual(["orders:*"]);
  });
});

onEachStore("A key with every scope but Fleetkey's own", (open) => {
  it("is told that it lacks those, by Verify too", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports, { scopes: ["*"], roles: ["reader"] });
    const requiredScopes = ["orders:read", "fleetkey:verify"];
    const verdict = await verifyKey(ports, ROOT, verifyInput(apiKey, { requiredScopes }));
    expect(verdict).toMatchObject({ reason: "insufficient_scope", missingScopes: ["fleetkey:verify"] });
  });
});
