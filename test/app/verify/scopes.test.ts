// What keys are given and what requests require: a key without a required scope is refused, and told which
// one it lacks. Covers scopes and roles through app/create-key.ts and app/verify-key.ts.
import { describe, expect, it } from "vitest";
import { createKey } from "../../../src/app/keys/create-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { verifyKey } from "../../../src/app/verify/verify-key.ts";
import { onEachStore } from "../backends.ts";
import { violatedFields } from "../outcomes.ts";
import { createInput, revokeInput } from "../requests.ts";
import { create, openWorld, ROOT, stored } from "../world.ts";

const ask = (apiKey: string, ...requiredScopes: readonly string[]) => ({
  apiKey,
  expectedType: undefined,
  requiredScopes,
  clientAddress: "",
  userAgent: "",
});
const scopes = (count: number) => Array.from({ length: count }, (_, index) => `scope-${index}`);

onEachStore("Scopes and roles", (open) => {
  it("are kept once each, in the order given", async () => {
    const { ports } = await open();
    const { key } = await create(ports, { scopes: ["b", "a", "b"], roles: ["reader", "reader"] });
    expect(await stored(ports, key.keyId)).toMatchObject({ scopes: ["b", "a"], roles: ["reader"] });
  });

  it.each([
    ["its own scopes cover", ["orders:read", "invoices:eu:read"], undefined],
    ["its role covers", ["invoices:read"], undefined],
    ["nothing is required", [], undefined],
    ["one is not covered", ["orders:read", "admin"], ["admin"]],
    ["none is covered", ["z", "a"], ["z", "a"]],
    ["a pattern is asked that it has only in part", ["*"], ["*"]],
  ])("decide a Verify: %s", async (_, required, missingScopes) => {
    const { ports } = await open();
    const { apiKey } = await create(ports, { scopes: ["orders:read", "invoices:eu:*"], roles: ["reader"] });
    const verdict = await verifyKey(ports, ROOT, ask(apiKey, ...required));
    if (missingScopes === undefined) expect(verdict).toMatchObject({ valid: true });
    else expect(verdict).toMatchObject({ valid: false, reason: "insufficient_scope", missingScopes });
  });

  it("A role is resolved when the key is checked: what it loses, its keys lose.", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports, { roles: ["reader"] });
    const withRoles = (roles: ReadonlyMap<string, readonly string[]>) => ({
      ...ports,
      policy: { ...ports.policy, roles },
    });
    const asked = ask(apiKey, "invoices:read");
    expect(await verifyKey(ports, ROOT, asked)).toMatchObject({ valid: true });
    const narrower = withRoles(new Map([["reader", ["orders:read"]]]));
    expect(await verifyKey(narrower, ROOT, asked)).toMatchObject({ missingScopes: ["invoices:read"] });
    expect(await verifyKey(withRoles(new Map()), ROOT, asked)).toMatchObject({
      missingScopes: ["invoices:read"],
    });
  });

  it("A wildcard of everything does not reach Fleetkey's own scopes.", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports, { scopes: ["*"] });
    expect(await verifyKey(ports, ROOT, ask(apiKey, "anything"))).toMatchObject({ valid: true });
    expect(await verifyKey(ports, ROOT, ask(apiKey, "fleetkey:admin"))).toMatchObject({ valid: false });
  });

  it("What a key lacks is told only of a key that works, to who has its secret.", async () => {
    const { ports } = await open();
    const { apiKey, key } = await create(ports);
    await revokeKey(ports, ROOT, revokeInput({ by: "key_id", keyId: key.keyId }));
    const verdict = await verifyKey(ports, ROOT, ask(apiKey, "orders:read"));
    expect(verdict).toMatchObject({ valid: false, reason: "revoked" });
    expect(verdict).not.toHaveProperty("missingScopes");
  });
});

describe("A Create", () => {
  it.each([
    ["64 scopes", { scopes: scopes(64) }, []],
    ["65 scopes", { scopes: scopes(65) }, ["scopes"]],
    ["a scope of 128 characters", { scopes: ["x".repeat(128)] }, []],
    ["a scope of 129 characters", { scopes: ["a", "x".repeat(129)] }, ["scopes[1]"]],
    ["two wrong scopes", { scopes: ["A", "a", "*a"] }, ["scopes[0]", "scopes[2]"]],
    ["an unknown role", { roles: ["reader", "writer"] }, ["roles[1]"]],
    ["17 roles", { roles: Array.from({ length: 17 }, () => "reader") }, ["roles"]],
  ])("with %s", async (_, overrides, fields) => {
    const { ports } = await openWorld();
    const call = createKey(ports, ROOT, createInput(overrides));
    if (fields.length === 0) await call;
    else expect(await violatedFields(call)).toEqual(fields);
  });
});

it.each([
  ["65 scopes", scopes(65), ["required_scopes"]],
  ["a wrong one", ["a", "B"], ["required_scopes[1]"]],
])("A Verify that requires %s is refused before any key is looked at", async (_, required, fields) => {
  const { ports } = await openWorld();
  expect(await violatedFields(verifyKey(ports, ROOT, ask("x", ...required)))).toEqual(fields);
});
