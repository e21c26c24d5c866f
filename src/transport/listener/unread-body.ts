// What becomes of a body that nobody reads, such as that of a refused call. A little of it is taken and
// thrown away, because a client that is cut off while it still sends often loses the answer with the
// connection; the sender of more is cut off.
import { constants, type Http2ServerRequest, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { HttpRequest, HttpResponse } from "../http.ts";

/** How much is taken after the answer. */
export const UNREAD_BYTES_MAX = 65_536;

/** Of HTTP/1.1. Node takes the socket from a request that somebody stopped reading, while it still sends. */
const SOCKETS = new WeakMap<HttpRequest, Socket>();

/** Call it before the request is handled. */
export function boundUnreadBody(request: HttpRequest, response: HttpResponse): void {
  const stream = streamOf(request);
  if (stream === undefined) SOCKETS.set(request, request.socket);
  // Before node itself decides about the rest: in HTTP/1.1 it would discard without end, in HTTP/2 cut at
  // once.
  (stream ?? response).once("prefinish", () => {
    if (request.complete || request.readableDidRead) return;
    let taken = 0;
    if (stream === undefined) request.read(0);
    request.on("data", (chunk: Buffer) => {
      taken += chunk.length;
      if (taken > UNREAD_BYTES_MAX) cutOff(request);
    });
  });
}

/** Ends what the request comes by: its stream, with the code if it has no answer; else the connection. */
export function cutOff(request: HttpRequest, code?: number): void {
  const stream = streamOf(request);
  if (stream === undefined) {
    SOCKETS.get(request)?.destroy();
    return;
  }
  cutOffStream(stream, code);
}

/** The same for a stream of HTTP/2. */
export function cutOffStream(stream: ServerHttp2Stream, code = constants.NGHTTP2_CANCEL): void {
  // With an answer that is all out the end is no error (RFC 9113, section 8.1). Without one it must be: node
  // keeps back a reset without an error until the rest of the answer is taken.
  const isAnswered = stream.writableEnded && stream.writableLength === 0;
  stream.close(isAnswered ? constants.NGHTTP2_NO_ERROR : code);
  // Closing alone leaves a stream open, for node, that somebody began to read and no longer reads: it waits
  // for the rest to be read, and the session counts as one with an open call.
  stream.destroy();
}

/** What carries a request of HTTP/2; undefined in HTTP/1.1. */
export function streamOf(request: HttpRequest): Http2ServerRequest["stream"] | undefined {
  return (request as HttpRequest & Partial<Pick<Http2ServerRequest, "stream">>).stream;
}
