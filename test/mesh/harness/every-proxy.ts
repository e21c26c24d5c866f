// What holds behind every proxy, as cases that each of them runs on the configuration that users copy. What
// a single proxy does in its own way is in its own test file.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { CreateResponse } from "../../../gen/fleetkey/v1/key_service_pb.js";
import { useProcesses } from "../../system/process.ts";
import { bearer, claims, echoOf, IDENTITY, identityOf, refusalOf } from "./answers.ts";
import { type Keys, keyIdOf, type Mesh, type ProxySetup, startMesh } from "./mesh.ts";
import { describeDown, describeOpen } from "./outages.ts";
import type { Call } from "./upstream.ts";

/** Within it every node refuses a key whose revocation was answered. */
const REVOKE_MS_MAX = 2_000;
/** What a proxy says of a path that it does not like. */
const BAD_PATH = [301, 302, 307, 308, 400, 403, 404];

const KEY_HEADERS = ["authorization", "x-api-key", "apikey"];

export interface Options {
  /** What it does while Fleetkey does not answer: only where its operator chose so, it lets in. */
  readonly letsInWhenDown?: boolean;
  /** Why it waits longer for Fleetkey than a test can. */
  readonly waitsLong?: string;
}

/** Runs every case through a proxy. */
export function describeProxy(proxy: ProxySetup, options: Options = {}): void {
  describe(proxy.title, () => {
    const processes = useProcesses(afterAll);
    let mesh: Mesh;
    beforeAll(async () => {
      mesh = await startMesh(processes, proxy);
    });
    afterAll(() => mesh?.close());

    describeAllowed(() => mesh);
    describeRefused(() => mesh);
    describeDeceit(() => mesh);
    // The last one: it ends Fleetkey.
    if (options.letsInWhenDown) describeOpen(() => mesh);
    else describeDown(() => mesh, options.waitsLong);
  });
}

function describeAllowed(mesh: () => Mesh): void {
  it.each([
    ["Authorization", (apiKey: string) => bearer(apiKey)],
    ["X-API-Key", (apiKey: string) => ({ "x-api-key": apiKey })],
    ["apikey", (apiKey: string) => ({ apikey: apiKey })],
  ])("lets a valid key in %s in, and tells the service whose it is", async (_name, headersOf) => {
    const { user } = mesh().keys;
    const answer = await mesh().call({ path: "/profile?tab=1", headers: headersOf(user.apiKey) });
    expect(echoOf(answer)).toMatchObject({ method: "GET", path: "/profile?tab=1" });
    expect(identityOf(answer)).toEqual({
      "x-fleetkey-key-id": keyIdOf(user),
      "x-fleetkey-key-type": "user",
      "x-fleetkey-user": "user-1",
      "x-fleetkey-scopes": "profile:read",
    });
  });

  it("lets a key in where it has the scope that the route requires", async () => {
    const { reader } = mesh().keys;
    const answer = await mesh().call({ path: "/orders/1", headers: bearer(reader.apiKey) });
    expect(identityOf(answer)).toMatchObject({
      "x-fleetkey-service-account": "shop",
      "x-fleetkey-scopes": "orders:read",
    });
  });

  it("tells the service all that a key carries", async () => {
    const { partner } = mesh().keys;
    expect(identityOf(await mesh().call({ headers: bearer(partner.apiKey) }))).toEqual({
      "x-fleetkey-key-id": keyIdOf(partner),
      "x-fleetkey-key-type": "integration",
      "x-fleetkey-user": "user-1",
      "x-fleetkey-organization": "org-1",
      "x-fleetkey-provider": "stripe",
      "x-fleetkey-scopes": "payments:write profile:read",
    });
  });

  it("does not hand the key on", async () => {
    const { apiKey } = mesh().keys.user;
    for (const name of KEY_HEADERS) {
      const value = name === "authorization" ? `Bearer ${apiKey}` : apiKey;
      const echo = echoOf(await mesh().call({ headers: { [name]: value } }));
      expect(JSON.stringify(echo)).not.toContain(apiKey);
      expect(echo.headers.filter(([header]) => KEY_HEADERS.includes(header))).toEqual([]);
    }
  });

  it("hands method and body on", async () => {
    const headers = { ...bearer(mesh().keys.reader.apiKey), "content-type": "text/plain" };
    const answer = await mesh().call({ method: "POST", path: "/orders", headers, body: "two of them" });
    expect(echoOf(answer)).toMatchObject({ method: "POST", path: "/orders", body: "two of them" });
  });

  it("leaves the client's query to the service", async () => {
    const path = "/profile?type=service&scopes=nothing:here&mode=nginx";
    const answer = await mesh().call({ path, headers: bearer(mesh().keys.user.apiKey) });
    expect(echoOf(answer).path).toBe(path);
  });

  it("lets a key in from the address that it is bound to, and from no other", async () => {
    const headers = bearer(mesh().keys.bound.apiKey);
    expect(await mesh().call({ headers, from: "127.0.0.2" })).toMatchObject({ status: 200 });
    expect(await refusalOf(mesh(), { headers })).toMatchObject({ status: 403 });
    for (const claimed of ["127.0.0.2", "127.0.0.2, 127.0.0.2"]) {
      const request = { headers: { ...headers, "x-forwarded-for": claimed, "x-real-ip": claimed } };
      expect(await refusalOf(mesh(), request)).toMatchObject({ status: 403 });
    }
  });
}

