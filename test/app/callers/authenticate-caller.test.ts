// Covers app/callers/authenticate-caller.ts: which credentials let whom in, and with what authority. What is
// refused is refused-credentials.test.ts's.
import { describe, expect, it, vi } from "vitest";
import { assertMayCall } from "../../../src/access/authority.ts";
import { nobody, rootCaller } from "../../../src/access/caller.ts";
import { RPC_SCOPES } from "../../../src/access/rpc-scopes.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import type { Owner } from "../../../src/domain/principal.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { START } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { importOne, legacyKey, openImports, sha256Record } from "../imports.ts";
import { codeOf } from "../outcomes.ts";
import { byId, NEEDED, refreshInput } from "../requests.ts";
import { create, openWorld, ROOT } from "../world.ts";
import { ADDRESS, callerOf, doorOf, noting, OPERATOR, ownedBy, ROOT_KEYS } from "./callers.ts";

const NONE = { kind: "none" } as const;
const VERIFY = ["fleetkey:verify"];

onEachStore("The caller", (open) => {
  it.each(ROOT_KEYS)(
    "of a root credential is root, without bounds and without a look at the store",
    async (key) => {
      const { ports, calls } = noting((await open()).ports);
      expect(await doorOf(ports).show(key)).toEqual(rootCaller(ADDRESS));
      expect(calls).toEqual([]);
    },
  );

  it.each<[string, Owner, Owner]>([
    ["a service account", { serviceAccountId: "account-1" }, {}],
    ["a user", { userId: "user-1" }, { userId: "user-1" }],
    ["an organization", { organizationId: "org-1" }, { organizationId: "org-1" }],
    [
      "a user within an organization",
      { userId: "user-1", organizationId: "org-1" },
      { userId: "user-1", organizationId: "org-1" },
    ],
    [
      "a service account of an organization",
      { organizationId: "org-1", serviceAccountId: "account-1" },
      { organizationId: "org-1", serviceAccountId: "account-1" },
    ],
  ])(
    "of a key of %s is the key, with its scopes and roles, bound to all that it carries",
    async (_, owner, bounds) => {
      const { ports } = await open();
      const scopes = [...VERIFY, "orders:*"];
      const { apiKey, key } = await create(ports, { ...ownedBy(owner), scopes, roles: ["reader"] });
      const caller = await doorOf(ports).show(apiKey);
      expect(caller).toEqual({ id: key.keyId, address: ADDRESS, scopes, roles: ["reader"], bounds, key });
    },
  );

  it("of an integration's key without an owner is not bound", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports, { ...NEEDED.integration, scopes: VERIFY });
    expect(await doorOf(ports).show(apiKey)).toMatchObject({ scopes: VERIFY, bounds: {} });
  });

  it("of a key that another system issued is that key", async () => {
    const { ports } = await openImports(open);
    const apiKey = legacyKey();
    const id = await importOne(ports, sha256Record(apiKey, { scopes: VERIFY }));
    expect(await doorOf(ports).show(apiKey)).toMatchObject({
      id,
      scopes: VERIFY,
      bounds: { userId: "user-1" },
    });
  });

  it("is let in by a former secret until its grace ends, and by the newest one", async () => {
    const { ports, clock } = await open();
    const { apiKey, key } = await create(ports, { scopes: VERIFY });
    const refreshed = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { graceMs: 60_000 }));
    const { show } = doorOf(ports);
    clock.now += 59_999;
    expect((await show(apiKey)).id).toBe(key.keyId);
    expect((await show(refreshed.apiKey)).id).toBe(key.keyId);
    clock.now += 1;
    expect(await codeOf(show(apiKey))).toBe("unauthenticated CREDENTIAL_INVALID");
    expect((await show(refreshed.apiKey)).id).toBe(key.keyId);
  });

  it("may come from the addresses of its key", async () => {
    const { ports } = await open();
    const { apiKey, key } = await create(ports, { allowedCidrs: ["192.0.2.0/24"] });
    const { show } = doorOf(ports);
    for (const address of ["192.0.2.1", "::ffff:192.0.2.255"]) {
      expect(await show(apiKey, address)).toMatchObject({ id: key.keyId, address });
    }
  });

  it("uses its key by calling, which is recorded with its address", async () => {
    const { ports, uses, clock } = await open();
    const { apiKey, key } = await create(ports, { scopes: VERIFY });
    clock.now += 5;
    await doorOf(ports).show(apiKey);
    const { authenticate } = doorOf(ports);
    await authenticate({ credential: { kind: "one", secret: apiKey } });
    const use = { keyId: key.keyId, time: START + 5, userAgent: "" };
    expect(uses).toEqual([
      { ...use, address: ADDRESS },
      { ...use, address: "" },
    ]);
  });

  it("that is asked for again within a call uses its key once, and is judged as strictly", async () => {
    const { ports, uses, clock } = await open();
    const rateLimit = { limit: 1, windowMs: 60_000 };
    const { apiKey, key } = await create(ports, { scopes: VERIFY, rateLimit, ttlMs: 10_000 });
    const { show, authenticate } = doorOf(ports);
    await show(apiKey);
    const again = () =>
      authenticate({ credential: { kind: "one", secret: apiKey }, address: ADDRESS, isRepeated: true });
    for (let index = 0; index < 3; index++) expect((await again()).id).toBe(key.keyId);
    expect(uses).toHaveLength(1);
    expect(await codeOf(show(apiKey))).toBe("resource_exhausted RATE_LIMITED");
    clock.now += 10_000;
    expect(await codeOf(again())).toBe("unauthenticated CREDENTIAL_INVALID");
  });

  it("of a key without scopes of Fleetkey's own may call nothing, whatever else it holds", async () => {
    const { ports } = await open();
    const { caller } = await callerOf(ports, OPERATOR, { scopes: ["*", "orders:*"], roles: ["reader"] });
    for (const scope of RPC_SCOPES.values()) {
      expect(() => assertMayCall(caller, scope)).toThrow(/scope of this call/);
    }
  });

  it("A leaked service key with `fleetkey:verify` can verify and nothing else.", async () => {
    const { ports } = await open();
    const { caller } = await callerOf(ports, OPERATOR, { scopes: VERIFY });
    const callable = [...RPC_SCOPES].filter(([, scope]) => {
      try {
        assertMayCall(caller, scope);
        return true;
      } catch {
        return false;
      }
    });
    expect(callable.map(([rpc]) => rpc)).toEqual([
      "fleetkey.v1.KeyService/Verify",
      "fleetkey.v1.KeyService/BatchVerify",
      "fleetkey.v1.KeyService/VerifyStream",
      "envoy.service.auth.v3.Authorization/Check",
    ]);
  });
});

