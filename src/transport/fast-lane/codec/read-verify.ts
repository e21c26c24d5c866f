// Reads a VerifyRequest in the form in which nearly all of them come. Whatever is not that form is not
// refused here but left to the adapter, whose decoder is the one that knows the whole of protobuf.
import { KeyTypeSchema } from "../../../../gen/fleetkey/v1/key_pb.js";
import type { VerifyKeyInput } from "../../../app/verify/verify-key.ts";
import { KEY_TYPE_WORDS } from "../../connect/services/words.ts";

/** Tags of the fields: number and wire type in one byte. */
const API_KEY = 0x0a;
const REQUIRED_SCOPES = 0x12;
const EXPECTED_TYPE = 0x18;
const CLIENT_ADDRESS = 0x22;
const USER_AGENT = 0x2a;

/** A byte of a number from here on says that there is another one. */
const MORE = 0x80;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const NO_SCOPES: readonly string[] = [];

/** From the bytes between `start` and `end`; undefined when they are not just known fields in ASCII. */
export function readVerifyBinary(bytes: Buffer, start: number, end: number): VerifyKeyInput | undefined {
  let apiKey = "";
  let requiredScopes = NO_SCOPES;
  let expectedType: string | undefined;
  let clientAddress = "";
  let userAgent = "";
  let at = start;
  while (at < end) {
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1] ?? MORE;
    at += 2;
    if (length >= MORE) {
      const high = bytes[at] ?? MORE;
      if (high >= MORE) return undefined;
      length += (high - 1) * MORE;
      at += 1;
    }
    if (tag === EXPECTED_TYPE) {
      expectedType = KEY_TYPE_WORDS.wordOf(length);
      continue;
    }
    if (at + length > end || !isAscii(bytes, at, at + length)) return undefined;
    const text = bytes.toString("latin1", at, at + length);
    at += length;
    if (tag === API_KEY) apiKey = text;
    else if (tag === REQUIRED_SCOPES) requiredScopes = [...requiredScopes, text];
    else if (tag === CLIENT_ADDRESS) clientAddress = text;
    else if (tag === USER_AGENT) userAgent = text;
    else return undefined;
  }
  if (at !== end) return undefined;
  return { apiKey, requiredScopes, expectedType, clientAddress, userAgent };
}

/**
 * From JSON; undefined when it is anything else than an object of known fields, each of them once, in ASCII
 * and without escapes.
 */
export function readVerifyJson(bytes: Buffer): VerifyKeyInput | undefined {
  const quotes = countQuotes(bytes);
  const json = quotes === undefined ? undefined : parsed(bytes.toString("latin1", 0, bytes.length));
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const input = { apiKey: "", requiredScopes: NO_SCOPES, expectedType: undefined as string | undefined };
  const from = { clientAddress: "", userAgent: "" };
  let texts = 0;
  for (const name in json) {
    const value: unknown = (json as Readonly<Record<string, unknown>>)[name];
    texts += 2;
    if (name === "requiredScopes" && areTexts(value)) {
      input.requiredScopes = value;
      texts += value.length - 1;
    } else if (typeof value !== "string") return undefined;
    else if (name === "expectedType" && TYPE_BY_NAME.has(value)) input.expectedType = TYPE_BY_NAME.get(value);
    else if (name === "apiKey") input.apiKey = value;
    else if (name === "clientAddress") from.clientAddress = value;
    else if (name === "userAgent") from.userAgent = value;
    else return undefined;
  }
  // The parser keeps the last of two members of one name and says nothing; their texts are there all the
  // same.
  return quotes === 2 * texts ? { ...input, ...from } : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

const TYPE_BY_NAME: ReadonlyMap<string, string | undefined> = new Map(
  KeyTypeSchema.values.map(({ name, number }) => [name, KEY_TYPE_WORDS.wordOf(number)]),
);

// Undefined when there is a byte that is not ASCII, or a backslash, with which a quote need not end a text.
function countQuotes(bytes: Buffer): number | undefined {
  let count = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? MORE;
    if (byte >= MORE || byte === BACKSLASH) return undefined;
    if (byte === QUOTE) count += 1;
  }
  return count;
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((bytes[at] ?? MORE) >= MORE) return false;
  return true;
}
