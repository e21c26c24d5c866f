// A peer: the gRPC library of node with one method. Its messages are passed through as bytes, which is faster
// than any schema; so this is what the library itself costs.
import { createHmac, timingSafeEqual } from "node:crypto";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";

const { BENCH_PEPPER = "", BENCH_MAC = "", BENCH_ANSWER = "" } = process.env;
const PEPPER = Buffer.from(BENCH_PEPPER, "base64");
const MAC = Buffer.from(BENCH_MAC, "base64url");
const ANSWER = Buffer.from(BENCH_ANSWER, "base64");

function verify({ request }: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>): void {
  // Field 1, a length in one byte, the api_key.
  const apiKey = request.subarray(2, 2 + (request[1] ?? 0));
  const isKnown = timingSafeEqual(createHmac("sha256", PEPPER).update(apiKey).digest(), MAC);
  if (isKnown) answer(null, ANSWER);
  else answer({ code: status.UNAUTHENTICATED });
}

const pass = (bytes: Buffer) => bytes;
const method = {
  path: "/fleetkey.v1.KeyService/Verify",
  requestStream: false,
  responseStream: false,
  requestSerialize: pass,
  requestDeserialize: pass,
  responseSerialize: pass,
  responseDeserialize: pass,
} as const;

const server = new Server();
server.addService({ Verify: method }, { Verify: verify });
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`listening on http://127.0.0.1:${port}\n`);
});
