// A peer: node:http2 and nothing else. It takes the api_key out of a gRPC request by its place, makes one
// HMAC-SHA-256, compares it in constant time, and answers with bytes that are there already. No framework and
// no schema: what no server on node:http2 that frames gRPC can undercut.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

const { BENCH_PEPPER = "", BENCH_MAC = "", BENCH_ANSWER = "" } = process.env;
const PEPPER = Buffer.from(BENCH_PEPPER, "base64");
const MAC = Buffer.from(BENCH_MAC, "base64url");
const MESSAGE = Buffer.from(BENCH_ANSWER, "base64");
const ANSWER = Buffer.alloc(5 + MESSAGE.length);
ANSWER.writeUInt32BE(MESSAGE.length, 1);
MESSAGE.copy(ANSWER, 5);
/** Behind the header of the message: field 1, a length in one byte, the api_key. */
const LENGTH_AT = 6;
const HEADERS = { ":status": 200, "content-type": "application/grpc+proto" };
const REFUSED = { ...HEADERS, "grpc-status": "16" };
const TRAILERS = { "grpc-status": "0" };
const WITH_TRAILERS = { waitForTrailers: true };

function isKnown(body: Buffer): boolean {
  const apiKey = body.subarray(LENGTH_AT + 1, LENGTH_AT + 1 + (body[LENGTH_AT] ?? 0));
  return timingSafeEqual(createHmac("sha256", PEPPER).update(apiKey).digest(), MAC);
}

function sendTrailers(this: ServerHttp2Stream): void {
  this.sendTrailers(TRAILERS);
}

const server = createServer();
server.on("stream", (stream: ServerHttp2Stream) => {
  let body: Buffer | undefined;
  stream.on("data", (chunk: Buffer) => {
    body = body === undefined ? chunk : Buffer.concat([body, chunk]);
  });
  stream.on("end", () => {
    if (body === undefined || !isKnown(body)) {
      stream.respond(REFUSED, { endStream: true });
      return;
    }
    stream.respond(HEADERS, WITH_TRAILERS);
    stream.on("wantTrailers", sendTrailers);
    stream.end(ANSWER);
  });
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
