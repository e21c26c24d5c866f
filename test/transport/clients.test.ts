// Every case through the clients that live in a program, over clear text: whatever the transport, the same
// answers.
import {
  connectWebBinary,
  connectWebGet,
  connectWebGrpcWeb,
  connectWebJson,
} from "./clients/connect-transports.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { http2Json } from "./clients/http2-json.ts";
import { describeEveryCase } from "./every-case.ts";

describeEveryCase([
  { title: "grpc-js, gRPC over h2c", open: grpcJs },
  { title: "connect-web, Connect JSON", open: connectWebJson },
  { title: "connect-web, Connect binary", open: connectWebBinary },
  { title: "connect-web, Connect binary, GET where it may", open: connectWebGet },
  { title: "connect-web, gRPC-Web", open: connectWebGrpcWeb },
  { title: "node:http2, Connect JSON over h2c", open: http2Json },
]);
