// The form of a case: steps as data, each a call and what must come of it. Nothing here knows a transport.

import { randomBytes } from "node:crypto";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { formatApiKey, keyPrefixes, newSecret } from "../../../src/domain/api-key/key-format.ts";
import { randomLookup } from "../../../src/domain/api-key/key-id.ts";
import type { Oddity, Rpc } from "../clients/client.ts";

/** What a call presents as its credential. */
export type CredentialKind =
  | "root"
  | "root in X-API-Key"
  | "root twice"
  | "none"
  | "wrong"
  | "wrong X-API-Key"
  | "Basic"
  | "empty"
  | "two different";

export interface Case {
  /** A sentence about what the service does. */
  readonly title: string;
  readonly steps: readonly Step[];
  /** Runs also through clients that start a process for each call. */
  readonly isBrief?: boolean;
  /** Only for clients that can send such a request. */
  readonly needs?: Oddity;
}

export interface Step {
  readonly rpc: Rpc;
  readonly request: Late<JsonObject>;
  /** "root" when left out. */
  readonly as?: CredentialKind;
  /** The answer's response is kept under this name for `ref`. */
  readonly keep?: string;
  readonly expect?: Expected;
}

/** An answer without error that holds at least `response`, or an error. */
export interface Expected {
  readonly response?: Late<Readonly<Record<string, unknown>>>;
  /** Paths that the response must not hold. */
  readonly without?: readonly string[];
  readonly code?: string;
  readonly reason?: string;
  readonly metadata?: Late<JsonObject>;
  /** The fields that BadRequest names, in any order; exactly these. */
  readonly violations?: readonly string[];
  readonly retryDelay?: string;
}

/** What a step can use: the responses kept so far, and a name that no other run of a case has. */
export interface Answers {
  readonly kept: Readonly<Record<string, JsonObject>>;
  readonly run: string;
}

/** A value that is known only when its step runs. */
export class Computed {
  readonly of: (answers: Answers) => JsonValue;

  constructor(of: (answers: Answers) => JsonValue) {
    this.of = of;
  }
}

/** A value with computed ones anywhere in it. */
export type Late<Value> = { readonly [Name in keyof Value]: unknown };

/** A part of a kept response, as in `ref("created.key.keyId")`; a list's items by number. */
export function ref(path: string): Computed {
  return new Computed(({ kept }) => {
    const value = valueAt(kept, path);
    if (value === undefined) throw new Error(`no former answer has ${path}`);
    return value as JsonValue;
  });
}

/** An id that belongs to this run of the case alone, so that cases do not see each other's keys. */
export function own(name: string): Computed {
  return new Computed(({ run }) => `${name}-${run}`);
}

/** The time so many milliseconds from now; negative: ago. */
export function fromNow(ms: number): Computed {
  return new Computed(() => new Date(Date.now() + ms).toISOString());
}

/** A well-formed api_key that no record stands behind. */
export function strangeApiKey(environment = "prod"): Computed {
  return new Computed(() => {
    const prefixes = keyPrefixes(environment);
    return formatApiKey(prefixes.user, randomLookup("user", randomBytes), newSecret(randomBytes));
  });
}

/** The text of `value` with its character at `index` (negative: from the end) changed to another one. */
export function tampered(value: Computed, index: number): Computed {
  return new Computed((answers) => {
    const text = String(value.of(answers));
    const position = index < 0 ? text.length + index : index;
    const other = text[position] === "A" ? "B" : "A";
    return text.slice(0, position) + other + text.slice(position + 1);
  });
}

/** The part of a value at a path of names and numbers. */
export function valueAt(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], value);
}
