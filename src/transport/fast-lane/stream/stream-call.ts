// A VerifyStream straight on a stream of node:http2: every chunk that comes is answered by one that goes. It
// reads no faster than its answers are known and taken.
import type { OutgoingHttpHeaders } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Caller } from "../../../access/caller.ts";
import { checkVerify, judgeKey } from "../../../app/verify/verify-key.ts";
import { unavailable } from "../../../domain/errors.ts";
import type { Verdict } from "../../../domain/verdict.ts";
import { asConnectError } from "../../connect/errors.ts";
import { cutOffStream, UNREAD_BYTES_MAX } from "../../listener/unread-body.ts";
import { GRPC_OK, grpcFailure } from "../answer-heads.ts";
import { VERIFY_STREAM } from "../call-head.ts";
import { COMPRESSED, FRAME_BYTES, FrameReader } from "../codec/frames.ts";
import { framedAnswers, readStreamRequest, StreamAnswer } from "../codec/stream-messages.ts";
import { verdictText } from "../codec/write-verdict.ts";
import { failureOf, type LaneParts, tellEnd } from "../lane-parts.ts";
import type { OpenCall } from "../open-calls.ts";
import { respond } from "../respond.ts";
import type { Arrival } from "../unary/unary-call.ts";

/** From so many requests without an answer on nothing more is read. */
export const WAITING_MAX = 1_024;

export class StreamCall implements OpenCall {
  readonly #parts: LaneParts;
  readonly #arrival: Arrival;
  readonly #stream: ServerHttp2Stream;
  readonly #place: number;
  readonly #frames = new FrameReader();
  readonly #startedAt = performance.now();
  /** In the order of the requests; the first one waits for what must be read. */
  #answers: StreamAnswer[] = [];
  #caller: Caller;
  #askedAt = this.#startedAt;
  #isAsking = false;
  /** The client has no more requests. */
  #isEnded = false;
  /** What it waits for, or that it is over: since when. */
  #quietSince = this.#startedAt;
  #isBlocked = false;
  /** How it ends, once that is known, and whether that is written. */
  #trailers: OutgoingHttpHeaders | undefined;
  #isOver = false;
  #unreadBytes = 0;

