// Who may ask, in both forms, on the port that everybody calls: a proxy shows its own credential, and the
// headers in which it usually stands hold the key that is checked. A bound proxy knows the keys of its own
// tenant only.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT_KEY } from "../../running-service.ts";
import { type Envoy, envoy } from "../ext-authz/envoy.ts";
import { type AskedService, askedService, endedKeys } from "../proxy/asked-service.ts";
import { type CertificateAuthority, certificateAuthority } from "../wire/certificate-authority.ts";
import { openHttp2 } from "../wire/http2.ts";
import { selfSigned } from "../wire/self-signed.ts";
import { type Headers, overHttp1, PROTOCOLS } from "./ask.ts";

const OWN = "x-fleetkey-authorization";

let asked: AskedService;
let asking: Envoy;
let apiKey: string;
let callers: Readonly<Record<string, string>>;
beforeAll(async () => {
  asked = await askedService();
  asking = envoy(asked.service.url);
  ({ apiKey } = await asked.create({ organizationId: "org-1" }));
  const caller = async (scopes: string[], more: object = {}) =>
    (await asked.create({ type: "KEY_TYPE_SERVICE", userId: "", serviceAccountId: "proxy", scopes, ...more }))
      .apiKey;
  const bound = async (organizationId: string) =>
    (
      await asked.create({
        type: "KEY_TYPE_ORGANIZATION",
        userId: "",
        organizationId,
        scopes: ["fleetkey:verify"],
      })
    ).apiKey;
  callers = {
    ...(await endedKeys(asked)),
    root: ROOT_KEY,
    verify: await caller(["fleetkey:verify"]),
    admin: await caller(["fleetkey:admin"]),
    read: await caller(["fleetkey:read"]),
    "no fleetkey: scope": await caller(["*"]),
    "of its tenant": await bound("org-1"),
    "of another tenant": await bound("org-2"),
    limited: await caller(["fleetkey:verify"], { quota: { limit: 1, period: "QUOTA_PERIOD_MONTH" } }),
    wrong: "wrong-".padEnd(40, "y"),
    joined: `${ROOT_KEY},${ROOT_KEY}`,
    empty: "",
  };
});
afterAll(async () => {
  asking.close();
  await asked.stop();
});

const LET_IN = ["root", "verify", "admin", "of its tenant"];
const UNKNOWN = ["wrong", "revoked", "expired", "disabled", "joined", "empty"];
const REFUSED = ["read", "no fleetkey: scope"];
const shown = (name: string): string => callers[name] ?? "";

describe.each(PROTOCOLS)("forward auth over $over", ({ ask }) => {
  const asks = async (headers: Headers, key = apiKey) => {
    const told = await ask(asked.service.url, { headers: { authorization: `Bearer ${key}`, ...headers } });
    return [told.status, told.body === "" ? "" : (JSON.parse(told.body) as { reason: string }).reason];
  };

  it.each(LET_IN)("answers %s, with the scheme and without", async (name) => {
    expect(await asks({ [OWN]: shown(name) })).toEqual([200, ""]);
    expect(await asks({ [OWN]: `Bearer ${shown(name)}` })).toEqual([200, ""]);
    expect(await asks({ [OWN]: shown(name) }, "wrong")).toEqual([401, "KEY_INVALID"]);
  });

  it.each(UNKNOWN)(
    "refuses %s as a credential, with 403: it is not the client's key that is wrong",
    async (name) => {
      expect(await asks({ [OWN]: shown(name) })).toEqual([403, "PROXY_UNKNOWN"]);
    },
  );

  it.each(REFUSED)("refuses %s for want of the scope", async (name) => {
    expect(await asks({ [OWN]: shown(name) })).toEqual([403, "PROXY_REFUSED"]);
  });

  it("takes no credential from where the checked key stands", async () => {
    for (const key of [shown("verify"), ROOT_KEY]) {
      expect(await asks({}, key)).toEqual([403, "PROXY_UNKNOWN"]);
      expect(await asks({ "x-api-key": key, apikey: key }, key)).toEqual([403, "PROXY_UNKNOWN"]);
    }
  });

  it("tells a bound proxy of another tenant's key what it tells of one that is not there", async () => {
    expect(await asks({ [OWN]: shown("of another tenant") })).toEqual([401, "KEY_INVALID"]);
  });

  it("says nothing of the checked key to who may not ask", async () => {
    for (const key of [apiKey, "wrong"]) {
      expect(await asks({ [OWN]: shown("read") }, key)).toEqual([403, "PROXY_REFUSED"]);
      expect(await asks({}, key)).toEqual([403, "PROXY_UNKNOWN"]);
    }
  });
});

it("the limits of the proxy's own key are its own trouble", async () => {
  const headers = { authorization: `Bearer ${apiKey}`, [OWN]: shown("limited") };
  expect(await overHttp1(asked.service.url, { headers })).toMatchObject({ status: 200 });
  const told = await overHttp1(asked.service.url, { headers });
  expect(told.status).toBe(429);
  expect(JSON.parse(told.body)).toMatchObject({ reason: "PROXY_LIMITED" });
});