describe("A certificate", () => {
  const certificate = { name: "spiffe://fleet/checkout", scopes: VERIFY };

  it("makes a caller of its name, without bounds, when no credential is shown", async () => {
    const { ports, calls } = noting((await openWorld()).ports);
    const caller = await doorOf(ports).authenticate({ credential: NONE, address: ADDRESS, certificate });
    expect(caller).toEqual({ ...nobody(ADDRESS), id: certificate.name, scopes: VERIFY });
    expect(calls).toEqual([]);
  });

  it("counts for nothing beside a credential, right or wrong", async () => {
    const { ports } = await openWorld();
    const { apiKey, key } = await create(ports);
    const { authenticate } = doorOf(ports);
    const right = await authenticate({ credential: { kind: "one", secret: apiKey }, certificate });
    expect(right).toMatchObject({ id: key.keyId, scopes: [], bounds: { userId: "user-1" } });
    for (const credential of [{ kind: "one", secret: "wrong" }, { kind: "invalid" }] as const) {
      expect(await codeOf(authenticate({ credential, certificate }))).toBe(
        "unauthenticated CREDENTIAL_INVALID",
      );
    }
  });

  it("Without one, and without a credential, it is nobody who calls, which is no failure.", async () => {
    const { ports } = await openWorld();
    const { authenticate, attempts } = doorOf(ports);
    expect(await authenticate({ credential: NONE, address: ADDRESS })).toEqual(nobody(ADDRESS));
    expect(attempts.count).toBe(0);
  });
});

describe("A store that does not answer", () => {
  it("lets nobody in but root, says so, and is no failure of who calls", async () => {
    const { ports, store } = await openWorld();
    const { apiKey } = await create(ports);
    const { show, attempts } = doorOf(ports, 1);
    vi.spyOn(store.keys, "read").mockRejectedValue(storeUnavailable(new Error("no answer")));
    for (let index = 0; index < 3; index++) {
      expect(await codeOf(show(apiKey))).toBe("unavailable STORE_UNAVAILABLE");
    }
    expect(attempts.count).toBe(0);
    expect((await show(ROOT_KEYS[0] ?? "")).id).toBe("root");
  });

  it("whose principals cannot be read lets nobody in either", async () => {
    const { ports, store, uses } = await openWorld();
    const { apiKey } = await create(ports);
    vi.spyOn(store.principals, "read").mockRejectedValue(storeUnavailable(new Error("no answer")));
    expect(await codeOf(doorOf(ports).show(apiKey))).toBe("unavailable STORE_UNAVAILABLE");
    expect(uses).toEqual([]);
  });
});
