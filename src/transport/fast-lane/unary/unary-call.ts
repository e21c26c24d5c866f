// One Verify, from its first byte to its answer. How bytes come and go is http1-call.ts's and
// http2-call.ts's; whatever is not one plain message in one piece goes to the stock road, with all that was
// read of it.
import type { IncomingHttpHeaders } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Caller } from "../../../access/caller.ts";
import {
  checkVerify,
  judgeKey,
  type VerifyDemand,
  type VerifyKeyInput,
} from "../../../app/verify/verify-key.ts";
import type { Verdict } from "../../../domain/verdict.ts";
import { ADMISSION_MS_MAX } from "../../connect/around-calls.ts";
import { CALL_MS_MAX } from "../../connect/connect-handler.ts";
import type { Peer } from "../admission.ts";
import { type CallHead, VERIFY } from "../call-head.ts";
import { FRAME_BYTES } from "../codec/frames.ts";
import { readVerifyBinary, readVerifyJson } from "../codec/read-verify.ts";
import { verdictText } from "../codec/write-verdict.ts";
import { failureOf, type LaneParts, tellEnd } from "../lane-parts.ts";
import type { OpenCall } from "../open-calls.ts";
import { type Answer, compressed, failureAnswer, isWorthCompressing, verdictAnswer } from "./answers.ts";

/** How a call came, and for whom. */
export interface Arrival {
  readonly head: CallHead;
  readonly headers: IncomingHttpHeaders;
  readonly peer: Peer;
  readonly caller: Caller;
}

export abstract class UnaryCall implements OpenCall {
  protected readonly parts: LaneParts;
  protected readonly arrival: Arrival;
  readonly #place: number;
  readonly #startedAt = performance.now();
  /** When it is cut off. */
  #dueAt: number;
  /** Since somebody looked last. */
  #isAnswered = false;
  /** What was read so far, and what it says. */
  #body: Buffer | undefined;
  #demand: VerifyDemand | undefined;

  constructor(parts: LaneParts, arrival: Arrival) {
    this.parts = parts;
    this.arrival = arrival;
    this.#dueAt = this.#startedAt + parts.limits.bodyTimeoutMs;
    this.#place = parts.open.add(this);
  }

  /** Ends it in the middle. */
  protected abstract cutOff(): void;
  /** Gives it to the stock road as if it came just now, with this still to be read. */
  protected abstract handOver(body: Buffer): void;
  /** Writes it, unless the client is gone. */
  protected abstract write(answer: Answer): void;

  look(now: number): void {
    if (now >= this.#dueAt) this.cutOff();
    if (!this.#isAnswered) return;
    // Measured from here on: most calls are over before anybody looks.
    this.#dueAt = Math.min(this.#dueAt, now + this.parts.limits.bodyTimeoutMs);
    this.#isAnswered = false;
  }

  /** Call it once it is over, however it came to that. */
  close(): void {
    this.parts.open.delete(this.#place);
  }

  /** A part of the body has come. */
  read(chunk: Buffer): void {
    if (this.#body === undefined && this.#understand(chunk)) {
      this.#body = chunk;
      return;
    }
    this.close();
    this.handOver(this.#body === undefined ? chunk : Buffer.concat([this.#body, chunk]));
  }

  /** The body is at its end. */
  finish(): void {
    const now = performance.now();
    this.#dueAt = now + CALL_MS_MAX;
    this.parts.admission.rememberUse(this.arrival.caller);
    if (this.#demand === undefined) {
      const message = "protocol error: missing input message for unary method";
      this.#fail(new ConnectError(message, Code.Unimplemented));
    } else if (now - this.#startedAt < ADMISSION_MS_MAX) {
      this.#judge(this.arrival.caller, this.#demand);
    } else {
      const demand = this.#demand;
      const { headers, peer } = this.arrival;
      this.parts.admission.admitAgain(headers, peer).then(
        (caller) => this.#judge(caller, demand),
        (refusal) => this.#fail(refusal),
      );
    }
  }

  // Whether the bytes are the whole message and say something that can be judged.
  #understand(chunk: Buffer): boolean {
    try {
      const input = readMessage(chunk, this.arrival.head, this.parts.limits.bodyBytesMax);
      if (input === undefined) return false;
      this.#demand = checkVerify(input);
      return true;
    } catch {
      return false;
    }
  }

  #judge(caller: Caller, demand: VerifyDemand): void {
    try {
      const verdict = judgeKey(this.parts.ports, caller, demand);
      if (verdict instanceof Promise) this.#await(verdict);
      else this.#answer(verdict);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #await(verdict: Promise<Verdict>): void {
    verdict.then((judged) => this.#answer(judged)).catch((thrown) => this.#fail(thrown));
  }

  #answer(verdict: Verdict): void {
    const text = verdictText(verdict, this.parts.ports.clock());
    this.#send(verdictAnswer(this.arrival.head.protocol, text));
    tellEnd(this.parts.log, this.#line);
  }

  // Also when the answer itself has failed, at whatever point.
  #fail(thrown: unknown): void {
    const error = failureOf(this.parts.log, this.#line, thrown);
    try {
      this.#send(failureAnswer(this.arrival.head.protocol, error));
    } catch {
      this.cutOff();
    }
  }

  #send(answer: Answer): void {
    const { protocol, compression } = this.arrival.head;
    this.#isAnswered = true;
    if (compression === undefined || !isWorthCompressing(protocol, answer)) this.write(answer);
    else {
      compressed(protocol, answer, compression)
        .then((smaller) => this.write(smaller))
        .catch(() => this.cutOff());
    }
  }

  get #line() {
    return { rpc: VERIFY, callerId: this.arrival.caller.id, startedAt: this.#startedAt };
  }
}

// Undefined: not the whole of one plain message, or more than it.
function readMessage(
  chunk: Buffer,
  { protocol, contentLength }: CallHead,
  bytesMax: number,
): VerifyKeyInput | undefined {
  if (contentLength !== undefined && chunk.length !== contentLength) return undefined;
  if (protocol === "json") return readVerifyJson(chunk);
  if (protocol === "proto") return readVerifyBinary(chunk, 0, chunk.length);
  const length = chunk.length - FRAME_BYTES;
  const isWhole = length >= 0 && length <= bytesMax && chunk[0] === 0 && chunk.readUInt32BE(1) === length;
  return isWhole ? readVerifyBinary(chunk, FRAME_BYTES, chunk.length) : undefined;
}
