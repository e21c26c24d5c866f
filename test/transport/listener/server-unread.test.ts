// The body of a call that its headers condemn is not read: the refusal comes while the body is still being
// sent, and the sender of an endless one is not listened to.
import type { ClientHttp2Stream } from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningService, runService } from "../../running-service.ts";
import { grpcHeaders } from "../wire/grpc.ts";
import { openHttp1, requestBytes } from "../wire/http1.ts";
import { answerTo, type Http2Connection, openHttp2 } from "../wire/http2.ts";

const PATH = "/fleetkey.v1.KeyService/Create";
const ENDLESS = 1_000_000_000;
const CHUNK = Buffer.alloc(64 * 1_024, " ");
/**
 * Above the window that a stream begins with (RFC 9113, section 6.9.2): a little may be taken and thrown
 * away.
 */
const TAKEN_BYTES_MAX = 4 * CHUNK.length;
/** In HTTP/1.1 the buffers of both ends take some megabytes before anybody reads. */
const BUFFERED_BYTES_MAX = 100_000_000;

const REFUSED: readonly { what: string; headers: Readonly<Record<string, string>> }[] = [
  { what: "no credential", headers: {} },
  { what: "a wrong credential", headers: { authorization: "Bearer wrong" } },
];

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

/** Sends for as long as the server takes it; gives how many bytes had gone when the stream was ended. */
function sendEndlessly(stream: ClientHttp2Stream): Promise<number> {
  let sent = 0;
  const sendOne = () => {
    stream.write(CHUNK, (error) => {
      if (error) return;
      sent += CHUNK.length;
      sendOne();
    });
  };
  sendOne();
  return new Promise((resolve) => stream.once("close", () => resolve(sent)));
}

describe.each(REFUSED)("with $what", ({ headers }) => {
  it.each([
    { what: "with a length", name: "content-length", value: String(ENDLESS) },
    { what: "in chunks", name: "transfer-encoding", value: "chunked" },
  ])("the 401 of HTTP/1.1 does not wait for a body $what", async ({ name, value }) => {
    const connection = await openHttp1(service.url);
    const all = { ...headers, [name]: value, "content-type": "application/json" };
    connection.send(requestBytes({ path: PATH, headers: all }).head);
    expect(await connection.answer()).toMatchObject({ status: 401 });
    connection.close();
  });

  it("the sender of an endless body is cut off in HTTP/1.1", async () => {
    const connection = await openHttp1(service.url);
    const all = { ...headers, "content-length": String(ENDLESS), "content-type": "application/json" };
    connection.send(requestBytes({ path: PATH, headers: all }).head);
    let sent = 0;
    const sendOne = (error?: Error | null) => {
      if (error) return;
      sent += CHUNK.length;
      if (sent < BUFFERED_BYTES_MAX) connection.socket.write(CHUNK, sendOne);
      else connection.close();
    };
    const answer = connection.answer();
    sendOne();
    expect(await answer).toMatchObject({ status: 401 });
    await connection.closed;
    expect(sent).toBeLessThan(BUFFERED_BYTES_MAX);
  });

  it("the 401 of HTTP/2 does not wait for the body, and an endless one is cut off", async () => {
    const stream = http2.session.request({
      ...{ ":method": "POST", ":path": PATH, "content-type": "application/json" },
      ...{ "content-length": ENDLESS, ...headers },
    });
    const sent = sendEndlessly(stream);
    expect(await answerTo(stream)).toMatchObject({ status: 401 });
    expect(await sent).toBeLessThanOrEqual(TAKEN_BYTES_MAX);
  });

  it("the refusal of gRPC does not wait for the body, and an endless one is cut off", async () => {
    const stream = http2.session.request(grpcHeaders(PATH, headers));
    const sent = sendEndlessly(stream);
    const { status, trailers } = await answerTo(stream);
    expect(status).toBe(200);
    expect(trailers["grpc-status"]).toBe("16");
    expect(await sent).toBeLessThanOrEqual(TAKEN_BYTES_MAX);
  });
});