  constructor(parts: LaneParts, arrival: Arrival, stream: ServerHttp2Stream) {
    this.#parts = parts;
    this.#arrival = arrival;
    this.#caller = arrival.caller;
    this.#stream = stream;
    this.#place = parts.open.add(this);
    parts.admission.rememberUse(arrival.caller);
    stream
      .on("data", (chunk: Buffer) => this.#read(chunk))
      // One that the client has reset ends, too.
      .on("end", () => stream.aborted || this.#end())
      .on("drain", () => this.#unblock())
      .on("wantTrailers", () => stream.sendTrailers(this.#trailers ?? GRPC_OK))
      .on("close", () => this.#close())
      // A reset by the client. It closes the stream, too.
      .on("error", () => {});
  }

  look(now: number): void {
    const quietMs = now - this.#quietSince;
    const { idleTimeoutMs, bodyTimeoutMs } = this.#parts.limits;
    if (this.#isOver) {
      if (quietMs >= bodyTimeoutMs) cutOffStream(this.#stream);
    } else if (this.#isBlocked) {
      if (quietMs >= idleTimeoutMs) cutOffStream(this.#stream);
    } else if (this.#answers.length > 0 || this.#isAsking || this.#trailers !== undefined) {
      // It is the client that waits.
    } else if (this.#parts.stock.isDraining()) {
      this.#fail(unavailable("this node is being stopped", "NODE_STOPPING"));
    } else if (quietMs >= idleTimeoutMs) {
      this.#fail(new ConnectError("the stream was idle for too long", Code.DeadlineExceeded));
    }
  }

  #read(chunk: Buffer): void {
    if (this.#isOver) {
      this.#unreadBytes += chunk.length;
      if (this.#unreadBytes > UNREAD_BYTES_MAX) cutOffStream(this.#stream);
      return;
    }
    const now = performance.now();
    this.#quietSince = now;
    if (now - this.#askedAt >= this.#parts.limits.leaseMs) this.#ask(chunk);
    else this.#work(chunk);
  }

  // What let the caller in can have ended. The chunk waits for the answer.
  #ask(chunk: Buffer): void {
    const { headers, peer } = this.#arrival;
    const askedAt = performance.now();
    this.#isAsking = true;
    this.#regulate();
    this.#parts.admission.admitAgain(headers, peer).then(
      (caller) => {
        this.#isAsking = false;
        this.#caller = caller;
        this.#askedAt = askedAt;
        this.#work(chunk);
      },
      (refusal) => {
        this.#isAsking = false;
        this.#fail(refusal);
      },
    );
  }

  #work(chunk: Buffer): void {
    try {
      this.#judgeAll(chunk);
    } catch (thrown) {
      this.#fail(thrown);
    }
    if (this.#isEnded) this.#end();
    this.#flush();
  }

  // All whole messages; of the last one there can be a part.
  #judgeAll(chunk: Buffer): void {
    const bytes = this.#frames.join(chunk);
    if (bytes === undefined) return;
    const { bodyBytesMax } = this.#parts.limits;
    let at = 0;
    let need = FRAME_BYTES;
    while (at + FRAME_BYTES <= bytes.length) {
      const length = bytes.readUInt32BE(at + 1);
      if (length > bodyBytesMax) {
        const told = `message size ${length} is larger than configured readMaxBytes ${bodyBytesMax}`;
        throw new ConnectError(told, Code.ResourceExhausted);
      }
      const end = at + FRAME_BYTES + length;
      if (end > bytes.length) {
        need = FRAME_BYTES + length;
        break;
      }
      if (((bytes[at] ?? 0) & COMPRESSED) !== 0) {
        const told = "received compressed envelope, but do not know how to decompress";
        throw new ConnectError(told, Code.Internal);
      }
      this.#judge(bytes, at + FRAME_BYTES, end);
      at = end;
      need = FRAME_BYTES;
    }
    this.#frames.keep(bytes.subarray(at), need);
  }

  #judge(bytes: Buffer, start: number, end: number): void {
    const { id, input } = readStreamRequest(bytes, start, end);
    const answer = new StreamAnswer(id);
    this.#answers.push(answer);
    try {
      const verdict = judgeKey(this.#parts.ports, this.#caller, checkVerify(input));
      if (verdict instanceof Promise) this.#await(verdict, answer);
      else answer.verify(verdictText(verdict, this.#parts.ports.clock()).binary);
    } catch (thrown) {
      this.#failOne(answer, thrown);
    }
  }

  #await(verdict: Promise<Verdict>, answer: StreamAnswer): void {
    verdict
      .then((judged) => answer.verify(verdictText(judged, this.#parts.ports.clock()).binary))
      .catch((thrown) => this.#failOne(answer, thrown))
      .then(() => this.#flush())
      .catch(() => cutOffStream(this.#stream));
  }

  #failOne(answer: StreamAnswer, thrown: unknown): void {
    answer.fail(asConnectError(thrown, (bug) => this.#parts.log.error({ err: bug }, "bug")));
  }

  // Sends all that are known and have none before them that is not, and ends what is at its end.
  #flush(): void {
    if (this.#isOver || this.#stream.destroyed || this.#stream.closed) return;
    const unknown = this.#answers.findIndex((answer) => !answer.isKnown);
    const known = unknown < 0 ? this.#answers : this.#answers.splice(0, unknown);
    if (unknown < 0) this.#answers = [];
    if (known.length > 0) {
      this.#begin();
      this.#quietSince = performance.now();
      if (!this.#stream.write(framedAnswers(known))) this.#isBlocked = true;
    }
    if (this.#trailers !== undefined && this.#answers.length === 0) this.#finish();
    this.#regulate();
  }

  #begin(): void {
    if (!this.#stream.headersSent) {
      respond(this.#stream, this.#parts.heads.grpc(this.#arrival.head.compression), true);
    }
  }

  #finish(): void {
    this.#begin();
    this.#isOver = true;
    this.#quietSince = performance.now();
    this.#stream.end();
  }

  // Reads on, or not, as far as there is something to do.
  #regulate(): void {
    const isBusy = this.#isBlocked || this.#isAsking || this.#answers.length >= WAITING_MAX;
    const isToRead = this.#isOver || (!isBusy && this.#trailers === undefined);
    if (isToRead === this.#stream.isPaused()) {
      if (isToRead) this.#stream.resume();
      else this.#stream.pause();
    }
  }

  #unblock(): void {
    this.#isBlocked = false;
    this.#quietSince = performance.now();
    this.#regulate();
  }

  // The last chunk can still wait for who calls.
  #end(): void {
    this.#isEnded = true;
    if (this.#isAsking || this.#trailers !== undefined) return;
    if (this.#frames.isInside) {
      this.#fail(new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument));
      return;
    }
    this.#trailers = GRPC_OK;
    tellEnd(this.#parts.log, this.#line);
    this.#flush();
  }

  #fail(thrown: unknown): void {
    if (this.#trailers !== undefined || this.#isOver) return;
    this.#trailers = grpcFailure(failureOf(this.#parts.log, this.#line, thrown));
    this.#flush();
  }

  #close(): void {
    this.#parts.open.delete(this.#place);
    if (this.#trailers === undefined) tellEnd(this.#parts.log, this.#line, "Canceled");
    this.#isOver = true;
  }

  get #line() {
    return { rpc: VERIFY_STREAM, callerId: this.#arrival.caller.id, startedAt: this.#startedAt };
  }
}
