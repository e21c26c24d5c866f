// Check over real gRPC, on the sidecar listener: what Envoy is told of keys in every state, of what a route
// requires, of limits and addresses, and what the service and the client hear of it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { strangeApiKey } from "../cases/case.ts";
import { type AskedKey, type AskedService, askedService, endedKeys } from "../proxy/asked-service.ts";
import type { CheckInput, Headers } from "./asked.ts";
import { type Envoy, envoy } from "./envoy.ts";

const IDENTITY = ["key-id", "key-type", "user", "organization", "service-account", "scopes", "provider"].map(
  (name) => `x-fleetkey-${name}`,
);

let asked: AskedService;
let telling: AskedService;
let asking: Envoy;
let valid: AskedKey;
let ended: Readonly<Record<string, string>>;
beforeAll(async () => {
  asked = await askedService();
  telling = await askedService({
    FLEETKEY_DENIAL_REASONS: "tell",
    FLEETKEY_STRIP_KEY: "off",
    FLEETKEY_TRUSTED_HOPS: "2",
  });
  asking = envoy(asked.sidecarUrl);
  valid = await asked.create({ scopes: ["orders:read"] });
  ended = {
    ...(await endedKeys(asked)),
    unknown: String(strangeApiKey("prod").of({ kept: {}, run: "" })),
    malformed: "no-key-at-all",
  };
});
afterAll(async () => {
  asking.close();
  await asked.stop();
  await telling.stop();
});

const bearer = (apiKey: string): Headers => ({ authorization: `Bearer ${apiKey}` });
const raw = (headers: Headers) => ({ rawHeaders: Object.entries(headers) });

describe("a valid key is let through", () => {
  it.each<[string, (apiKey: string) => CheckInput]>([
    ["in Authorization", (apiKey) => ({ headers: bearer(apiKey) })],
    ["in X-API-Key", (apiKey) => ({ headers: { "x-api-key": apiKey } })],
    ["in apikey", (apiKey) => ({ headers: { apikey: apiKey } })],
    ["in all three", (apiKey) => ({ headers: { ...bearer(apiKey), "x-api-key": apiKey, apikey: apiKey } })],
    ["in raw Authorization", (apiKey) => raw(bearer(apiKey))],
    ["in raw X-API-Key", (apiKey) => raw({ "x-api-key": apiKey })],
    [
      "beside an Authorization for the service",
      (apiKey) => raw({ authorization: "Basic a2V5", apikey: apiKey }),
    ],
    ["with the scope that is required", (apiKey) => scoped(apiKey, "orders:read")],
    ["of the type that is required", (apiKey) => typed(apiKey, "user")],
  ])("%s", async (_, inputOf) => {
    const told = await asking.check(inputOf(valid.apiKey));
    expect(told).toMatchObject({ isAllowed: true, headers: {} });
    expect(told.set).toEqual({
      "x-fleetkey-key-id": valid.keyId,
      "x-fleetkey-key-type": "user",
      "x-fleetkey-user": "user-1",
      "x-fleetkey-scopes": "orders:read",
    });
    expect(told.metadata).toEqual({
      key_id: valid.keyId,
      key_type: "user",
      user_id: "user-1",
      scopes: ["orders:read"],
    });
  });

  const scoped = (apiKey: string, scopes: string) => ({
    headers: bearer(apiKey),
    extensions: { "fleetkey.scopes": scopes, "shop.team": "orders" },
  });
  const typed = (apiKey: string, type: string) => ({
    headers: bearer(apiKey),
    extensions: { "fleetkey.type": type },
  });

  it("and nothing that the client says of itself reaches the service", async () => {
    const claims = Object.fromEntries(IDENTITY.map((name) => [name, "admin"]));
    const others = { x_fleetkey_user: "admin", "x-fleetkey-role": "admin" };
    const told = await asking.check({ headers: { ...bearer(valid.apiKey), ...claims, ...others } });
    const reached = { ...claims, ...others, ...told.set };
    for (const name of told.removed) delete (reached as Record<string, string>)[name];
    expect(reached).toEqual(told.set);
    expect(told.set["x-fleetkey-user"]).toBe("user-1");
    expect(told.removed.filter((name) => name in told.set)).toEqual([]);
  });

  it("and the key stays behind, in whichever headers it stood, unless the service may see it", async () => {
    const { apiKey } = valid;
    const keyHeaders = (names: readonly string[]) => names.filter((name) => !name.startsWith("x-fleetkey"));
    const one = await asking.check({ headers: { "x-api-key": apiKey, authorization: "Basic a2V5" } });
    expect(keyHeaders(one.removed)).toEqual(["x-api-key"]);
    const two = await asking.check({ headers: { ...bearer(apiKey), apikey: apiKey } });
    expect(keyHeaders(two.removed)).toEqual(["authorization", "apikey"]);
    const kept = envoy(telling.sidecarUrl);
    const { apiKey: other } = await telling.create();
    expect(keyHeaders((await kept.check({ headers: bearer(other) })).removed)).toEqual([]);
    kept.close();
  });

  it("with ids that no header could hold, percent-encoded, and as they are in metadata", async () => {
    const { apiKey } = await asked.create({ userId: "Jörg, 100%" });
    const { set, metadata } = await asking.check({ headers: bearer(apiKey) });
    expect(set["x-fleetkey-user"]).toBe("J%C3%B6rg%2C%20100%25");
    expect(metadata).toMatchObject({ user_id: "Jörg, 100%" });
  });
});

