// Whether a call is one of the plain ones, by its headers alone, and how it is to be answered. What is not
// plain the stock road answers, so nothing is refused here; what Connect's adapter ignores is ignored, too.
import type { IncomingHttpHeaders } from "node:http";
import { compressionNegotiate } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { KeyService } from "../../../gen/fleetkey/v1/key_service_pb.js";
import { CALL_MS_MAX } from "../connect/connect-handler.ts";

export const VERIFY = `${KeyService.typeName}/${KeyService.method.verify.name}`;
export const VERIFY_STREAM = `${KeyService.typeName}/${KeyService.method.verifyStream.name}`;

export type Protocol = "grpc" | "proto" | "json";

const PROTOCOLS: ReadonlyMap<string | undefined, Protocol> = new Map([
  ["application/grpc", "grpc"],
  ["application/grpc+proto", "grpc"],
  ["application/proto", "proto"],
  ["application/json", "json"],
]);

/** Those that the adapter has when nothing is said. */
const COMPRESSIONS = [compressionGzip, compressionBrotli];
export type Compression = (typeof COMPRESSIONS)[number];

export interface CallHead {
  readonly protocol: Protocol;
  /** How many bytes come; only gRPC can do without it, since its messages tell their own length. */
  readonly contentLength: number | undefined;
  /** What an answer that is worth it is compressed by. */
  readonly compression: Compression | undefined;
}

/** Of a POST to an rpc of one message; undefined when anything about it is unusual. */
export function plainHead(headers: IncomingHttpHeaders, bodyBytesMax: number): CallHead | undefined {
  const protocol = PROTOCOLS.get(headers["content-type"]);
  if (protocol === undefined || headers.origin !== undefined || headers.expect !== undefined)
    return undefined;
  if (protocol === "grpc") return grpcHead(headers);
  const length = headers["content-length"];
  // Without a length only the end of the body tells what it is, and then it cannot be put back.
  if (length === undefined || headers["transfer-encoding"] !== undefined || headers.upgrade !== undefined)
    return undefined;
  const contentLength = Number(length);
  if (!(contentLength > 0 && contentLength <= bodyBytesMax)) return undefined;
  if (!isIdentity(headers["content-encoding"])) return undefined;
  if (!isConnectTimeout(headers["connect-timeout-ms"])) return undefined;
  return { protocol, contentLength, compression: compressionOf(headers["accept-encoding"]) };
}

/** Of a call over gRPC, be it of one message or of many. */
export function grpcHead(headers: IncomingHttpHeaders): CallHead | undefined {
  if (!isIdentity(headers["grpc-encoding"]) || !isGrpcTimeout(headers["grpc-timeout"])) return undefined;
  return GRPC_HEADS.get(compressionOf(headers["grpc-accept-encoding"]));
}

const GRPC_HEADS: ReadonlyMap<Compression | undefined, CallHead> = new Map(
  [undefined, ...COMPRESSIONS].map((compression) => [
    compression,
    { protocol: "grpc", contentLength: undefined, compression },
  ]),
);

export function isGrpc(headers: IncomingHttpHeaders): boolean {
  return PROTOCOLS.get(headers["content-type"]) === "grpc";
}

const ZERO = 0x30;

type HeaderValue = string | readonly string[] | undefined;

function isIdentity(encoding: HeaderValue): boolean {
  return encoding === undefined || encoding === "identity";
}

/** How many of each of gRPC's units of time the adapter takes: up to CALL_MS_MAX. */
const GRPC_UNITS: ReadonlyMap<string, number> = new Map([
  ["H", CALL_MS_MAX / 3_600_000],
  ["M", CALL_MS_MAX / 60_000],
  ["S", CALL_MS_MAX / 1_000],
  ["m", CALL_MS_MAX],
  ["u", CALL_MS_MAX * 1e3],
  ["n", CALL_MS_MAX * 1e6],
]);
const GRPC_DIGITS_MAX = 8;
const CONNECT_DIGITS_MAX = 10;

/** Whether the adapter takes it. It then leaves it to the client to give up, and so does the lane. */
export function isGrpcTimeout(text: HeaderValue): boolean {
  if (text === undefined) return true;
  if (typeof text !== "string") return false;
  const unit = GRPC_UNITS.get(text.charAt(text.length - 1));
  return unit !== undefined && numberOf(text, text.length - 1, GRPC_DIGITS_MAX) <= unit;
}

export function isConnectTimeout(text: HeaderValue): boolean {
  if (text === undefined) return true;
  return typeof text === "string" && numberOf(text, text.length, CONNECT_DIGITS_MAX) <= CALL_MS_MAX;
}

// NaN when it is none.
function numberOf(text: string, end: number, digitsMax: number): number {
  if (end < 1 || end > digitsMax) return Number.NaN;
  let value = 0;
  for (let at = 0; at < end; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** A client says the same each time, and there are few kinds of clients; whoever varies it pays for it. */
const KNOWN_MAX = 100;

/** What a function of a header's text has said of the last texts. */
export class Remembered<Result> {
  readonly #ask: (text: string) => Result;
  readonly #answers = new Map<string, Result>();

  constructor(ask: (text: string) => Result) {
    this.#ask = ask;
  }

  of(text: string): Result {
    const known = this.#answers.get(text);
    if (known !== undefined || this.#answers.has(text)) return known as Result;
    if (this.#answers.size >= KNOWN_MAX) this.#answers.clear();
    const answer = this.#ask(text);
    this.#answers.set(text, answer);
    return answer;
  }
}

const ACCEPTED = new Remembered(
  (text) => compressionNegotiate(COMPRESSIONS, null, text, "accept-encoding").response ?? undefined,
);

function compressionOf(accepted: HeaderValue): Compression | undefined {
  return typeof accepted === "string" ? ACCEPTED.of(accepted) : undefined;
}

// The adapter makes a URL of it, and what is none is refused.
const AUTHORITIES = new Remembered((text) => URL.canParse(`http://${text}/`));

/** Whether the host that is asked for is one. */
export function isAuthority(text: string | undefined): boolean {
  return text !== undefined && AUTHORITIES.of(text);
}
