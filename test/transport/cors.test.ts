// Web pages: those of a listed origin may call and read answers and errors, over both protocols; to all
// others the port answers as if there were no list, and browsers keep the answer from them.
import type { IncomingHttpHeaders } from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT_KEY, type RunningService, runService } from "../running-service.ts";
import { callHttp1, type Http1Request } from "./wire/http1.ts";
import { type Http2Connection, openHttp2 } from "./wire/http2.ts";

const PATH = "/fleetkey.v1.KeyService/Verify";
const LISTED = ["https://console.example.com", "http://localhost:3000"];
const [ORIGIN = ""] = LISTED;
const JSON_TYPE = { "content-type": "application/json" };
const CREDENTIAL = { authorization: `Bearer ${ROOT_KEY}` };

const STRANGERS = [
  "null",
  "https://console.example.com:8443",
  "http://console.example.com",
  "https://Console.example.com",
  "HTTPS://console.example.com",
  "https://console.example.com/",
  "https://console.example.com.evil.example",
  "https://evil.console.example.com",
  "https://console.example.com, https://console.example.com",
  "http://localhost",
  "*",
  "",
];

let service: RunningService;
let http2: Http2Connection;
beforeAll(async () => {
  service = await runService({ FLEETKEY_CORS_ORIGINS: LISTED.join(",") });
  http2 = openHttp2(service.url);
});
afterAll(async () => {
  http2.close();
  await service.stop();
});

async function callBoth({ method = "POST", path, headers = {}, body }: Http1Request) {
  const first = await callHttp1(service.url, { method, path, headers, body });
  const second = await http2.request({ ":method": method, ":path": path, ...headers }, body);
  return [first, second] as const;
}

const corsHeaders = (headers: IncomingHttpHeaders | Readonly<Record<string, string>>) =>
  Object.keys(headers).filter((name) => name.startsWith("access-control-"));

const preflight = (origin: string, more: Readonly<Record<string, string>> = {}): Http1Request => ({
  method: "OPTIONS",
  path: PATH,
  headers: { origin, "access-control-request-method": "POST", ...more },
});

describe("a preflight", () => {
  it.each(LISTED)("of %s is answered with what may be sent", async (origin) => {
    const asked = { "access-control-request-headers": "authorization,content-type" };
    for (const { status, headers, body } of await callBoth(preflight(origin, asked))) {
      expect([status, body]).toEqual([204, ""]);
      expect(headers["access-control-allow-origin"]).toBe(origin);
      expect(headers["access-control-allow-methods"]).toBe("POST, GET");
      expect(Number(headers["access-control-max-age"])).toBeGreaterThan(0);
      expect(headers["vary"]).toBe("Origin");
      expect(headers["access-control-allow-credentials"]).toBeUndefined();
      const allowed = String(headers["access-control-allow-headers"]).toLowerCase().split(", ");
      expect(allowed).toEqual(
        expect.arrayContaining([
          ...["authorization", "x-api-key", "content-type", "connect-protocol-version"],
          ...["connect-timeout-ms", "x-grpc-web", "x-user-agent", "grpc-timeout"],
        ]),
      );
    }
  });

  it.each(STRANGERS)('of "%s" is no preflight', async (origin) => {
    for (const { status, headers } of await callBoth(preflight(origin))) {
      expect(status).toBe(405);
      expect(corsHeaders(headers)).toEqual([]);
    }
  });

  it("needs to ask for a method", async () => {
    for (const { status } of await callBoth({ method: "OPTIONS", path: PATH, headers: { origin: ORIGIN } })) {
      expect(status).toBe(405);
    }
  });
});

const call = (headers: Readonly<Record<string, string>>): Http1Request => ({
  path: PATH,
  headers: { ...JSON_TYPE, ...headers },
  body: '{"apiKey":"x"}',
});

describe("a call", () => {
  it.each(LISTED)("of a page of %s can be read", async (origin) => {
    for (const { status, headers } of await callBoth(call({ ...CREDENTIAL, origin }))) {
      expect(status).toBe(200);
      expect(headers["access-control-allow-origin"]).toBe(origin);
      expect(headers["vary"]).toBe("Origin");
      expect(headers["cache-control"]).toBe("no-store");
    }
  });

  it("that is refused can be read, too, with its details", async () => {
    for (const { status, headers } of await callBoth(call({ origin: ORIGIN }))) {
      expect(status).toBe(401);
      expect(headers["access-control-allow-origin"]).toBe(ORIGIN);
      const exposed = String(headers["access-control-expose-headers"]).toLowerCase().split(", ");
      expect(exposed).toEqual(
        expect.arrayContaining([
          ...["grpc-status", "grpc-message", "grpc-status-details-bin"],
          ...["retry-after", "www-authenticate"],
        ]),
      );
    }
  });

  it("of gRPC-Web can be read", async () => {
    const web = { "content-type": "application/grpc-web+proto", origin: ORIGIN, ...CREDENTIAL };
    for (const { status, headers } of await callBoth({ path: PATH, headers: web, body: "\0\0\0\0\0" })) {
      expect(status).toBe(200);
      expect(headers["access-control-allow-origin"]).toBe(ORIGIN);
    }
  });

  it.each([...STRANGERS])('of a page of "%s" is answered as before', async (origin) => {
    for (const { status, headers, body } of await callBoth(call({ ...CREDENTIAL, origin }))) {
      expect([status, JSON.parse(body)]).toEqual([200, expect.objectContaining({ valid: false })]);
      expect(corsHeaders(headers)).toEqual([]);
    }
  });

  it("without an origin is answered as before", async () => {
    for (const { status, headers } of await callBoth(call(CREDENTIAL))) {
      expect(status).toBe(200);
      expect(corsHeaders(headers)).toEqual([]);
    }
  });
});

it("without a list there is nothing of it", async () => {
  const plain = await runService();
  const { status, headers } = await callHttp1(plain.url, preflight(ORIGIN));
  expect([status, corsHeaders(headers), headers["vary"]]).toEqual([405, [], undefined]);
  await plain.stop();
});
