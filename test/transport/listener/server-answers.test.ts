// What the port answers whatever is asked: health, paths that are not there, and that no cache may keep an
// answer.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT_KEY, type RunningService, runService } from "../../running-service.ts";
import { envelope, grpcHeaders } from "../wire/grpc.ts";
import { callHttp1, type Http1Request } from "../wire/http1.ts";
import { type Http2Connection, openHttp2 } from "../wire/http2.ts";

const SERVICE = "/fleetkey.v1.KeyService";
const CREDENTIAL = { authorization: `Bearer ${ROOT_KEY}` };
const JSON_TYPE = { "content-type": "application/json" };

let service: RunningService;
let http2: Http2Connection;
beforeAll(async () => {
  service = await runService();
  http2 = openHttp2(service.url);
});
afterAll(async () => {
  http2.close();
  await service.stop();
});

/** The same request over both protocols. */
async function callBoth({ method = "POST", path, headers = {}, body }: Http1Request) {
  const first = await callHttp1(service.url, { method, path, headers, body });
  const second = await http2.request({ ":method": method, ":path": path, ...headers }, body);
  return [first, second] as const;
}

describe("/healthz", () => {
  it.each(["GET", "HEAD"])("answers %s without a credential", async (method) => {
    for (const answer of await callBoth({ method, path: "/healthz?verbose" })) {
      expect(answer.status).toBe(200);
      expect(answer.headers["content-type"]).toBe("application/json");
      expect(answer.body).toBe(method === "GET" ? '{"status":"alive"}' : "");
    }
  });

  it.each(["POST", "PUT", "DELETE"])("refuses %s with what is allowed", async (method) => {
    for (const answer of await callBoth({ method, path: "/healthz" })) {
      expect(answer.status).toBe(405);
      expect(answer.headers["allow"]).toBe("GET, HEAD");
    }
  });
});

describe("a path that is not there", () => {
  it.each([
    { method: "GET", path: "/" },
    { method: "POST", path: "/" },
    { method: "GET", path: "/healthz/" },
    { method: "POST", path: "/fleetkey.v1.KeyService" },
    { method: "POST", path: "/fleetkey.v1.KeyService/" },
    { method: "POST", path: "/fleetkey.v1.KeyService/Delete" },
    { method: "POST", path: "/fleetkey.v1.KeyService/create" },
    { method: "POST", path: "//fleetkey.v1.KeyService/Create" },
    { method: "POST", path: "/fleetkey.v1.KeyService/Create/" },
    { method: "POST", path: "/fleetkey.v1.KeyService%2FCreate" },
  ])("is 404 with an error that clients understand: $method $path", async ({ method, path }) => {
    const headers = { ...CREDENTIAL, ...JSON_TYPE };
    for (const answer of await callBoth({
      method,
      path,
      headers,
      body: method === "POST" ? "{}" : undefined,
    })) {
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.body)).toMatchObject({ code: "unimplemented" });
    }
  });
});

describe("no cache may keep", () => {
  const listing = { path: `${SERVICE}/List`, headers: { ...CREDENTIAL, ...JSON_TYPE }, body: "{}" };
  it.each<{ what: string; status: number } & Http1Request>([
    { what: "an answer", status: 200, ...listing },
    {
      what: "an answer to GET",
      status: 200,
      ...listing,
      method: "GET",
      path: getPath("List", {}),
      body: undefined,
    },
    { what: "an error", status: 400, ...listing, body: '{"pageToken":"x"}' },
    { what: "a refused credential", status: 401, ...listing, headers: JSON_TYPE },
    { what: "a method that is not allowed", status: 405, ...listing, method: "PUT" },
    {
      what: "a type that is not supported",
      status: 415,
      ...listing,
      headers: { "content-type": "text/plain" },
    },
    { what: "a path that is not there", status: 404, ...listing, path: "/" },
    { what: "health", status: 200, method: "GET", path: "/healthz" },
  ])("$what", async ({ status, ...request }) => {
    for (const answer of await callBoth(request)) {
      expect(answer.status).toBe(status);
      expect(answer.headers["cache-control"]).toBe("no-store");
    }
  });

  it("a gRPC answer, be it one or an error", async () => {
    for (const headers of [CREDENTIAL, {}]) {
      const answer = await http2.request(grpcHeaders(`${SERVICE}/List`, headers), envelope(Buffer.alloc(0)));
      expect(answer.headers["cache-control"]).toBe("no-store");
    }
  });
});

function getPath(rpc: string, message: object): string {
  return `${SERVICE}/${rpc}?encoding=json&message=${encodeURIComponent(JSON.stringify(message))}`;
}
