// A client that sends its headers without end is cut, over clear text and over TLS. The deadline is node's;
// what is shown here is that its timer runs in servers that are handed their connections.
import type { Server as Http1Server, ServerOptions } from "node:http";
import type { Http2SecureServer } from "node:http2";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { runService } from "../running-service.ts";
import { openHttp1 } from "./wire/http1.ts";
import { selfSigned } from "./wire/self-signed.ts";

const { SHORT } = vi.hoisted(() => ({
  SHORT: { headersTimeout: 60, requestTimeout: 60, connectionsCheckingInterval: 20 },
}));
const found = vi.hoisted(() => ({ timeouts: [] as { headersTimeout: number; requestTimeout: number }[] }));

// Servers come up with node's own deadlines, which are noted, and then get short ones.
function shortened<Server extends Http1Server | Http2SecureServer>(server: Server): Server {
  const { headersTimeout, requestTimeout } = server as Http1Server;
  found.timeouts.push({ headersTimeout, requestTimeout });
  return Object.assign(server, SHORT);
}

vi.mock("node:http", async (importOriginal) => {
  const http = await importOriginal<typeof import("node:http")>();
  return {
    ...http,
    createServer: (options: ServerOptions, handler: never) => shortened(http.createServer(options, handler)),
  };
});

vi.mock("node:http2", async (importOriginal) => {
  const http2 = await importOriginal<typeof import("node:http2")>();
  return {
    ...http2,
    createSecureServer: (options: object, handler: never) =>
      shortened(http2.createSecureServer(options, handler)),
  };
});

const certificate = selfSigned();
afterAll(() => certificate.remove());
afterEach(() => {
  found.timeouts.length = 0;
});

describe.each([
  { over: "clear text", settings: {}, ca: undefined },
  { over: "TLS", settings: certificate.settings, ca: certificate.pem },
])("over $over", ({ settings, ca }) => {
  it.each([
    { what: "headers that do not end", bytes: "POST /healthz HTTP/1.1\r\nhost: a\r\nx-slow: " },
    {
      what: "a body that does not come",
      bytes: "POST /healthz HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n",
    },
  ])("the connection is cut after $what", async ({ bytes }) => {
    const service = await runService(settings);
    const connection = await openHttp1(service.url, ca);
    connection.send(bytes);
    await connection.closed;
    await service.stop();
  });

  it("the deadlines are at most a minute for headers and five for a request", async () => {
    const service = await runService(settings);
    expect(found.timeouts).toHaveLength(1);
    const [{ headersTimeout = 0, requestTimeout = 0 } = {}] = found.timeouts;
    expect(headersTimeout).toBeGreaterThan(0);
    expect(headersTimeout).toBeLessThanOrEqual(60_000);
    expect(requestTimeout).toBeGreaterThan(0);
    expect(requestTimeout).toBeLessThanOrEqual(300_000);
    await service.stop();
  });
});
