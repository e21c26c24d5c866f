// Verdicts as bytes and as JSON. What is told of an accepted key is the same from call to call, so it is
// encoded once for each record that is held; any other verdict is encoded as it comes.
import { toBinary, toJsonString } from "@bufbuild/protobuf";
import { VerifyResponseSchema } from "../../../../gen/fleetkey/v1/key_service_pb.js";
import { graceEndOf } from "../../../domain/lifecycle.ts";
import type { KeyView, Verdict } from "../../../domain/verdict.ts";
import { verifyResponse } from "../../connect/services/key-message.ts";
import { FRAME_BYTES, frame } from "./frames.ts";

/** An encoded VerifyResponse. A text of one byte a character is the most compact form in memory. */
export interface VerdictText {
  /** The message in binary, each character one byte (`latin1`). */
  readonly binary: string;
  /** The same behind its gRPC frame. */
  readonly framed: string;
  /** The message as JSON. */
  readonly json: string;
}

/** What is told of an accepted key, and from when until when. */
class AcceptedText implements VerdictText {
  readonly #verdict: Verdict;
  readonly #from: number;
  readonly #until: number;
  #framed: string | undefined;
  #json: string | undefined;

  constructor(verdict: Verdict & { readonly view: KeyView }, now: number) {
    this.#verdict = verdict;
    this.#from = now;
    // Until a former secret has ended its end is told. A key that has ended itself is not accepted.
    this.#until = graceEndOf(verdict.view.key, now) ?? Number.POSITIVE_INFINITY;
  }

  isTrueAt(now: number): boolean {
    return now >= this.#from && now < this.#until;
  }

  get framed(): string {
    this.#framed ??= framedOf(this.#verdict, this.#from);
    return this.#framed;
  }

  get binary(): string {
    return unframed(this.framed);
  }

  get json(): string {
    this.#json ??= jsonOf(this.#verdict, this.#from);
    return this.#json;
  }
}

/** By the record that is held: gone when that is forgotten. */
const ACCEPTED = new WeakMap<KeyView, AcceptedText>();

/** The answer that says this verdict at this time. */
export function verdictText(verdict: Verdict, now: number): VerdictText {
  const { limits } = verdict;
  const isLimited = limits?.rateLimit !== undefined || limits?.quota !== undefined;
  if (!verdict.valid || isLimited) return new FreshText(verdict, now);
  const known = ACCEPTED.get(verdict.view);
  if (known?.isTrueAt(now) === true) return known;
  const text = new AcceptedText(verdict, now);
  ACCEPTED.set(verdict.view, text);
  return text;
}

class FreshText implements VerdictText {
  readonly #verdict: Verdict;
  readonly #now: number;

  constructor(verdict: Verdict, now: number) {
    this.#verdict = verdict;
    this.#now = now;
  }

  get framed(): string {
    return framedOf(this.#verdict, this.#now);
  }

  get binary(): string {
    return unframed(this.framed);
  }

  get json(): string {
    return jsonOf(this.#verdict, this.#now);
  }
}

function framedOf(verdict: Verdict, now: number): string {
  return frame(toBinary(VerifyResponseSchema, verifyResponse(verdict, now))).toString("latin1");
}

// A part of the text that is there: nothing is copied.
function unframed(framed: string): string {
  return framed.slice(FRAME_BYTES);
}

function jsonOf(verdict: Verdict, now: number): string {
  return toJsonString(VerifyResponseSchema, verifyResponse(verdict, now));
}
