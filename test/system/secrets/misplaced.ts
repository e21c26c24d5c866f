// Requests with an api_key where none belongs, made from the contract: every field of every request in turn,
// down to the last one within a message. A field that is added to the contract is asked about by itself.
import {
  create,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  toBinary,
} from "@bufbuild/protobuf";
import { FieldMaskSchema } from "@bufbuild/protobuf/wkt";

/** A field of a request, as `key.name`, and whether it can hold any text in binary, too. */
export interface Place {
  readonly path: readonly DescField[];
  readonly isText: boolean;
}

const OWN = "fleetkey.";
const STRING = 9;

/** Every field of a message and of the messages within it, also those that hold no text. */
export function placesIn(message: DescMessage, before: readonly DescField[] = []): readonly Place[] {
  return message.fields.flatMap((field) => {
    const path = [...before, field];
    const nested = "message" in field ? field.message : undefined;
    const here = { path, isText: isText(field) };
    return nested?.typeName.startsWith(OWN) ? [here, ...placesIn(nested, path)] : [here];
  });
}

function isText(field: DescField): boolean {
  if ("scalar" in field && field.scalar === STRING) return true;
  const { typeName = "" } = ("message" in field && field.message) || {};
  return ["google.protobuf.Struct", "google.protobuf.FieldMask"].includes(typeName);
}

export const nameOf = ({ path }: Place): string => path.map(({ name }) => name).join(".");

/** The request with the text at a place, and without what cannot stand beside it. */
export function requestWith(base: JsonObject, { path }: Place, text: string): JsonObject {
  const [field, ...deeper] = path;
  if (field === undefined) return base;
  const others = field.oneof?.fields.map(({ jsonName }) => jsonName) ?? [];
  const kept = Object.fromEntries(Object.entries(base).filter(([name]) => !others.includes(name)));
  const former = base[field.jsonName];
  if (deeper.length === 0) return { ...kept, [field.jsonName]: valueFor(field, text) };
  const isList = field.fieldKind === "list";
  const inner = (Array.isArray(former) ? former[0] : former) ?? {};
  const next = requestWith(inner as JsonObject, { path: deeper, isText: true }, text);
  return { ...kept, [field.jsonName]: isList ? [next] : next };
}

// In metadata as a value and as a name.
function valueFor(field: DescField, text: string) {
  if ("message" in field && field.message?.typeName === "google.protobuf.Struct")
    return { note: [text], [text]: 1 };
  return field.fieldKind === "list" ? [text] : text;
}

/** The same in binary. JSON cannot spell every FieldMask that binary can. */
export function binaryWith(input: DescMessage, base: JsonObject, place: Place, text: string): Uint8Array {
  const last = place.path.at(-1);
  if (last !== undefined && "message" in last && last.message?.typeName === FieldMaskSchema.typeName) {
    const message = fromJson(input, base) as unknown as Record<string, unknown>;
    message[last.localName] = create(FieldMaskSchema, { paths: [text] });
    return toBinary(input, message as never);
  }
  return toBinary(input, fromJson(input, requestWith(base, place, text)));
}
