// The end of a listener, over clear text and TLS: nothing new comes in, what is open is answered and told to
// go, and it is over when the connections are closed, or when their time is.
import { afterAll, describe, expect, it } from "vitest";
import { ROOT_KEY, runService } from "../../running-service.ts";
import { envelope, grpcHeaders } from "../wire/grpc.ts";
import { openHeldBack } from "../wire/held-back.ts";
import { openHttp1 } from "../wire/http1.ts";
import { type Http2Connection, openHttp2 } from "../wire/http2.ts";
import { selfSigned } from "../wire/self-signed.ts";

const SERVICE = "/fleetkey.v1.KeyService";
const CREDENTIAL = { authorization: `Bearer ${ROOT_KEY}`, "content-type": "application/json" };
const HEALTH = { method: "GET", path: "/healthz" };
const BODY = '{"type":"KEY_TYPE_USER","userId":"u"}';
const CREATE = { path: `${SERVICE}/Create`, headers: CREDENTIAL, body: BODY };
const CREATED = expect.stringContaining("fl_user_");
/** A Create takes about a quarter of a second: long enough for a stop to come in between. */
const SLOW = { FLEETKEY_BCRYPT_COST: "12" };

const certificate = selfSigned();
afterAll(() => certificate.remove());

const BOTH = [
  { over: "clear text", tls: {}, ca: undefined },
  { over: "TLS", tls: certificate.settings, ca: certificate.pem },
];
type Over = (typeof BOTH)[number];

async function start({ tls, ca }: Over, settings: Readonly<Record<string, string>> = {}) {
  const { url, stop } = await runService({ ...tls, ...settings });
  const http1 = () => openHttp1(url, ca);
  return {
    url,
    stop,
    http1,
    async http2(): Promise<Http2Connection> {
      const connection = openHttp2(url, ca === undefined ? {} : { ca });
      await connection.request({ ":path": "/healthz" });
      return connection;
    },
    /** Calls that were sent before have come in: one that was sent after them, elsewhere, has its answer. */
    async inFlight(): Promise<void> {
      const other = await http1();
      await other.request(HEALTH);
      other.close();
    },
  };
}

function create(connection: Http2Connection) {
  return connection.request({ ":method": "POST", ":path": CREATE.path, ...CREDENTIAL }, BODY);
}

/** What the first GOAWAY says. */
function goaway({ session }: Http2Connection): Promise<{ code: number; lastStreamId: number }> {
  return new Promise((resolve) => {
    session.once("goaway", (code, lastStreamId) => resolve({ code, lastStreamId }));
  });
}

describe.each(BOTH)("the listener over $over", (over) => {
  it("takes no new connection, and is over at once when none is open", async () => {
    const service = await start(over);
    await service.stop();
    await expect(service.http1()).rejects.toThrow("ECONNREFUSED");
  });

  it("is over when its time is, whoever holds on to a connection", async () => {
    const service = await start(over, { FLEETKEY_DRAIN_TIMEOUT: "1s" });
    const idle = await service.http1();
    await idle.request(HEALTH);
    const halfway = await service.http1();
    halfway.send("POST /healthz HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n");
    const connection = await service.http2();
    const stream = connection.session.request({ ":method": "POST", ":path": CREATE.path, ...CREDENTIAL });
    stream.on("error", () => {});
    const began = performance.now();
    await service.stop();
    expect(performance.now() - began).toBeLessThan(3_000);
    await Promise.all([idle.closed, halfway.closed, connection.closed]);
  });
});

describe.each(BOTH)("an HTTP/1.1 connection over $over", (over) => {
  it("that waits is answered with Connection: close, and closed", async () => {
    const service = await start(over);
    const connection = await service.http1();
    expect((await connection.request(HEALTH)).headers["connection"]).toBe("keep-alive");
    const stopped = service.stop();
    const answer = await connection.request({ path: `${SERVICE}/List`, headers: CREDENTIAL, body: "{}" });
    expect(answer).toMatchObject({ status: 200, headers: { connection: "close" } });
    await connection.closed;
    await stopped;
  });

  it("with a call in flight is answered with Connection: close, and closed", async () => {
    const service = await start(over, SLOW);
    const connection = await service.http1();
    const answer = connection.request(CREATE);
    await service.inFlight();
    const stopped = service.stop();
    await expect(service.http1()).rejects.toThrow("ECONNREFUSED");
    expect(await answer).toMatchObject({ status: 200, headers: { connection: "close" }, body: CREATED });
    await connection.closed;
    await stopped;
  });
});

describe.each(BOTH)("an HTTP/2 session over $over", (over) => {
  it("is told to go, and ends without an error when it has nothing to do", async () => {
    const service = await start(over);
    const connection = await service.http2();
    const told = goaway(connection);
    const stopped = service.stop();
    expect(await told).toMatchObject({ code: 0 });
    await connection.closed;
    await stopped;
  });

  it("with calls in flight is told to go, and they are answered", async () => {
    const service = await start(over, SLOW);
    const connection = await service.http2();
    const told = goaway(connection);
    const answer = create(connection);
    const headers = grpcHeaders(`${SERVICE}/Create`, { authorization: CREDENTIAL.authorization });
    // The binary form of BODY: type (1) is 1, user_id (2) is "u".
    const grpcAnswer = connection.request(headers, envelope(Uint8Array.of(0x08, 1, 0x12, 1, 0x75)));
    await service.inFlight();
    const stopped = service.stop();
    expect(await told).toMatchObject({ code: 0 });
    expect(await answer).toMatchObject({ status: 200, body: CREATED });
    expect(await grpcAnswer).toMatchObject({ body: CREATED, trailers: { "grpc-status": "0" } });
    await connection.closed;
    await stopped;
  });

  // RFC 9113, section 6.8: a client may send a call again elsewhere only when GOAWAY's stream id excludes it.
  it("is held to its GOAWAY: calls that crossed it are answered, or refused as ones not begun", async () => {
    const service = await start(over);
    const line = await openHeldBack(service.url, over.ca);
    const connection = openHttp2(service.url, { createConnection: () => line });
    await connection.request({ ":path": "/healthz" });
    const told = goaway(connection);
    line.hold();
    const stopped = service.stop();
    const answers = Promise.allSettled([create(connection), create(connection)]);
    await line.sent();
    line.release();
    const { lastStreamId } = await told;
    const outcomes = (await answers).map((answer) =>
      answer.status === "fulfilled" ? answer.value.status : answer.reason.message,
    );
    const refused = expect.stringContaining("NGHTTP2_REFUSED_STREAM");
    // The client's second and third stream.
    expect(outcomes).toEqual([3, 5].map((id) => (id <= lastStreamId ? 200 : refused)));
    await connection.closed;
    await stopped;
  });
});
