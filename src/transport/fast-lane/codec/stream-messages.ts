// The messages of VerifyStream: requests in the form in which nearly all of them come, with the general
// decoder behind for the rest, and answers, many at a time.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  VerifyRequestSchema,
  VerifyStreamRequestSchema,
} from "../../../../gen/fleetkey/v1/key_service_pb.js";
import { StatusSchema } from "../../../../gen/google/rpc/status_pb.js";
import type { VerifyKeyInput } from "../../../app/verify/verify-key.ts";
import { toStatus } from "../../connect/errors.ts";
import { verifyInput } from "../../connect/services/requests.ts";
import { assertAllKnown } from "../../connect/strict-request.ts";
import { FRAME_BYTES } from "./frames.ts";
import { readVerifyBinary } from "./read-verify.ts";

export interface StreamRequest {
  readonly id: number;
  readonly input: VerifyKeyInput;
}

/** Tags of the fields: number and wire type in one byte. */
const ID = 0x08;
const REQUEST = 0x12;
const VERIFY = 0x12;
const ERROR = 0x1a;

/** A byte of a number from here on says that there is another one. */
const MORE = 0x80;

/** From the bytes between `start` and `end`. Throws what ends the stream. */
export function readStreamRequest(bytes: Buffer, start: number, end: number): StreamRequest {
  return readPlain(bytes, start, end) ?? readAny(bytes.subarray(start, end));
}

// Undefined: not an id and a plain request, in this order and nothing else.
function readPlain(bytes: Buffer, start: number, end: number): StreamRequest | undefined {
  let at = start;
  let id = 0;
  if (bytes[at] === ID) {
    at += 1;
    for (let factor = 1; ; factor *= MORE) {
      const byte = bytes[at++] ?? 0;
      id += (byte & (MORE - 1)) * factor;
      if (byte < MORE) break;
    }
  }
  if (at + 2 > end || id > 0xffff_ffff || bytes[at] !== REQUEST) return undefined;
  let length = bytes[at + 1] ?? 0;
  at += 2;
  if (length >= MORE) {
    const high = bytes[at] ?? MORE;
    if (high >= MORE) return undefined;
    length += (high - 1) * MORE;
    at += 1;
  }
  if (at + length !== end) return undefined;
  const input = readVerifyBinary(bytes, at, end);
  return input && { id, input };
}

function readAny(bytes: Uint8Array): StreamRequest {
  const message = decoded(bytes);
  assertAllKnown(message);
  return { id: message.id, input: verifyInput(message.request ?? create(VerifyRequestSchema)) };
}

// In the adapter's words.
function decoded(bytes: Uint8Array) {
  try {
    return fromBinary(VerifyStreamRequestSchema, bytes);
  } catch (error) {
    throw new ConnectError(`parse binary: ${(error as Error).message}`, Code.Internal);
  }
}

/** What becomes of one request. */
export class StreamAnswer {
  readonly id: number;
  #field = VERIFY;
  #text: string | undefined;

  constructor(id: number) {
    this.id = id;
  }

  get isKnown(): boolean {
    return this.#text !== undefined;
  }

  /** `binary` is a VerifyResponse, each character one byte. */
  verify(binary: string): void {
    this.#text = binary;
  }

  fail(error: ConnectError): void {
    this.#field = ERROR;
    this.#text = Buffer.from(toBinary(StatusSchema, toStatus(error))).toString("latin1");
  }

  /** How long its message is, without the frame. */
  get length(): number {
    const { length } = this.#text ?? "";
    const idLength = this.id === 0 ? 0 : 1 + numberLength(this.id);
    return idLength + 1 + numberLength(length) + length;
  }

  /** Writes message and frame; returns where they end. */
  writeTo(bytes: Buffer, start: number): number {
    const text = this.#text ?? "";
    bytes[start] = 0;
    bytes.writeUInt32BE(this.length, start + 1);
    let at = start + FRAME_BYTES;
    if (this.id !== 0) {
      bytes[at] = ID;
      at = writeNumber(bytes, at + 1, this.id);
    }
    bytes[at] = this.#field;
    at = writeNumber(bytes, at + 1, text.length);
    return at + bytes.write(text, at, "latin1");
  }
}

/** All of them in one piece, each in its frame. */
export function framedAnswers(answers: readonly StreamAnswer[]): Buffer {
  let length = 0;
  for (const answer of answers) length += FRAME_BYTES + answer.length;
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (const answer of answers) at = answer.writeTo(bytes, at);
  return bytes;
}

function numberLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= MORE; rest = Math.floor(rest / MORE)) length += 1;
  return length;
}

function writeNumber(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= MORE; rest = Math.floor(rest / MORE)) bytes[at++] = (rest % MORE) + MORE;
  bytes[at] = rest;
  return at + 1;
}
