// Verify from memory: what is held is judged as strictly as what was just read, a node refuses at once what
// it changed itself, and what others changed as soon as it hears of it or its lease ends.
import { expect, it, vi } from "vitest";
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { updateKey } from "../../../src/app/keys/update-key.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { eraseUser } from "../../../src/app/principals/erase-user.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { type VerifyKeyInput, verifyKey } from "../../../src/app/verify/verify-key.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { onEachStore } from "../backends.ts";
import { verifyInput } from "../callers/callers.ts";
import { heldNode, LEASE_MS } from "../held-node.ts";
import { importOne, legacyKey, openImports, sha256Record } from "../imports.ts";
import { codeOf } from "../outcomes.ts";
import { byId, NEEDED, refreshInput, revokeInput, revokeUserInput, updateInput } from "../requests.ts";
import { type CreatedKey, create, ROOT, verdictOf } from "../world.ts";

async function judge(ports: AppPorts, apiKey: string, overrides: Partial<VerifyKeyInput> = {}) {
  const verdict = await verifyKey(ports, ROOT, verifyInput(apiKey, overrides));
  return verdict.valid ? "valid" : verdict.reason;
}

type Row = readonly [
  what: string,
  created: Partial<CreateKeyInput>,
  request: Partial<VerifyKeyInput>,
  laterMs: number,
  reason: string,
];

const REQUESTS: readonly Row[] = [
  ["as it was", {}, {}, 3_600_000, "valid"],
  ["one millisecond before its end", { ttlMs: 10_000 }, {}, 9_999, "valid"],
  ["at its end", { ttlMs: 10_000 }, {}, 10_000, "expired"],
  ["for a scope that it has", { scopes: ["a:*"] }, { requiredScopes: ["a:b"] }, 0, "valid"],
  ["for a scope that it lacks", { scopes: ["a:*"] }, { requiredScopes: ["b:a"] }, 0, "insufficient_scope"],
  ["from an address of its", { allowedCidrs: ["192.0.2.0/24"] }, { clientAddress: "192.0.2.7" }, 0, "valid"],
  [
    "from another address",
    { allowedCidrs: ["192.0.2.0/24"] },
    { clientAddress: "198.51.100.7" },
    0,
    "address_not_allowed",
  ],
  ["from nobody knows where", { allowedCidrs: ["192.0.2.0/24"] }, {}, 0, "address_not_allowed"],
  ["as another type", {}, { expectedType: "service" }, 0, "wrong_type"],
];

/** What one node does with a key or its user, and what the key is from then on. */
const CHANGES: readonly (readonly [
  what: string,
  change: (ports: AppPorts, created: CreatedKey) => Promise<unknown>,
  verdict: string,
])[] = [
  ["Revoke", (ports, { key }) => revokeKey(ports, ROOT, revokeInput(byId(key.keyId))), "revoked"],
  ["RevokeAllForUser", (ports) => revokeAllForUser(ports, ROOT, revokeUserInput()), "revoked"],
  ["EraseUser", (ports) => eraseUser(ports, ROOT, { userId: "user-1", requestId: "" }), "revoked"],
  ["Refresh", (ports, { key }) => refreshKey(ports, ROOT, refreshInput(byId(key.keyId))), "unknown"],
  [
    "Update",
    (ports, { key }) =>
      updateKey(ports, ROOT, updateInput(key.keyId, { paths: ["disabled"], disabled: true })),
    "disabled",
  ],
];