function describeRefused(mesh: () => Mesh): void {
  const keyed = (name: keyof Keys) => (keys: Keys) => bearer(keys[name].apiKey);
  it.each<[string, (keys: Keys) => Call["headers"]]>([
    ["no key", () => ({})],
    ["an empty key", () => ({ authorization: "Bearer " })],
    ["something that is no key", () => bearer("letmein")],
    [
      "a mistyped key",
      ({ user }) => bearer(`${user.apiKey.slice(0, -1)}${user.apiKey.endsWith("0") ? 1 : 0}`),
    ],
    ["a revoked key", keyed("revoked")],
    ["an expired key", keyed("expired")],
    ["two different keys", ({ user, reader }) => ({ ...bearer(user.apiKey), apikey: reader.apiKey })],
    ["a key of which another hides", ({ user, revoked }) => ({ apikey: [revoked.apiKey, user.apiKey] })],
  ])("refuses %s with 401", async (_name, headersOf) => {
    const answer = await refusalOf(mesh(), { headers: headersOf(mesh().keys) });
    expect(answer).toMatchObject({ status: 401 });
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer/);
  });

  it("refuses a key without the scope that the route requires with 403", async () => {
    const headers = bearer(mesh().keys.user.apiKey);
    for (const path of ["/orders", "/orders/1", "/orders?scopes=", "/orders/1?scopes=profile:read"]) {
      expect(await refusalOf(mesh(), { path, headers })).toMatchObject({ status: 403 });
    }
  });

  it("refuses a key over its limit with 429, and tells when to come again", async () => {
    const headers = bearer(mesh().keys.limited.apiKey);
    expect(await mesh().call({ headers })).toMatchObject({ status: 200 });
    const answer = await refusalOf(mesh(), { headers });
    expect(answer).toMatchObject({ status: 429 });
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  });

  it(`refuses a key within ${REVOKE_MS_MAX} ms after it was revoked, and from then on`, async () => {
    const { client, call } = mesh();
    const { apiKey, key } = await client.keys.create({ type: 1, userId: "user-2" });
    const headers = bearer(apiKey);
    expect(await call({ headers })).toMatchObject({ status: 200 });
    await client.keys.revoke({ target: { case: "keyId", value: key?.keyId ?? "" } });
    const isRefused = async () => (await call({ headers })).status === 401;
    await vi.waitUntil(isRefused, { timeout: REVOKE_MS_MAX, interval: 20 });
    for (let again = 0; again < 5; again++) expect(await isRefused()).toBe(true);
  });
}

function describeDeceit(mesh: () => Mesh): void {
  it("believes nothing that a client says of itself, with a valid key or without", async () => {
    const believed = claims("admin");
    expect(await refusalOf(mesh(), { headers: believed })).toMatchObject({ status: 401 });
    const { user, reader, partner } = mesh().keys;
    const honest = (key: CreateResponse) => mesh().call({ headers: bearer(key.apiKey) });
    for (const key of [user, reader, partner]) {
      const answer = await mesh().call({ headers: { ...believed, ...bearer(key.apiKey) } });
      expect(identityOf(answer)).toEqual(identityOf(await honest(key)));
    }
  });

  it("lets no client take away what the service is told", async () => {
    const headers = bearer(mesh().keys.user.apiKey);
    const connection = `close, ${IDENTITY.join(", ")}`;
    const answer = await mesh().call({ headers: { ...headers, connection } });
    if (answer.status === 400) return;
    expect(identityOf(answer)).toEqual(identityOf(await mesh().call({ headers })));
  });

  it.each([
    "/%6frders/1",
    "/%6Frders",
    "//orders/1",
    "/./orders/1",
    "/profile/../orders/1",
    "/profile/%2e%2e/orders/1",
    "/profile/..%2forders/1",
    "/profile%2f..%2forders/1",
    "/%2forders/1",
    "/profile/..\\orders/1",
    "/orders%2f1",
    "/orders;a=b/1",
  ])("does not let %s past what /orders requires", async (path) => {
    const answer = await mesh().call({ path, headers: bearer(mesh().keys.user.apiKey) });
    // What reaches the service is the path that the proxy has judged: not below /orders to anyone.
    if (BAD_PATH.includes(answer.status)) return;
    expect(tidied(echoOf(answer).path)).not.toMatch(/^\/+orders/);
  });
}

/** As the most forgiving service reads it. */
function tidied(path: string): string {
  const decoded = decodeURIComponent(decodeURIComponent(path)).replaceAll("\\", "/").replaceAll(/\/+/g, "/");
  return new URL(decoded, "http://service").pathname;
}
