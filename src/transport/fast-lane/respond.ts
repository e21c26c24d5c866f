// Headers of an answer over HTTP/2 in the form that costs node least: a list that holds the date, which node
// then only reads.
import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { RawHeaders } from "./answer-heads.ts";

const WITH_TRAILERS = { waitForTrailers: true };

export function respond(stream: ServerHttp2Stream, headers: RawHeaders, hasTrailers: boolean): void {
  stream.respond(headers as unknown as OutgoingHttpHeaders, hasTrailers ? WITH_TRAILERS : undefined);
}
