// Refuses requests that hold what this server does not know: a typo in a restriction, or a restriction of a
// newer version, must not make an open key. And it words the refusal, because the decoder's own words quote
// the request.
import {
  type DescMessage,
  fromJson,
  fromJsonString,
  type JsonObject,
  type JsonValue,
} from "@bufbuild/protobuf";
import { invalidArgument, type Violation } from "../../domain/errors.ts";
import { DETAILS_REGISTRY, toConnectError } from "./errors.ts";

/** Longer names are not repeated: one could be an api_key in the wrong place. No field of ours is as long. */
const REPEATED_NAME_LENGTH_MAX = 24;

/** Messages whose JSON is their fields; those of google.protobuf have forms of their own. */
const OWN_PACKAGE = "fleetkey.";

const STRICT = { ignoreUnknownFields: false };

/**
 * Options for Connect's JSON decoding of one method's requests. Connect hands the body to `textDecoder`, the
 * only place before its own decoding; what decodes here decodes there.
 */
export function strictJson(input: DescMessage) {
  return { ...STRICT, registry: DETAILS_REGISTRY, textDecoder: new StrictDecoder(input) };
}

class StrictDecoder {
  readonly encoding = "utf-8";
  readonly fatal = true;
  readonly ignoreBOM = false;
  readonly #input: DescMessage;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true });

  constructor(input: DescMessage) {
    this.#input = input;
  }

  decode(bytes: Uint8Array): string {
    let text = "";
    try {
      text = this.#utf8.decode(bytes);
      fromJsonString(this.#input, text, STRICT);
    } catch {
      throw toConnectError(invalidArgument(violationsOf(this.#input, text)));
    }
    return text;
  }
}

function violationsOf(input: DescMessage, text: string): readonly Violation[] {
  const violations = memberViolations(input, parsed(text), "");
  if (violations.length > 0) return violations;
  return [{ field: "", description: `the body is not one ${input.typeName} as JSON` }];
}

// Decodes field by field to name every one that is wrong. What is wrong only as a whole (not JSON, a field
// given twice, two fields of a oneof) has no field to name.
function memberViolations(input: DescMessage, json: JsonValue, path: string): readonly Violation[] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return [];
  return Object.entries(json).flatMap(([name, value]) => {
    const field = input.fields.find((candidate) => candidate.name === name || candidate.jsonName === name);
    if (field === undefined) {
      const shown = name.length <= REPEATED_NAME_LENGTH_MAX ? name : "";
      return [{ field: path + shown, description: "is not a field of this message" }];
    }
    if (decodes(input, { [name]: value })) return [];
    const nested = field.message?.typeName.startsWith(OWN_PACKAGE) ? field.message : undefined;
    const inside = nested === undefined ? [] : memberViolations(nested, value, `${path}${field.name}.`);
    return inside.length > 0
      ? inside
      : [{ field: path + field.name, description: "does not hold a value of its type" }];
  });
}

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function decodes(input: DescMessage, json: JsonObject): boolean {
  try {
    fromJson(input, json, STRICT);
    return true;
  } catch {
    return false;
  }
}

/**
 * Throws when a message that was decoded from binary holds a field that this server does not know, at any
 * depth.
 */
export function assertAllKnown(message: object): void {
  const unknown = firstUnknown(message);
  if (unknown === undefined) return;
  throw toConnectError(invalidArgument([{ field: "", description: `field number ${unknown} is not known` }]));
}

function firstUnknown(value: unknown): number | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if ("$unknown" in value && Array.isArray(value.$unknown) && value.$unknown.length > 0) {
    return (value.$unknown[0] as { no: number }).no;
  }
  for (const item of Object.values(value)) {
    const unknown = firstUnknown(item);
    if (unknown !== undefined) return unknown;
  }
  return undefined;
}
