// Forward auth on the sidecar listener, over both protocols: the status by which proxies decide, what the
// service is told, what the client is told, for keys in every state and any method.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { strangeApiKey } from "../cases/case.ts";
import { type AskedKey, type AskedService, askedService, endedKeys } from "../proxy/asked-service.ts";
import { type Headers, identityIn, overHttp1, PROTOCOLS, removedBy } from "./ask.ts";

let asked: AskedService;
let telling: AskedService;
let url: string;
let valid: AskedKey;
let ended: Readonly<Record<string, string>>;
beforeAll(async () => {
  asked = await askedService();
  telling = await askedService({
    FLEETKEY_DENIAL_REASONS: "tell",
    FLEETKEY_STRIP_KEY: "off",
    FLEETKEY_TRUSTED_HOPS: "1",
  });
  url = asked.sidecarUrl;
  valid = await asked.create({ scopes: ["orders:read", "orders:list"], organizationId: "org-1" });
  ended = {
    ...(await endedKeys(asked)),
    unknown: String(strangeApiKey("prod").of({ kept: {}, run: "" })),
    malformed: "no-key-at-all",
  };
});
afterAll(async () => {
  await asked.stop();
  await telling.stop();
});

const bearer = (apiKey: string): Headers => ({ authorization: `Bearer ${apiKey}` });

describe.each(PROTOCOLS)("over $over", ({ ask }) => {
  it.each(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"])(
    "%s with a valid key is answered with 200 and an empty body, without one with 401",
    async (method) => {
      for (const path of ["/authz", "/authz/", "/authz/orders/1?tab=2"]) {
        const told = await ask(url, { method, path, headers: bearer(valid.apiKey) });
        expect(told).toMatchObject({ status: 200, body: "" });
        expect(told.headers["content-length"]).toBe("0");
        expect(await ask(url, { method, path })).toMatchObject({ status: 401 });
      }
    },
  );

  it("the service is told who the owner is, and Envoy what to take away", async () => {
    const claims = { "x-fleetkey-provider": "admin", x_fleetkey_user: "admin", "x-fleetkey-role": "admin" };
    const told = await ask(url, { headers: { ...bearer(valid.apiKey), ...claims } });
    expect(identityIn(told)).toEqual({
      "x-fleetkey-key-id": valid.keyId,
      "x-fleetkey-key-type": "user",
      "x-fleetkey-user": "user-1",
      "x-fleetkey-organization": "org-1",
      "x-fleetkey-scopes": "orders:read orders:list",
    });
    expect(removedBy(told).toSorted()).toEqual([
      "authorization",
      "x-fleetkey-authorization",
      "x-fleetkey-provider",
      "x-fleetkey-role",
      "x-fleetkey-service-account",
      "x_fleetkey_user",
    ]);
    expect(told.headers["cache-control"]).toBe("no-store");
  });

  it.each<[string, (apiKey: string) => Headers, readonly string[]]>([
    ["X-API-Key", (apiKey) => ({ "x-api-key": apiKey }), ["x-api-key"]],
    ["apikey", (apiKey) => ({ apikey: apiKey }), ["apikey"]],
    ["two of them", (apiKey) => ({ apikey: apiKey, ...bearer(apiKey) }), ["authorization", "apikey"]],
    [
      "X-API-Key beside Basic",
      (apiKey) => ({ "x-api-key": apiKey, authorization: "Basic a2V5" }),
      ["x-api-key"],
    ],
  ])("the key can be in %s, and is taken away from there", async (_, headersOf, removed) => {
    const told = await ask(url, { headers: headersOf(valid.apiKey) });
    expect(told.status).toBe(200);
    expect(removedBy(told).filter((name) => !name.startsWith("x-fleetkey"))).toEqual(removed);
  });

  it.each(["revoked", "expired", "disabled", "unknown", "malformed"])(
    "a key that is %s gets the one answer that all of them get",
    async (state) => {
      const told = await ask(url, { headers: bearer(ended[state] ?? "") });
      expect(told.status).toBe(401);
      expect(told.headers).toMatchObject({
        "www-authenticate": 'Bearer error="invalid_token"',
        "content-type": "application/problem+json",
      });
      expect(told.body).toBe(
        '{"title":"Unauthorized","status":401,"detail":"the API key is not valid","reason":"KEY_INVALID"}',
      );
      expect(identityIn(told)).toEqual({});
    },
  );

  it.each<[string, (apiKey: string) => Headers]>([
    ["two keys", (apiKey) => ({ ...bearer(apiKey), "x-api-key": "other" })],
    ["a joined key", (apiKey) => ({ apikey: `${apiKey}, ${apiKey}` })],
    ["a long key", () => ({ apikey: "x".repeat(10_000) })],
    ["a Bearer without a key", () => ({ authorization: "Bearer" })],
  ])("%s are refused with a clear reason", async (_, headersOf) => {
    const told = await ask(url, { headers: headersOf(valid.apiKey) });
    expect(told.status).toBe(401);
    expect(JSON.parse(told.body)).toMatchObject({ reason: "KEY_AMBIGUOUS" });
  });

  it("a key over its limit is told when to come again; nginx is told 403, and what it means", async () => {
    const { apiKey } = await asked.create({ rateLimit: { limit: 1, window: "3600s" } });
    const first = await ask(url, { headers: bearer(apiKey) });
    expect(first.status).toBe(200);
    expect(first.headers).toMatchObject({ "ratelimit-policy": '"rate";q=1;w=3600' });
    const last = await ask(url, { headers: bearer(apiKey) });
    expect(last.status).toBe(429);
    expect(Number(last.headers["retry-after"])).toBeGreaterThan(3_500);
    const folded = await ask(url, { path: "/authz?mode=nginx", headers: bearer(apiKey) });
    expect(folded.status).toBe(403);
    expect(folded.headers).toMatchObject({ "x-auth-status": "429", "retry-after": expect.any(String) });
  });

  it("nginx is told the same as others of everything else", async () => {
    const path = "/authz?mode=nginx&scopes=orders:write";
    expect(await ask(url, { path: "/authz?mode=nginx", headers: bearer(valid.apiKey) })).toMatchObject({
      status: 200,
      body: "",
    });
    const answers = [await ask(url, { path, headers: bearer(valid.apiKey) }), await ask(url, { path })];
    expect(answers.map(({ status }) => status)).toEqual([403, 401]);
    for (const { headers } of answers) expect(headers).not.toHaveProperty("x-auth-status");
  });
});