onEachStore("A key that is held", (open) => {
  it.each(REQUESTS)("is judged without the store, %s", async (_, created, request, laterMs, reason) => {
    const { ports, clock } = await open();
    const { apiKey } = await create(ports, created);
    const node = await heldNode(ports);
    await judge(node.ports, apiKey);
    clock.now += laterMs;
    node.calls.length = 0;
    expect(await judge(node.ports, apiKey, request)).toBe(reason);
    expect(node.calls).toEqual([]);
  });

  it("counts against its rate limit and its quota", async () => {
    const { ports, uses } = await open();
    const [rated, counted] = [
      await create(ports, { rateLimit: { limit: 2, windowMs: 60_000 } }),
      await create(ports, { quota: { limit: 2, period: "day" } }),
    ];
    const node = await heldNode(ports);
    const verdicts: string[] = [];
    for (let call = 0; call < 3; call++) {
      verdicts.push(await judge(node.ports, rated.apiKey), await judge(node.ports, counted.apiKey));
    }
    expect(verdicts).toEqual(["valid", "valid", "valid", "valid", "rate_limited", "quota_exceeded"]);
    expect(node.calls.filter((call) => call === "keys.read")).toHaveLength(2);
    expect(uses).toHaveLength(4);
  });

  it("answers former secrets until their grace ends", async () => {
    const { ports, clock } = await open();
    const { apiKey, key } = await create(ports);
    const refreshed = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { graceMs: 60_000 }));
    const node = await heldNode(ports);
    await judge(node.ports, apiKey);
    node.calls.length = 0;
    clock.now += 59_999;
    expect(await judge(node.ports, apiKey)).toBe("valid");
    expect(node.calls).toEqual([]);
    clock.now += 1;
    expect(await judge(node.ports, apiKey)).toBe("unknown");
    expect(await judge(node.ports, refreshed.apiKey)).toBe("valid");
  });

  it("with a wrong secret is unknown, and the store is asked once for all who try at a time", async () => {
    const { ports } = await open();
    const { apiKey, key } = await create(ports);
    const old = apiKey;
    await refreshKey(ports, ROOT, refreshInput(byId(key.keyId)));
    const node = await heldNode(ports);
    await judge(node.ports, old);
    node.stopwatch.pass(200);
    node.calls.length = 0;
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => judge(node.ports, old)));
    expect(new Set(verdicts)).toEqual(new Set(["unknown"]));
    expect(node.calls.filter((call) => call === "keys.read")).toHaveLength(1);
  });

  it("that another system issued is held from its second use on, when it has a MAC", async () => {
    const { ports } = await openImports(open);
    const apiKey = legacyKey();
    await importOne(ports, sha256Record(apiKey));
    const node = await heldNode(ports);
    for (let call = 0; call < 2; call++) expect(await judge(node.ports, apiKey)).toBe("valid");
    node.calls.length = 0;
    expect(await judge(node.ports, apiKey)).toBe("valid");
    expect(node.calls).toEqual([]);
  });

  it.each(CHANGES)("is refused at once on the node that answered a %s", async (_, change, verdict) => {
    const { ports } = await open();
    const created = await create(ports);
    const node = await heldNode(ports);
    expect(await judge(node.ports, created.apiKey)).toBe("valid");
    await change(node.ports, created);
    expect(await judge(node.ports, created.apiKey)).toBe(verdict);
  });

  it.each(CHANGES)("is refused by another node as soon as it hears of a %s", async (_, change, verdict) => {
    const { ports } = await open();
    const created = await create(ports);
    const [node, other] = [await heldNode(ports), await heldNode(ports)];
    expect(await judge(node.ports, created.apiKey)).toBe("valid");
    await change(other.ports, created);
    expect(await judge(node.ports, created.apiKey)).toBe("valid");
    await node.look();
    expect(await judge(node.ports, created.apiKey)).toBe(verdict);
  });

  it.each(CHANGES)(
    "is refused by a node that hears of nothing when its lease ends, after a %s",
    async (_, change, verdict) => {
      const { ports } = await open();
      const created = await create(ports);
      const [node, other] = [await heldNode(ports), await heldNode(ports)];
      expect(await judge(node.ports, created.apiKey)).toBe("valid");
      await change(other.ports, created);
      node.stopwatch.pass(LEASE_MS - 1);
      expect(await judge(node.ports, created.apiKey)).toBe("valid");
      node.stopwatch.pass(1);
      expect(await judge(node.ports, created.apiKey)).toBe(verdict);
    },
  );
});

