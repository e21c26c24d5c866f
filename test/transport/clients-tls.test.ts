// Every case through gRPC over TLS: HTTP/2 by ALPN, a certificate that the client trusts.
import { afterAll } from "vitest";
import { connectNodeGrpc } from "./clients/connect-transports.ts";
import { describeEveryCase } from "./every-case.ts";
import { selfSigned } from "./wire/self-signed.ts";

const certificate = selfSigned();
afterAll(() => certificate.remove());

describeEveryCase(
  [{ title: "connect-node, gRPC over TLS", open: (url) => connectNodeGrpc(url, certificate.pem) }],
  certificate.settings,
);
