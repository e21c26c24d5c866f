// Where a credential may stand beside Authorization and X-API-Key: in the headers that the settings name, and
// nowhere else. Two that differ are refused in any two headers and any order; a URL holds none.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT_KEY, type RunningService, runService } from "../../running-service.ts";
import { grpcHeaders } from "../wire/grpc.ts";
import { callHttp1, openHttp1 } from "../wire/http1.ts";
import { answerTo, type Http2Connection, openHttp2 } from "../wire/http2.ts";

const PATH = "/fleetkey.v1.KeyService/List";
const JSON_TYPE = { "content-type": "application/json" };
const OTHER_ROOT = "other-root-".padEnd(40, "z");
const WRONG = "wrong-".padEnd(40, "y");
const NAMES = ["authorization", "x-api-key", "x-company-key", "x-team-key"] as const;
const PAIRS = NAMES.flatMap((one) => NAMES.filter((two) => two !== one).map((two) => [one, two] as const));

let service: RunningService;
let plain: RunningService;
let http2: Http2Connection;
beforeAll(async () => {
  service = await runService({
    FLEETKEY_CALLER_HEADERS: "X-Company-Key, x-team-key",
    // Both are right, so that only their difference can be what is refused.
    FLEETKEY_ROOT_KEY: `${ROOT_KEY},${OTHER_ROOT}`,
  });
  plain = await runService();
  http2 = openHttp2(service.url);
});
afterAll(async () => {
  http2.close();
  await service.stop();
  await plain.stop();
});

type Headers = Readonly<Record<string, string>>;

// Without a blank at the end, which node's HTTP/2 does not let through.
const showing = (name: string, credential: string): Headers => ({
  [name]: name === "authorization" ? `Bearer ${credential}`.trim() : credential,
});

async function statusOverHttp1(headers: Headers, url = service.url, path = PATH): Promise<number> {
  const answer = await callHttp1(url, { path, headers: { ...JSON_TYPE, ...headers }, body: "{}" });
  return answer.status;
}

async function statusOverHttp2(headers: Headers): Promise<number> {
  const answer = await http2.request({ ":method": "POST", ":path": PATH, ...JSON_TYPE, ...headers }, "{}");
  return answer.status;
}

describe.each([
  { over: "HTTP/1.1", statusOf: (headers: Headers) => statusOverHttp1(headers) },
  { over: "HTTP/2", statusOf: statusOverHttp2 },
])("over $over", ({ statusOf }) => {
  it.each(NAMES)("a credential in %s is let in, and a wrong one refused", async (name) => {
    expect(await statusOf(showing(name, ROOT_KEY))).toBe(200);
    expect(await statusOf(showing(name, WRONG))).toBe(401);
    expect(await statusOf({ [name]: "" })).toBe(401);
  });

  it.each(PAIRS)("two in %s and %s are let in when they are equal, and only then", async (one, two) => {
    expect(await statusOf({ ...showing(one, ROOT_KEY), ...showing(two, ROOT_KEY) })).toBe(200);
    for (const other of [OTHER_ROOT, WRONG, ""]) {
      expect(await statusOf({ ...showing(one, ROOT_KEY), ...showing(two, other) })).toBe(401);
    }
  });

  it("all of them are let in when they are equal, and refused when one differs", async () => {
    const all = Object.assign({}, ...NAMES.map((name) => showing(name, ROOT_KEY)));
    expect(await statusOf(all)).toBe(200);
    for (const name of NAMES) expect(await statusOf({ ...all, ...showing(name, OTHER_ROOT) })).toBe(401);
  });

  it.each(["x-other-key", "cookie", "proxy-authorization"])("%s holds none", async (name) => {
    expect(await statusOf({ [name]: ROOT_KEY })).toBe(401);
    expect(await statusOf({ [name]: WRONG, ...showing("authorization", ROOT_KEY) })).toBe(200);
  });

  it("a header that the settings name holds the credential and no scheme", async () => {
    expect(await statusOf({ "x-company-key": `Bearer ${ROOT_KEY}` })).toBe(401);
  });
});

