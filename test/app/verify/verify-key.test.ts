// Covers app/verify-key.ts: what is said about any presented text, what costs no I/O, what two refusals
// must not give away, and that a doubt is never an acceptance. Peppers are in secret/.
import { describe, expect, it, vi } from "vitest";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { verifyKey } from "../../../src/app/verify/verify-key.ts";
import { formatApiKey, keyPrefixes, newSecret } from "../../../src/domain/api-key/key-format.ts";
import { keyIdOf, lookupOf } from "../../../src/domain/api-key/key-id.ts";
import { keyEvent } from "../../../src/domain/audit/event.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { buildApiKey, DISABLEMENT, START, seededBytes } from "../../domain/build.ts";
import { brokenStore, onEachStore } from "../backends.ts";
import { codeOf, violatedFields } from "../outcomes.ts";
import { byId, NEEDED, refreshInput, revokeInput } from "../requests.ts";
import {
  type CreatedKey,
  create,
  openWorld,
  POLICY,
  ROOT,
  secretOf,
  verdictOf,
  type World,
} from "../world.ts";

const verify = ({ ports }: Pick<World, "ports">, apiKey: string, expectedType?: string) =>
  verifyKey(ports, ROOT, { apiKey, expectedType, requiredScopes: [], clientAddress: "", userAgent: "" });
const wrongSecretOf = ({ key }: CreatedKey) =>
  formatApiKey(key.prefix, lookupOf(key.keyId) ?? "", newSecret(seededBytes(99)));

describe("Verify without a store", () => {
  const untouched = brokenStore(new Error("the store was asked"));

  it.each<[string, (apiKey: string) => string, string]>([
    ["the empty text", () => "", "malformed"],
    ["a blank", () => " ", "malformed"],
    ["garbage", () => "hello, world", "malformed"],
    ["a NUL", () => "\0", "malformed"],
    ["a lone surrogate", () => "\ud800", "malformed"],
    ["10 MB of letters", () => "a".repeat(10_000_000), "malformed"],
    ["10 MB of underscores", () => "_".repeat(10_000_000), "malformed"],
    ["an api_key with 10 MB before it", (apiKey) => "a".repeat(10_000_000) + apiKey, "malformed"],
    ["an api_key cut by one", (apiKey) => apiKey.slice(0, -1), "malformed"],
    ["an api_key with a character more", (apiKey) => `${apiKey}0`, "malformed"],
    ["an api_key with a line feed behind it", (apiKey) => `${apiKey}\n`, "malformed"],
    ["an api_key with a blank before it", (apiKey) => ` ${apiKey}`, "malformed"],
    ["an api_key in capitals", (apiKey) => apiKey.toUpperCase(), "malformed"],
    ["a key_id", () => "flk_u00000000000", "malformed"],
    [
      "an unknown brand",
      (apiKey) => formatApiKey("xx_user_prod", apiKey.slice(13, 25), secretOf(apiKey)),
      "malformed",
    ],
    ["another environment", () => buildApiKey("user", 1, keyPrefixes("dev")), "unknown"],
    [
      "another type's prefix",
      (apiKey) => formatApiKey("fl_org_prod", apiKey.slice(13, 25), secretOf(apiKey)),
      "unknown",
    ],
  ])("says of %s without any I/O what it is", async (_, change, verdict) => {
    const { ports } = await openWorld();
    const { apiKey } = await create(ports);
    expect(await verify({ ports: { ...ports, store: untouched } }, change(apiKey))).toEqual({
      valid: false,
      reason: verdict,
    });
  });

  it("A single changed character, wherever it is, is told without any I/O.", async () => {
    const { ports } = await openWorld();
    const { apiKey } = await create(ports);
    for (let at = 0; at < apiKey.length; at++) {
      for (const other of ["0", "z", "_"].filter((character) => character !== apiKey[at])) {
        const changed = apiKey.slice(0, at) + other + apiKey.slice(at + 1);
        expect(await verdictOf({ ...ports, store: untouched }, changed)).toBe("malformed");
      }
    }
  });
});

