// What a route requires, over HTTP: by the query of exactly /authz, and by headers that the operator switched
// on. Below /authz/ the query is the client's and says nothing. What cannot be read refuses.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AskedService, askedService } from "../proxy/asked-service.ts";
import { type Headers, overHttp1 } from "./ask.ts";

const SCOPES = "x-fleetkey-require-scopes";
const TYPE = "x-fleetkey-require-type";

let plain: AskedService;
let switched: AskedService;
let apiKeys: readonly [string, string];
beforeAll(async () => {
  plain = await askedService();
  switched = await askedService({ FLEETKEY_REQUIREMENT_HEADERS: `${SCOPES},${TYPE}` });
  const key = { scopes: ["orders:read", "b:*"] };
  apiKeys = [(await plain.create(key)).apiKey, (await switched.create(key)).apiKey];
});
afterAll(async () => {
  await plain.stop();
  await switched.stop();
});

const reasonOf = (body: string) => (body === "" ? "" : (JSON.parse(body) as { reason: string }).reason);

async function asking(path: string, headers: Headers = {}, service = plain) {
  const apiKey = apiKeys[service === plain ? 0 : 1];
  const { status, body } = await overHttp1(service.sidecarUrl, {
    path,
    headers: { apikey: apiKey, ...headers },
  });
  return [status, reasonOf(body)];
}

const LACKS = [403, "INSUFFICIENT_SCOPE"];
const NOT_ALLOWED = [403, "KEY_NOT_ALLOWED"];
const UNREADABLE = [403, "REQUIREMENTS_INVALID"];
const PASSES = [200, ""];

describe("the query of exactly /authz", () => {
  it.each<[path: string, answer: (string | number)[]]>([
    ["/authz", PASSES],
    ["/authz?", PASSES],
    ["/authz?scopes=orders:read", PASSES],
    ["/authz?scopes=orders:read,b:c&type=user", PASSES],
    ["/authz?scopes=orders%3Aread+b:c", PASSES],
    ["/authz?mode=nginx&", PASSES],
    ["/authz?scopes=orders:write", LACKS],
    ["/authz?scopes=orders:read&scopes=orders:write", LACKS],
    ["/authz?type=service", NOT_ALLOWED],
    ["/authz?scopes=", UNREADABLE],
    ["/authz?scopes", UNREADABLE],
    ["/authz?scopes=ORDERS", UNREADABLE],
    ["/authz?scopes=%ff", UNREADABLE],
    ["/authz?type=", UNREADABLE],
    ["/authz?type=admin", UNREADABLE],
    ["/authz?type=user&type=service", UNREADABLE],
    ["/authz?mode=apache", UNREADABLE],
    ["/authz?mode=nginx&mode=", UNREADABLE],
    ["/authz?scope=orders:read", UNREADABLE],
    ["/authz?Scopes=orders:read", UNREADABLE],
    ["/authz?scopes[]=orders:read", UNREADABLE],
    ["/authz?status=299", UNREADABLE],
    ["/authz?__proto__=a", UNREADABLE],
    [`/authz?scopes=${"s".repeat(9_000)}`, UNREADABLE],
  ])("%.60s", async (path, answer) => {
    expect(await asking(path)).toEqual(answer);
  });

  it("is told to the log where it cannot be read, once, and not what it holds", async () => {
    const service = await askedService();
    for (let time = 0; time < 3; time++)
      await overHttp1(service.sidecarUrl, { path: "/authz?secret=secret" });
    const lines = service.service
      .logged()
      .split("\n")
      .filter((line) => line.includes("no key is let through"));
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain("secret");
    await service.stop();
  });
});

describe("below /authz/ the query is the client's own", () => {
  it.each([
    "/authz/",
    "/authz/?scopes=orders:write",
    "/authz/orders?scopes=orders:write&type=service",
    "/authz/orders?scopes=&mode=apache&any=thing",
    "/authz/../authz?scopes=orders:write",
    "/authz/%2e%2e/healthz",
    "/authz//",
  ])("%s", async (path) => {
    expect(await asking(path)).toEqual(PASSES);
    expect(await asking(path, { apikey: "none" })).toEqual([401, "KEY_INVALID"]);
  });
});

describe("headers that are switched on", () => {
  it.each<[path: string, headers: Headers, answer: (string | number)[]]>([
    ["/authz/x", {}, PASSES],
    ["/authz/x", { [SCOPES]: "orders:read" }, PASSES],
    ["/authz/x", { [SCOPES]: "orders:read, b:c", [TYPE]: "user" }, PASSES],
    ["/authz/x", { [SCOPES]: "orders:write" }, LACKS],
    ["/authz/x", { [TYPE]: "service" }, NOT_ALLOWED],
    ["/authz/x", { [SCOPES]: "" }, UNREADABLE],
    ["/authz/x", { [SCOPES]: "Orders" }, UNREADABLE],
    ["/authz/x", { [TYPE]: "user, service" }, UNREADABLE],
    ["/authz", { [SCOPES]: "orders:write" }, LACKS],
    ["/authz?scopes=orders:write", { [SCOPES]: "orders:read" }, LACKS],
    ["/authz?scopes=orders:read", { [SCOPES]: "b:c" }, PASSES],
    ["/authz?type=user", { [TYPE]: "service" }, UNREADABLE],
  ])("%s %j", async (path, headers, answer) => {
    expect(await asking(path, headers, switched)).toEqual(answer);
  });

  it("are not looked at otherwise: anybody could have sent them", async () => {
    expect(await asking("/authz/x", { [SCOPES]: "orders:write", [TYPE]: "service" })).toEqual(PASSES);
  });
});
