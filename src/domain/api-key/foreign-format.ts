// What api_keys that another system issued look like. Only texts of such a form, and not of the native one,
// are looked for in the store. The engine runs in linear time, so no text can make an expression of the
// operator's costly.
import { RE2JS, RE2JSSyntaxException } from "re2js";
import type { KeyType } from "../key-type.ts";

/** How many formats a deployment can have: each one is tried on every text that is not native. */
export const FOREIGN_FORMATS_MAX = 16;
export const FOREIGN_FORMAT_NAME_PATTERN = /^[a-z0-9_.-]{1,32}$/;
export const FOREIGN_PATTERN_LENGTH_MAX = 500;
/** A text costs at most this many steps for each of its characters; `{1,100}` counts as a hundred. */
export const FOREIGN_PATTERN_STEPS_MAX = 1_000;
/** No text that is longer is an api_key of any form. */
export const FOREIGN_API_KEY_BYTES_MAX = 256;

/** The group whose match finds keys that are known by bcrypt: its digests differ each time they are made. */
const LOOKUP_GROUP = "lookup";
/** How much of the pattern an error quotes. */
const QUOTED_LENGTH_MAX = 20;
const CONTROL_CHARACTERS = /\p{Cc}/u;

/** A form as the operator declares it. */
export interface ForeignFormatDeclaration {
  readonly name: string;
  readonly type: KeyType;
  /** An expression in RE2's syntax for the whole of the api_key. */
  readonly pattern: string;
}

/** A form that the operator declared. */
export interface ForeignFormat {
  readonly name: string;
  /** The type of all its keys, so that an api_key leads to one collection. */
  readonly type: KeyType;
  /** Whether it has a group "lookup". */
  readonly hasLookup: boolean;
  /** Whether a text has this form, and what its group "lookup" holds, if it has one. */
  match(apiKey: string): { readonly lookup?: string } | undefined;
}

/** Throws an Error whose message says what is wrong with the declaration. */
export function compileForeignFormat({ name, type, pattern }: ForeignFormatDeclaration): ForeignFormat {
  if (!FOREIGN_FORMAT_NAME_PATTERN.test(name)) throw new Error("name must be 1 to 32 of a-z, 0-9, _ . and -");
  const expression = compilePattern(pattern);
  const hasLookup = Object.hasOwn(expression.namedGroups(), LOOKUP_GROUP);
  return {
    name,
    type,
    hasLookup,
    match(apiKey) {
      if (!isPresentable(apiKey) || !expression.matches(apiKey)) return undefined;
      if (!hasLookup) return {};
      // Only now, since it costs more than to tell whether the text matches at all.
      const matcher = expression.matcher(apiKey);
      return matcher.matches() ? { lookup: matcher.group(LOOKUP_GROUP) || undefined } : undefined;
    },
  };
}

function compilePattern(pattern: string): RE2JS {
  if (pattern === "" || pattern.length > FOREIGN_PATTERN_LENGTH_MAX) {
    throw new Error(`pattern must be 1 to ${FOREIGN_PATTERN_LENGTH_MAX} characters`);
  }
  const expression = parsePattern(pattern);
  if (expression.programSize() > FOREIGN_PATTERN_STEPS_MAX) {
    throw new Error(
      `pattern is of ${expression.programSize()} steps with its repetitions written out; ` +
        `at most ${FOREIGN_PATTERN_STEPS_MAX} are allowed`,
    );
  }
  return expression;
}

function parsePattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    // As it is spelt in the setting, which is JSON.
    const quoted = JSON.stringify(String(error.getPattern()).slice(0, QUOTED_LENGTH_MAX));
    throw new Error(
      "pattern is not understood by the linear-time engine, which knows no backreferences and no " +
        `lookaround: ${error.getDescription()} at ${quoted}`,
    );
  }
}

function isPresentable(text: string): boolean {
  // The length first: it bounds what the others look at.
  return (
    text.length <= FOREIGN_API_KEY_BYTES_MAX &&
    Buffer.byteLength(text) <= FOREIGN_API_KEY_BYTES_MAX &&
    text.isWellFormed() &&
    !CONTROL_CHARACTERS.test(text)
  );
}
