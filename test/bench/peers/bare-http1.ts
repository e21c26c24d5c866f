// A peer: node:http and nothing else. It parses the JSON, makes one HMAC-SHA-256, compares it in constant
// time, and answers with a text that is there already.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const { BENCH_PEPPER = "", BENCH_MAC = "", BENCH_ANSWER_JSON = "" } = process.env;
const PEPPER = Buffer.from(BENCH_PEPPER, "base64");
const MAC = Buffer.from(BENCH_MAC, "base64url");
const ANSWER = Buffer.from(BENCH_ANSWER_JSON);
const HEADERS = { "content-type": "application/json", "content-length": ANSWER.length };
const DENIED = '{"valid":false}';

function isKnown(body: Buffer | undefined): boolean {
  const { apiKey }: { apiKey: string } = JSON.parse(body?.toString() ?? "{}");
  return timingSafeEqual(createHmac("sha256", PEPPER).update(apiKey).digest(), MAC);
}

const server = createServer((request, response) => {
  let body: Buffer | undefined;
  request.on("data", (chunk: Buffer) => {
    body = body === undefined ? chunk : Buffer.concat([body, chunk]);
  });
  request.on("end", () => {
    if (isKnown(body)) response.writeHead(200, HEADERS).end(ANSWER);
    else response.writeHead(200, { "content-type": "application/json" }).end(DENIED);
  });
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