onEachStore("A Refresh on another node", (open) => {
  it("lets the new secret in at once, and the former one ends with it", async () => {
    const { ports } = await open();
    const { apiKey: old, key } = await create(ports);
    const [node, other] = [await heldNode(ports), await heldNode(ports)];
    expect(await judge(node.ports, old)).toBe("valid");
    const { apiKey } = await refreshKey(other.ports, ROOT, refreshInput(byId(key.keyId)));
    expect(await judge(node.ports, apiKey)).toBe("valid");
    expect(await judge(node.ports, old)).toBe("unknown");
  });

  it("of which nobody shows the new secret ends the former one when it is heard of", async () => {
    const { ports } = await open();
    const { apiKey: old, key } = await create(ports);
    const [node, other] = [await heldNode(ports), await heldNode(ports)];
    await judge(node.ports, old);
    await refreshKey(other.ports, ROOT, refreshInput(byId(key.keyId)));
    await node.look();
    expect(await judge(node.ports, old)).toBe("unknown");
  });

  it("and another one: the newest secret is let in when it is heard of, or 200 ms later", async () => {
    const { ports } = await open();
    const { apiKey: old, key } = await create(ports);
    const [node, other] = [await heldNode(ports), await heldNode(ports)];
    await judge(node.ports, old);
    const refresh = async () => (await refreshKey(other.ports, ROOT, refreshInput(byId(key.keyId)))).apiKey;
    expect(await judge(node.ports, await refresh())).toBe("valid");
    const heardOf = await refresh();
    expect(await judge(node.ports, heardOf)).toBe("unknown");
    await node.look();
    expect(await judge(node.ports, heardOf)).toBe("valid");
    const waited = await refresh();
    node.stopwatch.pass(200);
    expect(await judge(node.ports, waited)).toBe("valid");
  });
});

onEachStore("RevokeAllForUser on another node", (open) => {
  it("ends all keys that carry the user, of every type, and leaves those of others in memory", async () => {
    const { ports } = await open();
    const mine = [
      await create(ports),
      await create(ports, { organizationId: "org-1" }),
      await create(ports, { ...NEEDED.service, userId: "user-1" }),
      await create(ports, { ...NEEDED.integration, userId: "user-1" }),
    ];
    const others = [await create(ports, { userId: "user-2" }), await create(ports, NEEDED.organization)];
    const [node, other] = [await heldNode(ports), await heldNode(ports)];
    const ask = async (keys: readonly CreatedKey[]) =>
      new Set(await Promise.all(keys.map(({ apiKey }) => judge(node.ports, apiKey))));
    expect(await ask([...mine, ...others])).toEqual(new Set(["valid"]));
    await revokeAllForUser(other.ports, ROOT, revokeUserInput());
    await node.look();
    node.calls.length = 0;
    expect(await ask(others)).toEqual(new Set(["valid"]));
    expect(node.calls).toEqual([]);
    expect(await ask(mine)).toEqual(new Set(["revoked"]));
  });
});

onEachStore("A store that does not answer", (open) => {
  it("leaves held keys valid within the lease, then makes them unavailable, never unknown", async () => {
    const { ports, store } = await open();
    const { apiKey } = await create(ports);
    const ended = await create(ports);
    await revokeKey(ports, ROOT, revokeInput(byId(ended.key.keyId)));
    const node = await heldNode(ports);
    const cold = await create(ports);
    for (const key of [apiKey, ended.apiKey]) await judge(node.ports, key);
    const lost = storeUnavailable(new Error("no answer"));
    vi.spyOn(store.keys, "read").mockRejectedValue(lost);
    expect(await judge(node.ports, apiKey)).toBe("valid");
    expect(await judge(node.ports, ended.apiKey)).toBe("revoked");
    expect(await codeOf(judge(node.ports, cold.apiKey))).toBe("unavailable STORE_UNAVAILABLE");
    node.stopwatch.pass(LEASE_MS);
    for (const key of [apiKey, ended.apiKey, cold.apiKey]) {
      expect(await codeOf(verdictOf(node.ports, key))).toBe("unavailable STORE_UNAVAILABLE");
    }
  });
});
