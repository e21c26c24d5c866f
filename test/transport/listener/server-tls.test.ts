// TLS: one port, HTTP/2 or HTTP/1.1 as the client's ALPN says, TLS 1.2 at least, and nothing in clear text.
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT_KEY, type RunningService, runService } from "../../running-service.ts";
import { openHttp1 } from "../wire/http1.ts";
import { openHttp2 } from "../wire/http2.ts";
import { selfSigned } from "../wire/self-signed.ts";

const certificate = selfSigned();
const CREDENTIAL = { authorization: `Bearer ${ROOT_KEY}`, "content-type": "application/json" };
const LIST = "/fleetkey.v1.KeyService/List";

let service: RunningService;
beforeAll(async () => {
  service = await runService(certificate.settings);
});
afterAll(async () => {
  await service.stop();
  certificate.remove();
});

/** The connection after its handshake. */
function shake(options: ConnectionOptions): Promise<TLSSocket> {
  const port = Number(new URL(service.url).port);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca: certificate.pem, ...options });
    socket.once("secureConnect", () => resolve(socket)).once("error", reject);
  });
}

it("the url says https", () => {
  expect(service.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
});

describe("ALPN", () => {
  it.each([
    { offered: ["h2", "http/1.1"], chosen: "h2" },
    { offered: ["http/1.1", "h2"], chosen: "h2" },
    { offered: ["http/1.1"], chosen: "http/1.1" },
    { offered: undefined, chosen: false },
  ])("offering $offered gives $chosen", async ({ offered, chosen }) => {
    const socket = await shake({ ALPNProtocols: offered });
    expect(socket.alpnProtocol).toBe(chosen);
    socket.destroy();
  });

  it("h2 speaks HTTP/2", async () => {
    const connection = openHttp2(service.url, { ca: certificate.pem });
    const headers = { ":method": "POST", ":path": LIST, ...CREDENTIAL };
    expect(await connection.request(headers, "{}")).toMatchObject({ status: 200, body: "{}" });
    connection.close();
  });

  it("http/1.1 speaks HTTP/1.1, also one request after the other", async () => {
    const connection = await openHttp1(service.url, certificate.pem);
    for (const body of ["{}", '{"pageSize":1}']) {
      const answer = await connection.request({ path: LIST, headers: CREDENTIAL, body });
      expect(answer).toMatchObject({ status: 200, body: "{}" });
    }
    connection.close();
  });

  it("none speaks HTTP/1.1", async () => {
    const socket = await shake({ ALPNProtocols: undefined });
    const answer = new Promise((resolve) =>
      socket.once("data", (bytes) => resolve(String(bytes).split("\r\n")[0])),
    );
    socket.write("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
    expect(await answer).toBe("HTTP/1.1 200 OK");
    socket.destroy();
  });
});

describe("the version", () => {
  it.each(["TLSv1.2", "TLSv1.3"] as const)("can be %s", async (version) => {
    const socket = await shake({ minVersion: version, maxVersion: version });
    expect(socket.getProtocol()).toBe(version);
    socket.destroy();
  });

  it.each(["TLSv1", "TLSv1.1"] as const)("can not be %s", async (version) => {
    // Without the lower security level OpenSSL does not even offer these versions.
    const options = { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" };
    await expect(shake(options)).rejects.toThrow(/alert protocol version/);
  });
});

it("clear text gets no answer, and disturbs nobody", async () => {
  const connection = await openHttp1(service.url.replace("https:", "http:"));
  connection.send("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
  await expect(connection.answer()).rejects.toThrow("the connection ended before an answer");
  const secure = await openHttp1(service.url, certificate.pem);
  expect(await secure.request({ method: "GET", path: "/healthz" })).toMatchObject({ status: 200 });
  secure.close();
});