describe("a key is refused", () => {
  it.each(["revoked", "expired", "disabled", "unknown", "malformed"])(
    "that is %s, with the answer that all of them get",
    async (state) => {
      const apiKey = ended[state] ?? "";
      const told = await asking.check({ headers: bearer(apiKey) });
      expect(told).toMatchObject({ isAllowed: false, status: 401, set: {}, removed: [] });
      expect(told.headers["www-authenticate"]).toBe('Bearer error="invalid_token"');
      expect(told.headers["content-type"]).toBe("application/problem+json");
      expect(told.body).toEqual({
        title: "Unauthorized",
        status: 401,
        detail: "the API key is not valid",
        reason: "KEY_INVALID",
      });
      // Envoy's own logs may know.
      expect(told.metadata).toMatchObject({ reason: state.toUpperCase() });
      expect(JSON.stringify(told)).not.toContain(apiKey);
    },
  );

  it("with its reason, where the operator lets clients hear it", async () => {
    const { revoked = "" } = await endedKeys(telling);
    const told = envoy(telling.sidecarUrl);
    expect((await told.check({ headers: bearer(revoked) })).body).toMatchObject({ reason: "REVOKED" });
    told.close();
  });

  it("when there is none", async () => {
    const told = await asking.check({ headers: { cookie: `apikey=${valid.apiKey}` } });
    expect(told).toMatchObject({
      status: 401,
      body: { reason: "KEY_REQUIRED" },
      metadata: { reason: "KEY_REQUIRED" },
    });
    expect(told.headers["www-authenticate"]).toBe("Bearer");
  });

  it("without the scope that the route requires, which is named", async () => {
    const extensions = { "fleetkey.scopes": "orders:read,orders:write" };
    const told = await asking.check({ headers: bearer(valid.apiKey), extensions });
    expect(told).toMatchObject({ status: 403, body: { missing_scopes: ["orders:write"] } });
    expect(told.headers["www-authenticate"]).toContain('scope="orders:write"');
    expect(told.metadata).toEqual({ reason: "INSUFFICIENT_SCOPE", key_id: valid.keyId });
  });

  it("of another type than the route requires", async () => {
    const extensions = { "fleetkey.type": "service" };
    const told = await asking.check({ headers: bearer(valid.apiKey), extensions });
    expect(told).toMatchObject({ status: 403, body: { reason: "KEY_NOT_ALLOWED" } });
  });

  it("over its limits, and told of them before", async () => {
    const limits = {
      rateLimit: { limit: 2, window: "60s" },
      quota: { limit: 9, period: "QUOTA_PERIOD_DAY" },
    };
    const { apiKey } = await asked.create(limits);
    const first = await asking.check({ headers: bearer(apiKey) });
    expect(first.headers).toMatchObject({
      "ratelimit-policy": '"rate";q=2;w=60, "quota";q=9;w=86400',
      ratelimit: expect.stringMatching(/^"rate";r=1;t=\d+, "quota";r=8;t=\d+$/),
    });
    await asking.check({ headers: bearer(apiKey) });
    const last = await asking.check({ headers: bearer(apiKey) });
    expect(last).toMatchObject({ isAllowed: false, status: 429, body: { reason: "RATE_LIMITED" } });
    expect(Number(last.headers["retry-after"])).toBeGreaterThan(0);
    expect(last.headers["ratelimit"]).toMatch(/^"rate";r=0;t=\d+$/);
  });

  it("once it is revoked, at once", async () => {
    const { apiKey, keyId } = await asked.create();
    expect(await asking.check({ headers: bearer(apiKey) })).toMatchObject({ isAllowed: true });
    await asked.operator.call(
      "Revoke",
      { keyId },
      { authorization: `Bearer ${"test-root-".padEnd(40, "x")}` },
    );
    expect(await asking.check({ headers: bearer(apiKey) })).toMatchObject({ isAllowed: false, status: 401 });
  });
});