it("a refused HEAD has no body and says how long it would be", async () => {
  const told = await overHttp1(url, { method: "HEAD" });
  expect(told).toMatchObject({ status: 401, body: "" });
  expect(Number(told.headers["content-length"])).toBeGreaterThan(50);
});

it("reasons are told, and the key stays, where the operator chose so", async () => {
  const { revoked = "" } = await endedKeys(telling);
  const told = await overHttp1(telling.sidecarUrl, { headers: bearer(revoked) });
  expect(JSON.parse(told.body)).toMatchObject({ reason: "REVOKED" });
  const { apiKey } = await telling.create();
  const kept = await overHttp1(telling.sidecarUrl, { headers: bearer(apiKey) });
  expect(removedBy(kept)).not.toContain("authorization");
});

it("a key that is bound to addresses is refused unless a trusted proxy tells the client's", async () => {
  // The proxy's own address is no client's.
  const here = await asked.create({ allowedCidrs: ["127.0.0.0/8"] });
  const forms: readonly Headers[] = [{}, { "x-forwarded-for": "127.0.0.1" }];
  for (const claims of forms) {
    const told = await overHttp1(url, { headers: { ...bearer(here.apiKey), ...claims } });
    expect(told.status).toBe(403);
  }
  const { apiKey } = await telling.create({ allowedCidrs: ["192.0.2.0/24"] });
  const statusFrom = async (forwardedFor: string) =>
    (await overHttp1(telling.sidecarUrl, { headers: { ...bearer(apiKey), "x-forwarded-for": forwardedFor } }))
      .status;
  expect(await statusFrom("192.0.2.7")).toBe(200);
  expect(await statusFrom("198.51.100.7, 192.0.2.7")).toBe(200);
  expect(await statusFrom("192.0.2.7, 198.51.100.7")).toBe(403);
});

it("no line of the log holds a path, a query or a key", async () => {
  const path = "/authz/secret-path?token=secret-query";
  await overHttp1(url, { path, headers: { ...bearer(valid.apiKey), "user-agent": "secret-agent" } });
  const logged = asked.service.logged();
  expect(logged).toContain('"rpc":"forward-auth","code":200,"caller":"sidecar"');
  for (const text of [valid.apiKey, "secret-"]) expect(logged).not.toContain(text);
});
