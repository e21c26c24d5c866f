// A peer: the stock handler of connect-node for Fleetkey's own contract, gRPC and JSON. It makes one
// HMAC-SHA-256 and answers with one message, which it has made before.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { KeyService, VerifyResponseSchema } from "../../../gen/fleetkey/v1/key_service_pb.js";

const { BENCH_PEPPER = "", BENCH_MAC = "", BENCH_ANSWER = "" } = process.env;
const PEPPER = Buffer.from(BENCH_PEPPER, "base64");
const MAC = Buffer.from(BENCH_MAC, "base64url");
const ANSWER = fromBinary(VerifyResponseSchema, Buffer.from(BENCH_ANSWER, "base64"));

const handler = connectNodeAdapter({
  routes: (router) => {
    router.rpc(KeyService.method.verify, ({ apiKey }) => {
      const isKnown = timingSafeEqual(createHmac("sha256", PEPPER).update(apiKey).digest(), MAC);
      if (!isKnown) throw new ConnectError("unknown", Code.Unauthenticated);
      return ANSWER;
    });
  },
});
const server = createServer(handler);
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
