// Guessing is slow: past FLEETKEY_FAILED_ATTEMPTS an address is told only to wait, whatever kind of attempt
// it is, while who shows what is right passes from the same address at the same moment. Nothing of it is an
// event.
import { afterEach, expect, it } from "vitest";
import { ROOT_KEY, runService } from "../../running-service.ts";
import type { Rpc } from "../clients/client.ts";
import { pathOf } from "../clients/client.ts";
import { grpcJs } from "../clients/grpc-js.ts";
import { callHttp1 } from "../wire/http1.ts";

const LIMIT = 3;
const WRONG = { authorization: `Bearer ${"wrong-".padEnd(40, "y")}` };
const ROOT = { authorization: `Bearer ${ROOT_KEY}` };

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** A service of the test's own: its failures are those of the test. */
async function start() {
  const service = await runService({ FLEETKEY_FAILED_ATTEMPTS: String(LIMIT) });
  endings.push(() => service.stop());
  const call = (rpc: Rpc, body: object, headers: Readonly<Record<string, string>> = {}) =>
    callHttp1(service.url, {
      path: pathOf(rpc),
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  const create = async (body: object) => {
    const answer = await call("Create", body, ROOT);
    return JSON.parse(answer.body) as { readonly apiKey: string };
  };
  return { service, call, create };
}

type Call = Awaited<ReturnType<typeof start>>["call"];

/** Each way to be wrong. */
const ATTEMPTS: readonly (readonly [string, (call: Call) => ReturnType<Call>])[] = [
  ["a wrong credential", (call) => call("List", {}, WRONG)],
  ["no credential", (call) => call("List", {})],
  ["two credentials that differ", (call) => call("List", {}, { ...ROOT, "x-api-key": "other" })],
  ["a Refresh by a wrong api_key", (call) => call("Refresh", { apiKey: "wrong" })],
  ["a Revoke by a wrong api_key", (call) => call("Revoke", { apiKey: "wrong" })],
  ["a Refresh by nothing but a key_id", (call) => call("Refresh", { keyId: "flk_uAAAAAAAAAAA" })],
];

it.each(ATTEMPTS)("%s is refused so often, and then told to wait", async (_, attempt) => {
  const { call } = await start();
  for (let count = 0; count < LIMIT; count++) expect(await attempt(call)).toMatchObject({ status: 401 });
  const answer = await attempt(call);
  expect(answer.status).toBe(429);
  expect(JSON.parse(answer.body)).toMatchObject({ code: "resource_exhausted" });
  const seconds = Number(answer.headers["retry-after"]);
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
});

it("all kinds of attempts count together, and gRPC is told the same", async () => {
  const { service, call } = await start();
  for (const [, attempt] of ATTEMPTS.slice(2, 2 + LIMIT)) {
    expect(await attempt(call)).toMatchObject({ status: 401 });
  }
  for (const [, attempt] of ATTEMPTS) expect(await attempt(call)).toMatchObject({ status: 429 });
  const client = grpcJs(service.url);
  const outcome = await client.call("Revoke", { apiKey: "wrong" }, { headers: {} });
  client.close();
  expect(outcome).toMatchObject({
    code: "resource_exhausted",
    details: { errorInfo: { reason: "TOO_MANY_FAILURES" }, retryDelay: expect.stringMatching(/^\d/) },
  });
});

it("who shows what is right passes beside who guesses from the same address", async () => {
  const { call, create } = await start();
  const user = { type: "KEY_TYPE_USER", userId: "user-1" };
  const caller = await create({ ...user, scopes: ["fleetkey:read"] });
  const [refreshed, revoked] = [await create(user), await create(user)];
  for (let count = 0; count <= LIMIT; count++) await call("List", {}, WRONG);
  const [guess, asRoot, asKey, refresh, revoke] = await Promise.all([
    call("List", {}, WRONG),
    call("List", {}, ROOT),
    call("List", {}, { "x-api-key": caller.apiKey }),
    call("Refresh", { apiKey: refreshed.apiKey }),
    call("Revoke", { apiKey: revoked.apiKey }),
  ]);
  expect(guess.status).toBe(429);
  expect([asRoot, asKey, refresh, revoke].map(({ status }) => status)).toEqual([200, 200, 200, 200]);
});

it("what a right credential asks for in vain is no attempt", async () => {
  const { call, create } = await start();
  const { apiKey } = await create({ type: "KEY_TYPE_USER", userId: "user-1", scopes: ["fleetkey:revoke"] });
  for (let count = 0; count <= LIMIT; count++) {
    expect(await call("Revoke", { apiKey: "wrong" }, ROOT)).toMatchObject({ status: 404 });
    expect(await call("List", {}, { "x-api-key": apiKey })).toMatchObject({ status: 403 });
    expect(await call("Get", { keyId: "none" }, ROOT)).toMatchObject({ status: 400 });
  }
  expect(await call("List", {}, WRONG)).toMatchObject({ status: 401 });
});

it("no attempt is an event, and none is logged as more than a call", async () => {
  const { service, call } = await start();
  for (const [, attempt] of ATTEMPTS) await attempt(call);
  const events = await call("ListEvents", {}, ROOT);
  expect(events).toMatchObject({ status: 200, body: "{}" });
  expect(service.logged()).not.toContain("wrong-");
});