onEachStore("Verify", (open) => {
  it.each(KEY_TYPES)("accepts the api_key of a %s key and tells the key", async (type) => {
    const world = await open();
    const { apiKey, key } = await create(world.ports, NEEDED[type]);
    const accepted = { valid: true, view: { key, principals: new Map() }, limits: {} };
    expect(await verify(world, apiKey)).toEqual(accepted);
    expect(await verify(world, apiKey, type)).toEqual(accepted);
  });

  it("Nothing tells an unknown key_id from a wrong secret or another environment.", async () => {
    const world = await open();
    const created = await create(world.ports);
    const verdicts = await Promise.all([
      verify(world, buildApiKey("user", 99)),
      verify(world, wrongSecretOf(created)),
      verify(world, buildApiKey("user", 1, keyPrefixes("dev"))),
    ]);
    for (const verdict of verdicts) expect(verdict).toStrictEqual({ valid: false, reason: "unknown" });
  });

  it("The state of a key is told only to who presents its secret.", async () => {
    const world = await open();
    const created = await create(world.ports);
    const { key } = await revokeKey(world.ports, ROOT, revokeInput(byId(created.key.keyId)));
    const view = { key, principals: new Map() };
    expect(await verify(world, created.apiKey)).toEqual({ valid: false, reason: "revoked", view });
    expect(await verify(world, wrongSecretOf(created))).toStrictEqual({ valid: false, reason: "unknown" });
    expect(await verify(world, wrongSecretOf(created), "service")).toStrictEqual({
      valid: false,
      reason: "unknown",
    });
  });

  it("An expired key is refused from the very ms of its expire_time on.", async () => {
    const world = await open();
    const { apiKey } = await create(world.ports, { expireTime: START + 5_000 });
    world.clock.now = START + 4_999;
    expect(await verdictOf(world.ports, apiKey)).toBe("valid");
    world.clock.now = START + 5_000;
    expect(await verdictOf(world.ports, apiKey)).toBe("expired");
  });

  it("refuses a disabled key, and accepts it when it is switched on again", async () => {
    const { ports, store } = await open();
    const { apiKey, key } = await create(ports);
    const at = { now: START, randomBytes: ports.randomBytes };
    for (const [disabled, verdict] of [
      [true, "disabled"],
      [false, "valid"],
    ] as const) {
      const next = { ...key, disablement: disabled ? DISABLEMENT : undefined, revision: disabled ? 2 : 3 };
      await store.keys.update(next, keyEvent("key_refreshed", { after: next }, { caller: "root" }, at));
      expect(await verdictOf(ports, apiKey)).toBe(verdict);
    }
  });

  it("A key of another type than expected is refused.", async () => {
    const world = await open();
    const { apiKey } = await create(world.ports);
    expect(await verify(world, apiKey, "service")).toMatchObject({ valid: false, reason: "wrong_type" });
    await revokeKey(world.ports, ROOT, revokeInput({ by: "api_key", apiKey }));
    expect(await verify(world, apiKey, "service")).toMatchObject({ valid: false, reason: "revoked" });
  });

  it("A key of another environment is unknown, though store, prefix and secret are right.", async () => {
    const { ports } = await open();
    const prefixes = keyPrefixes("dev", { user: "acme" });
    const { apiKey } = await create({ ...ports, policy: { ...POLICY, environment: "dev", prefixes } });
    const here = { ...ports, policy: { ...POLICY, prefixes: { ...POLICY.prefixes, user: "acme" } } };
    expect(await verdictOf(here, apiKey)).toBe("unknown");
  });

  it("The secret of one key does not open another one.", async () => {
    const { ports } = await open();
    const [first, second] = [await create(ports), await create(ports)];
    const mixed = formatApiKey(first.key.prefix, lookupOf(first.key.keyId) ?? "", secretOf(second.apiKey));
    expect(await verdictOf(ports, mixed)).toBe("unknown");
  });

  it("writes nothing and runs no slow hash", async () => {
    const { ports, store, hash } = await open();
    const { apiKey } = await create(ports);
    const writes = [
      vi.spyOn(store.keys, "update"),
      vi.spyOn(store.keys, "confirm"),
      vi.spyOn(store.keys, "replaceMac"),
    ];
    await verdictOf(ports, apiKey);
    for (const write of writes) expect(write).not.toHaveBeenCalled();
    expect(hash.comparisons).toBe(0);
  });
});

describe("Verify in doubt", () => {
  it.each(["keys", "principals"] as const)(
    "It is never an acceptance that %s cannot be read.",
    async (part) => {
      const world = await openWorld();
      const { apiKey } = await create(world.ports);
      vi.spyOn(world.store[part], "read").mockRejectedValue(storeUnavailable(new Error("no answer")));
      expect(await codeOf(verify(world, apiKey))).toBe("unavailable STORE_UNAVAILABLE");
    },
  );

  it("The principals are read after the key, so what was revoked before the call is seen.", async () => {
    const { ports, store } = await openWorld();
    const { apiKey } = await create(ports);
    const order: string[] = [];
    const { keys, principals } = store;
    const [readKey, readPrincipals] = [keys.read.bind(keys), principals.read.bind(principals)];
    vi.spyOn(keys, "read").mockImplementation(async (keyId) => {
      const key = await readKey(keyId);
      order.push("key");
      return key;
    });
    vi.spyOn(principals, "read").mockImplementation((ids) => {
      order.push("principals");
      return readPrincipals(ids);
    });
    expect(await verdictOf(ports, apiKey)).toBe("valid");
    expect(order).toEqual(["key", "principals"]);
  });

  it.each(["", "USER", "9", "__proto__"])("is asked for the unknown type %j", async (expectedType) => {
    const world = await openWorld();
    const { apiKey } = await create(world.ports);
    expect(await violatedFields(verify(world, apiKey, expectedType))).toEqual(["expected_type"]);
  });

  it("sees the record of the key_id in the text, not that of another one", async () => {
    const { ports, store } = await openWorld();
    const { apiKey, key } = await create(ports);
    await refreshKey(ports, ROOT, refreshInput(byId((await create(ports)).key.keyId)));
    const read = vi.spyOn(store.keys, "read");
    await verdictOf(ports, apiKey);
    expect(read.mock.calls).toEqual([[keyIdOf(lookupOf(key.keyId) ?? "")]]);
  });
});
