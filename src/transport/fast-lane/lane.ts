// The fast lane: Verify answered straight on node:http and node:http2, since Connect's adapter takes several
// times as long for a call as all that Verify does. Only plain calls of callers who are known at once; any
// other takes the stock road, as if there were no lane.
import type { IncomingHttpHeaders } from "node:http";
import type { IncomingHttpHeaders as Http2Headers, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { FastLane, HttpRequest, HttpResponse, MakeFastLane } from "../http.ts";
import { Peer } from "./admission.ts";
import { AnswerHeads } from "./answer-heads.ts";
import {
  type CallHead,
  grpcHead,
  isAuthority,
  isGrpc,
  plainHead,
  VERIFY,
  VERIFY_STREAM,
} from "./call-head.ts";
import type { LaneParts } from "./lane-parts.ts";
import { OpenCalls } from "./open-calls.ts";
import { StreamCall } from "./stream/stream-call.ts";
import { Http1Call } from "./unary/http1-call.ts";
import { Http2Call } from "./unary/http2-call.ts";
import type { Arrival } from "./unary/unary-call.ts";

const VERIFY_PATH = `/${VERIFY}`;
const VERIFY_STREAM_PATH = `/${VERIFY_STREAM}`;
/** Of HTTP/2's frames: nothing follows the headers. */
const END_STREAM = 1;

export interface FastLaneOptions extends Omit<LaneParts, "stock" | "heads" | "open"> {
  /** Whether pages of other origins are answered otherwise. */
  readonly hasOrigins: boolean;
}

/** For one listener. */
export function fastLane(options: FastLaneOptions): MakeFastLane {
  const { bodyTimeoutMs, idleTimeoutMs } = options.limits;
  return (stock) =>
    new Lane({
      ...options,
      stock,
      heads: new AnswerHeads(options.hasOrigins),
      open: new OpenCalls(Math.min(bodyTimeoutMs, idleTimeoutMs)),
    });
}

class Lane implements FastLane {
  readonly #parts: LaneParts;
  /** By session or socket. */
  readonly #peers = new WeakMap<object, Peer>();

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  openSession(session: ServerHttp2Session, socket: Socket): void {
    this.#peers.set(session, new Peer(socket));
  }

  takeStream(stream: ServerHttp2Stream, headers: Http2Headers, flags: number, rawHeaders: string[]): boolean {
    const path = headers[":path"];
    const isStream = path === VERIFY_STREAM_PATH;
    if (!(isStream || path === VERIFY_PATH) || headers[":method"] !== "POST") return false;
    if ((flags & END_STREAM) !== 0 || !isAuthority(headers[":authority"])) return false;
    const peer = stream.session && this.#peers.get(stream.session);
    const head = isStream ? this.#streamHead(headers) : this.#head(headers);
    const arrival = head && peer && this.#admit(head, headers, rawHeaders, peer);
    if (arrival === undefined) return false;
    if (isStream) new StreamCall(this.#parts, arrival, stream);
    else new Http2Call(this.#parts, arrival, stream, rawHeaders);
    return true;
  }

  takeRequest(request: HttpRequest, response: HttpResponse): boolean {
    if (request.url !== VERIFY_PATH || request.method !== "POST" || request.httpVersion !== "1.1")
      return false;
    const { headers, rawHeaders, socket } = request;
    if (!isAuthority(headers.host)) return false;
    const head = this.#head(headers);
    if (head === undefined || head.protocol === "grpc") return false;
    const arrival = this.#admit(head, headers, rawHeaders, this.#peerOf(socket));
    if (arrival === undefined) return false;
    new Http1Call(this.#parts, arrival, request, response);
    return true;
  }

  #head(headers: IncomingHttpHeaders): CallHead | undefined {
    return plainHead(headers, this.#parts.limits.bodyBytesMax);
  }

  #streamHead(headers: IncomingHttpHeaders): CallHead | undefined {
    // Who names a time for it has it kept by the stock road.
    return isGrpc(headers) && headers["grpc-timeout"] === undefined ? grpcHead(headers) : undefined;
  }

  #admit(
    head: CallHead,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
    peer: Peer,
  ): Arrival | undefined {
    const caller = this.#parts.admission.admit(headers, rawHeaders, peer);
    return caller && { head, headers, peer, caller };
  }

  #peerOf(socket: Socket): Peer {
    const known = this.#peers.get(socket);
    if (known !== undefined) return known;
    const peer = new Peer(socket);
    this.#peers.set(socket, peer);
    return peer;
  }
}
