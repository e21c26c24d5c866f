// A Verify straight on a stream of node:http2, over gRPC or Connect.
import type { OutgoingHttpHeaders } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { cutOffStream } from "../../listener/unread-body.ts";
import { GRPC_OK } from "../answer-heads.ts";
import type { LaneParts } from "../lane-parts.ts";
import { respond } from "../respond.ts";
import type { Answer } from "./answers.ts";
import { type Arrival, UnaryCall } from "./unary-call.ts";

/** How the listeners of a stream find its call: they are the same functions for all streams. */
const CALL = Symbol("call");
type CalledStream = ServerHttp2Stream & { [CALL]?: Http2Call | undefined };

export class Http2Call extends UnaryCall {
  readonly #stream: CalledStream;
  readonly #rawHeaders: string[];
  #trailers = GRPC_OK;

  constructor(parts: LaneParts, arrival: Arrival, stream: ServerHttp2Stream, rawHeaders: string[]) {
    super(parts, arrival);
    this.#rawHeaders = rawHeaders;
    this.#stream = stream;
    this.#stream[CALL] = this;
    this.#stream.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onError);
  }

  get trailers(): OutgoingHttpHeaders {
    return this.#trailers;
  }

  protected override cutOff(): void {
    cutOffStream(this.#stream);
  }

  protected override handOver(body: Buffer): void {
    const stream = this.#stream;
    stream.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onError);
    stream.pause();
    stream.unshift(body);
    // Who reads it does not know that it was read before, and would wait for it to flow.
    stream.on("newListener", resumeWhenRead);
    // There are flags only of what is at its end.
    this.parts.stock.toStream(stream, this.arrival.headers, 0, this.#rawHeaders);
  }

  protected override write(answer: Answer): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    const { heads } = this.parts;
    const { protocol, compression } = this.arrival.head;
    if (protocol === "grpc") {
      this.#trailers = answer.trailers;
      stream.on("wantTrailers", onWantTrailers);
      respond(stream, heads.grpc(compression), true);
    } else {
      const { status, contentType, length, more } = answer;
      respond(stream, [...heads.http2(status), ...heads.connect(contentType, length, more)], false);
    }
    stream.end(answer.bytes, answer.encoding);
  }
}

function onData(this: CalledStream, chunk: Buffer): void {
  this[CALL]?.read(chunk);
}

// A stream that the client has reset ends, too.
function onEnd(this: CalledStream): void {
  if (!this.aborted) this[CALL]?.finish();
}

// Node's own handle keeps a stream, and with it all that the stream holds, until the whole heap is collected.
function onClose(this: CalledStream): void {
  this[CALL]?.close();
  this[CALL] = undefined;
}

function onWantTrailers(this: CalledStream): void {
  this.sendTrailers(this[CALL]?.trailers ?? GRPC_OK);
}

// A reset by the client. It closes the stream, too.
function onError(): void {}

function resumeWhenRead(this: ServerHttp2Stream, name: string | symbol): void {
  if (name !== "data") return;
  this.off("newListener", resumeWhenRead);
  this.resume();
}