describe("Check", () => {
  const check = (metadata: Headers) => asking.check({ headers: { apikey: apiKey } }, metadata);
  const refusal = async (metadata: Headers) => {
    try {
      return (await check(metadata)).isAllowed;
    } catch (error) {
      return (error as { details: string }).details;
    }
  };

  it.each(LET_IN)("answers %s, in any header of the call", async (name) => {
    const credential = shown(name);
    const forms: readonly Headers[] = [
      { [OWN]: credential },
      { [OWN]: `Bearer ${credential}` },
      { authorization: `Bearer ${credential}` },
      { "x-api-key": credential },
      { authorization: `Bearer ${credential}`, [OWN]: credential },
    ];
    for (const metadata of forms) {
      expect(await check(metadata)).toMatchObject({ isAllowed: true });
    }
  });

  it.each(UNKNOWN.filter((name) => name !== "empty"))("refuses %s by an error", async (name) => {
    expect(await refusal({ [OWN]: shown(name) })).toMatch(/a valid credential is required/);
    expect(await refusal({ authorization: `Bearer ${ROOT_KEY}`, [OWN]: shown(name) })).toMatch(/credential/);
  });

  it.each(REFUSED)("refuses %s for want of the scope by an error", async (name) => {
    expect(await refusal({ [OWN]: shown(name) })).toMatch(/does not hold the scope/);
  });

  it("takes the credential from the call, never from the request that is checked", async () => {
    expect(await refusal({})).toMatch(/a valid credential is required/);
    const headers = { apikey: apiKey, [OWN]: ROOT_KEY };
    await expect(asking.check({ headers }, {})).rejects.toThrow(/credential/);
  });

  it("tells a bound proxy that another tenant's key is unknown", async () => {
    const told = await check({ [OWN]: shown("of another tenant") });
    expect(told).toMatchObject({ isAllowed: false, status: 401, metadata: { reason: "UNKNOWN" } });
  });
});

describe("other rpcs", () => {
  it("do not know the proxies' header", async () => {
    const headers = { "content-type": "application/json", [OWN]: ROOT_KEY };
    const path = "/fleetkey.v1.KeyService/Verify";
    expect(await overHttp1(asked.service.url, { method: "POST", path, headers, body: "{}" })).toMatchObject({
      status: 401,
    });
  });
});

it("wrong credentials of proxies are counted with all others, and right ones pass", async () => {
  const service = await askedService({ FLEETKEY_FAILED_ATTEMPTS: "2" });
  const { url } = service.service;
  const ask = (headers: Headers) => overHttp1(url, { headers: { apikey: "x", ...headers } });
  const statuses = [];
  const wrong: Headers = { [OWN]: "wrong" };
  for (const headers of [wrong, {}, wrong, {}]) statuses.push((await ask(headers)).status);
  expect(statuses).toEqual([403, 403, 429, 429]);
  const list = { method: "POST", path: "/fleetkey.v1.KeyService/List", body: "{}" };
  const headers = { "content-type": "application/json", "x-api-key": "wrong" };
  expect(await overHttp1(url, { ...list, headers })).toMatchObject({ status: 429 });
  expect(await ask({ [OWN]: ROOT_KEY })).toMatchObject({ status: 401 });
  const folded = await overHttp1(url, { path: "/authz?mode=nginx" });
  expect(folded).toMatchObject({ status: 403, headers: { "x-auth-status": "429" } });
  await service.stop();
});

describe("a client certificate", () => {
  const GATEWAY = "gateway.internal";
  const server = selfSigned();
  let authority: CertificateAuthority;
  let service: AskedService;
  beforeAll(async () => {
    authority = certificateAuthority();
    service = await askedService({
      ...server.settings,
      FLEETKEY_TLS_CLIENT_CA: authority.path,
      FLEETKEY_TLS_CLIENT_SCOPES: `${GATEWAY}=fleetkey:verify,reader.internal=fleetkey:read`,
    });
  });
  afterAll(async () => {
    await service.stop();
    server.remove();
    authority.remove();
  });

  it.each<[string, string, Headers, number]>([
    ["of a known name lets its holder ask", GATEWAY, {}, 401],
    ["without the scope does not", "reader.internal", {}, 403],
    ["of an unknown name does not", "stranger.internal", {}, 403],
    ["counts for nothing beside a wrong credential", GATEWAY, { [OWN]: "wrong" }, 403],
    ["is not needed with a right one", "stranger.internal", { [OWN]: ROOT_KEY }, 401],
  ])("%s", async (_, name, headers, status) => {
    const connection = openHttp2(service.service.url, {
      ca: server.pem,
      ...authority.issue([`DNS.1 = ${name}`]),
    });
    const answer = await connection.request({ ":path": "/authz", apikey: "no-key", ...headers });
    connection.close();
    expect(answer.status).toBe(status);
  });
});
