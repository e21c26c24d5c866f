// The text of an api_key: `<prefix>_<12 lookup><30 secret><6 checksum>`, how it is built and how it is read.
// Pure and free of I/O, so that a mistyped key costs nothing. Digests of it are digests.ts's.
import { decodeBase62, encodeBase62, type RandomBytes, randomBase62 } from "../../lib/base62.ts";
import { crc32OfAscii } from "../../lib/crc32.ts";
import { KEY_TYPE_TRAITS, KEY_TYPES, type KeyType, keyTypeOfLookup } from "../key-type.ts";

export const BRAND = "fl";
export const LOOKUP_LENGTH = 12;
export const SECRET_LENGTH = 30;
export const CHECKSUM_LENGTH = 6;
const BODY_LENGTH = LOOKUP_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH;

/** No accepted prefix is longer, so a longer text is refused before it is looked at. */
export const PREFIX_LENGTH_MAX = 48;
export const API_KEY_LENGTH_MAX = PREFIX_LENGTH_MAX + 1 + BODY_LENGTH;

/** What an environment's name may be. */
export const ENVIRONMENT_PATTERN = /^[a-z0-9]{1,12}$/;
/** What an operator may choose as the whole prefix of a type. */
export const PREFIX_PATTERN = /^[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*$/;
const BODY_PATTERN = /^[0-9A-Za-z]{48}$/;
const SLUGS = KEY_TYPES.map((type) => KEY_TYPE_TRAITS[type].slug).join("|");
const NATIVE_PREFIX_PATTERN = new RegExp(`^${BRAND}_(?:${SLUGS})_[a-z0-9]{1,12}$`);

/** For secret scanners: every api_key with a default prefix, of any environment. README quotes it. */
export const API_KEY_PATTERN = new RegExp(
  `${BRAND}_(?:${SLUGS})_[a-z0-9]{1,12}_[0-9A-Za-z]{${BODY_LENGTH}}\\b`,
);

/** The prefix of each type's api_keys in this deployment. */
export type KeyPrefixes = Readonly<Record<KeyType, string>>;

/**
 * A text with the shape and checksum of an api_key of this deployment. Whether it is one, only its digest
 * tells.
 */
export interface ParsedApiKey {
  readonly type: KeyType;
  readonly prefix: string;
  readonly lookup: string;
  readonly secret: string;
}

/** `fl_user_prod` and its siblings for an environment; `overrides` replace whole prefixes. */
export function keyPrefixes(environment: string, overrides: Partial<KeyPrefixes> = {}): KeyPrefixes {
  const defaults = KEY_TYPES.map((type) => [type, `${BRAND}_${KEY_TYPE_TRAITS[type].slug}_${environment}`]);
  return { ...(Object.fromEntries(defaults) as KeyPrefixes), ...overrides };
}

/** 30 characters, 178 bits. */
export function newSecret(randomBytes: RandomBytes): string {
  return randomBase62(SECRET_LENGTH, randomBytes);
}

/** Puts an api_key together. */
export function formatApiKey(prefix: string, lookup: string, secret: string): string {
  const unchecked = `${prefix}_${lookup}${secret}`;
  return unchecked + checksumOf(unchecked);
}

/** What is shown of an api_key; not a secret. */
export function displayPrefix(prefix: string, lookup: string): string {
  return `${prefix}_${lookup.slice(0, 8)}`;
}

/**
 * Reads an api_key. `not_native`: it has not the shape, so it is none of this service's; it can be one that
 * another system issued. `malformed`: it has the shape, but the checksum is wrong. `other_environment`:
 * well-formed, but of another environment or for another type than its prefix says, so no record of this
 * deployment can match.
 */
export function parseApiKey(
  text: string,
  prefixes: KeyPrefixes,
): ParsedApiKey | "not_native" | "malformed" | "other_environment" {
  if (text.length > API_KEY_LENGTH_MAX) return "not_native";
  const bodyStart = text.length - BODY_LENGTH;
  if (bodyStart < 2 || text.charAt(bodyStart - 1) !== "_") return "not_native";
  const prefix = text.slice(0, bodyStart - 1);
  const body = text.slice(bodyStart);
  if (!isNativePrefix(prefix, prefixes) || !BODY_PATTERN.test(body)) return "not_native";
  const checksum = crc32OfAscii(text, text.length - CHECKSUM_LENGTH);
  if (decodeBase62(text.slice(-CHECKSUM_LENGTH)) !== checksum) return "malformed";

  const lookup = body.slice(0, LOOKUP_LENGTH);
  const type = keyTypeOfLookup(lookup);
  if (type === undefined || prefixes[type] !== prefix) return "other_environment";
  return { type, prefix, lookup, secret: body.slice(LOOKUP_LENGTH, LOOKUP_LENGTH + SECRET_LENGTH) };
}

function isNativePrefix(prefix: string, prefixes: KeyPrefixes): boolean {
  if (NATIVE_PREFIX_PATTERN.test(prefix)) return true;
  return PREFIX_PATTERN.test(prefix) && Object.values(prefixes).includes(prefix);
}

function checksumOf(unchecked: string): string {
  return encodeBase62(BigInt(crc32OfAscii(unchecked)), CHECKSUM_LENGTH);
}
