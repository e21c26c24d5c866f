// Answers of the unary calls as data: what the stock road would say, for the calls to write.
import type { OutgoingHttpHeaders } from "node:http";
import type { ConnectError } from "@connectrpc/connect";
import { connectFailure, GRPC_OK, grpcFailure } from "../answer-heads.ts";
import type { Compression, Protocol } from "../call-head.ts";
import { COMPRESSED, FRAME_BYTES, frame } from "../codec/frames.ts";
import type { VerdictText } from "../codec/write-verdict.ts";

/** What is worth compressing: the same as for the adapter when nothing is said. */
const COMPRESSED_BYTES_MIN = 1_024;

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly bytes: string | Buffer;
  /** Of `bytes` that are a text. */
  readonly encoding: BufferEncoding;
  /** Of all bytes. */
  readonly length: number;
  /** Further headers, names and values one after the other; of Connect only. */
  readonly more: readonly string[];
  /** Of gRPC only. */
  readonly trailers: OutgoingHttpHeaders;
}

const NO_HEADERS: readonly string[] = [];

export function verdictAnswer(protocol: Protocol, text: VerdictText): Answer {
  if (protocol === "grpc") return ok("application/grpc+proto", text.framed, "latin1", text.framed.length);
  if (protocol === "proto") return ok("application/proto", text.binary, "latin1", text.binary.length);
  return ok("application/json", text.json, "utf8", Buffer.byteLength(text.json));
}

function ok(contentType: string, bytes: string, encoding: BufferEncoding, length: number): Answer {
  return { status: 200, contentType, bytes, encoding, length, more: NO_HEADERS, trailers: GRPC_OK };
}

export function failureAnswer(protocol: Protocol, error: ConnectError): Answer {
  if (protocol === "grpc")
    return { ...ok("application/grpc+proto", "", "latin1", 0), trailers: grpcFailure(error) };
  const { status, headers: more, body } = connectFailure(error);
  return { ...ok("application/json", "", "utf8", body.length), status, more, bytes: body };
}

/** Whether the adapter would compress this answer. */
export function isWorthCompressing(protocol: Protocol, { length }: Answer): boolean {
  return length - (protocol === "grpc" ? FRAME_BYTES : 0) >= COMPRESSED_BYTES_MIN;
}

/** The same in fewer bytes. */
export async function compressed(
  protocol: Protocol,
  answer: Answer,
  compression: Compression,
): Promise<Answer> {
  const all = typeof answer.bytes === "string" ? Buffer.from(answer.bytes, answer.encoding) : answer.bytes;
  if (protocol !== "grpc") {
    const bytes = Buffer.from(await compression.compress(all));
    const more = [...answer.more, "content-encoding", compression.name];
    return { ...answer, bytes, length: bytes.length, more };
  }
  const bytes = frame(await compression.compress(all.subarray(FRAME_BYTES)), COMPRESSED);
  return { ...answer, bytes, length: bytes.length };
}
