// What every call of the lane needs, and the lines that tell of its end: those of around-calls.ts.
import { Code, type ConnectError } from "@connectrpc/connect";
import type { AppPorts } from "../../app/ports.ts";
import type { Log } from "../../observability/log.ts";
import { toldError } from "../connect/errors.ts";
import type { StockRoad } from "../http.ts";
import type { Admission } from "./admission.ts";
import type { AnswerHeads } from "./answer-heads.ts";
import type { OpenCalls } from "./open-calls.ts";

export interface LaneLimits {
  /** Largest message. */
  readonly bodyBytesMax: number;
  /** For sending a body, and for taking an answer. */
  readonly bodyTimeoutMs: number;
  /** How long a stream stays without a message from its client. */
  readonly idleTimeoutMs: number;
  /** How soon a stream asks again who calls. */
  readonly leaseMs: number;
}

export interface LaneParts {
  readonly ports: AppPorts;
  readonly admission: Admission;
  readonly log: Log;
  readonly limits: LaneLimits;
  readonly stock: StockRoad;
  readonly heads: AnswerHeads;
  readonly open: OpenCalls;
}

/** One line for each call. */
export interface CallLine {
  readonly rpc: string;
  readonly callerId: string | undefined;
  readonly startedAt: number;
}

export function tellEnd(log: Log, { rpc, callerId, startedAt }: CallLine, code = "ok"): void {
  if (!log.isLevelEnabled("debug")) return;
  const ms = Math.round((performance.now() - startedAt) * 10) / 10;
  log.debug({ rpc, code, caller: callerId, ms }, "call");
}

/** Maps and tells what ended a call. */
export function failureOf(log: Log, line: CallLine, thrown: unknown): ConnectError {
  const error = toldError(log, line.rpc.split("/", 2)[1], thrown);
  tellEnd(log, line, Code[error.code]);
  return error;
}
