// What becomes of a body that nobody reads, such as that of a refused call. A little of it is taken and
// thrown away, because a client that is cut off while it still sends often loses the answer with the
// connection; the sender of more is cut off.
import type { Http2ServerRequest } from "node:http2";
import type { HttpRequest, HttpResponse } from "./http.ts";

/** How much is taken after the answer. */
export const UNREAD_BYTES_MAX = 65_536;

/** Call it before the request is handled. */
export function boundUnreadBody(request: HttpRequest, response: HttpResponse): void {
  const stream = streamOf(request);
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

/** Ends what the request comes by: its stream, or in HTTP/1.1 the connection. */
export function cutOff(request: HttpRequest): void {
  const stream = streamOf(request);
  if (stream === undefined) request.socket.destroy();
  else stream.close();
}

function streamOf(request: HttpRequest): Http2ServerRequest["stream"] | undefined {
  return (request as HttpRequest & Partial<Pick<Http2ServerRequest, "stream">>).stream;
}
