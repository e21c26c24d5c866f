// gRPC by hand over HTTP/2, for what no gRPC client sends: framing, compression and bodies of the test's own
// choice.

import type { OutgoingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";

const COMPRESSED = 1;

/** One message as gRPC frames it: a flag, the length in four bytes, the bytes. */
export function envelope(message: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The same, compressed by gzip; the call needs `grpc-encoding: gzip`. */
export function gzippedEnvelope(message: Uint8Array): Buffer {
  return envelope(gzipSync(message), COMPRESSED);
}

/** Headers of a call, with more of the test's own. */
export function grpcHeaders(path: string, more: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
  return { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...more };
}