describe("a key that is bound to addresses", () => {
  it.each<[string, CheckInput, boolean]>([
    ["is let through from the peer that Envoy names", { source: "192.0.2.7" }, true],
    ["is refused from another peer", { source: "198.51.100.7" }, false],
    ["is refused from a peer that has none", { source: "/run/envoy.sock" }, false],
    ["is refused without a peer", {}, false],
    ["does not believe x-forwarded-for", { headers: { "x-forwarded-for": "192.0.2.7" } }, false],
  ])("%s", async (_, input, isAllowed) => {
    const { apiKey } = await asked.create({ allowedCidrs: ["192.0.2.0/24"] });
    const told = await asking.check({ ...input, headers: { ...input.headers, ...bearer(apiKey) } });
    expect(told.isAllowed).toBe(isAllowed);
  });

  it.each<[forwardedFor: string, isAllowed: boolean]>([
    ["192.0.2.7, 10.0.0.1", true],
    ["198.51.100.7, 192.0.2.7, 10.0.0.1", true],
    ["192.0.2.7, 198.51.100.7, 10.0.0.1", false],
    ["192.0.2.7", false],
  ])("with two trusted hops and x-forwarded-for %j: %j", async (forwardedFor, isAllowed) => {
    const hops = envoy(telling.sidecarUrl);
    const { apiKey } = await telling.create({ allowedCidrs: ["192.0.2.0/24"] });
    const headers = { ...bearer(apiKey), "x-forwarded-for": forwardedFor };
    for (const form of [{ headers }, raw(headers)]) {
      expect((await hops.check({ ...form, source: "10.0.0.1" })).isAllowed).toBe(isAllowed);
    }
    hops.close();
  });
});

it("Check is a use of the key, and no line of the log holds path, headers or key", async () => {
  const { apiKey } = await asked.create();
  const headers = {
    ...bearer(apiKey),
    ":path": "/secret-path?token=secret-query",
    "user-agent": "secret-agent",
  };
  await asking.check({ headers });
  const logged = asked.service.logged();
  expect(logged).toContain(
    '"rpc":"envoy.service.auth.v3.Authorization/Check","code":"ok","caller":"sidecar"',
  );
  for (const text of [apiKey, "secret-path", "secret-query", "secret-agent"])
    expect(logged).not.toContain(text);
});
