// From the text of FLEETKEY_FOREIGN_FORMATS to the formats. What one can be is
// domain/api-key/foreign-format.ts's.
import { z } from "zod";
import {
  compileForeignFormat,
  FOREIGN_FORMAT_NAME_PATTERN,
  FOREIGN_FORMATS_MAX,
  type ForeignFormat,
  type ForeignFormatDeclaration,
} from "../domain/api-key/foreign-format.ts";
import { KEY_TYPES } from "../domain/key-type.ts";

const DECLARATION = z.strictObject({ name: z.string(), type: z.enum(KEY_TYPES), pattern: z.string() });

/** Throws an Error that names the format and the reason. */
export function parseForeignFormats(text: string): readonly ForeignFormat[] {
  const formats = parseArray(text).map((entry, index) => {
    const declaration = parseDeclaration(entry, index);
    try {
      return compileForeignFormat(declaration);
    } catch (error) {
      throw new Error(`${placeOf(entry, index)}: ${(error as Error).message}`);
    }
  });
  if (new Set(formats.map(({ name }) => name)).size < formats.length) {
    throw new Error("must not hold a name twice");
  }
  return formats;
}

function parseArray(text: string): readonly unknown[] {
  const entries = parseJson(text);
  if (!Array.isArray(entries)) {
    throw new Error(
      'must be a JSON array such as [{"name":"legacy","type":"user","pattern":"lk_[a-z0-9]{32}"}]',
    );
  }
  if (entries.length > FOREIGN_FORMATS_MAX) throw new Error(`must be at most ${FOREIGN_FORMATS_MAX} formats`);
  return entries;
}

// The parser's own message quotes the text.
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseDeclaration(entry: unknown, index: number): ForeignFormatDeclaration {
  const result = DECLARATION.safeParse(entry);
  if (result.success) return result.data;
  throw new Error(
    `${placeOf(entry, index)}: must have name, type and pattern and nothing else, ` +
      `with a type of ${KEY_TYPES.join(", ")}`,
  );
}

/** Formats are told by their names, as far as they have one. */
function placeOf(entry: unknown, index: number): string {
  const { name } = Object(entry) as { readonly name?: unknown };
  const isNamed = typeof name === "string" && FOREIGN_FORMAT_NAME_PATTERN.test(name);
  return isNamed ? `format ${name}` : `format number ${index + 1}`;
}