it("without the setting such a header counts for nothing, be it right or wrong", async () => {
  expect(await statusOverHttp1(showing("x-company-key", ROOT_KEY), plain.url)).toBe(401);
  const both = { ...showing("x-company-key", WRONG), ...showing("x-api-key", ROOT_KEY) };
  expect(await statusOverHttp1(both, plain.url)).toBe(200);
});

describe.each(["api_key", "access_token", "apiKey", "authorization", "x-api-key"])(
  "?%s= in the URL",
  (name) => {
    const query = (credential: string) => `?${name}=${encodeURIComponent(credential)}`;
    const get = (credential: string) => `${PATH}${query(credential)}&encoding=json&message=%7B%7D`;

    it("lets nobody in", async () => {
      expect(await statusOverHttp1({}, service.url, PATH + query(ROOT_KEY))).toBe(401);
      const answer = await callHttp1(service.url, { method: "GET", path: get(ROOT_KEY) });
      expect(answer.status).toBe(401);
      expect(service.logged()).not.toContain(ROOT_KEY);
    });

    it("keeps nobody out", async () => {
      const headers = showing("authorization", ROOT_KEY);
      expect(await statusOverHttp1(headers, service.url, PATH + query(WRONG))).toBe(200);
      const answer = await callHttp1(service.url, { method: "GET", path: get(WRONG), headers });
      expect(answer.status).toBe(200);
    });
  },
);

describe("a refusal does not wait for the body", () => {
  const TWO = { ...showing("authorization", ROOT_KEY), ...showing("x-team-key", OTHER_ROOT) };
  const REFUSED: readonly (readonly [string, Headers])[] = [
    ["none", {}],
    ["a wrong one", showing("x-api-key", WRONG)],
    ["two that differ", TWO],
  ];

  it.each(REFUSED)("of a call with %s, over HTTP/1.1", async (_, credential) => {
    for (const encoding of ["identity", "gzip"]) {
      const headers = { host: "a", ...JSON_TYPE, "content-encoding": encoding, ...credential };
      const lines = Object.entries({ ...headers, "content-length": "60000" });
      const connection = await openHttp1(service.url);
      // Nothing of the body is ever sent.
      const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
      connection.send(`POST ${PATH} HTTP/1.1\r\n${head}\r\n`);
      expect(await connection.answer()).toMatchObject({ status: 401 });
      connection.close();
    }
  });

  it.each(REFUSED)("of a call with %s, over gRPC", async (_, credential) => {
    const headers = grpcHeaders(PATH, { "grpc-encoding": "gzip", ...credential });
    const stream = http2.session.request(headers, { endStream: false });
    const answer = await answerTo(stream);
    expect({ ...answer.headers, ...answer.trailers }).toMatchObject({ "grpc-status": "16" });
    stream.close();
  });

  it("nor does that of a key that lacks the scope of the call", async () => {
    const create = { path: "/fleetkey.v1.KeyService/Create", body: '{"type":"KEY_TYPE_PUBLISHABLE"}' };
    const asRoot = showing("x-api-key", ROOT_KEY);
    const user = '{"type":"KEY_TYPE_USER","userId":"user-1","scopes":["fleetkey:verify"]}';
    const made = await callHttp1(service.url, {
      ...create,
      headers: { ...JSON_TYPE, ...asRoot },
      body: user,
    });
    const connection = await openHttp1(service.url);
    const head = ["host: a", "content-type: application/json", "content-length: 60000"];
    const lines = [...head, `x-api-key: ${JSON.parse(made.body).apiKey}`];
    connection.send(`POST ${PATH} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    expect(await connection.answer()).toMatchObject({ status: 403 });
    connection.close();
  });
});
