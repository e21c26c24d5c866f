// Where the lookup part of a key comes from: random, or derived, so that `_id` alone makes a request_id, an
// exclusive place or an imported digest unique, on any deployment and without a transaction.
import { base62FromBytes, type RandomBytes, randomBase62 } from "../../lib/base62.ts";
import { hashFields } from "../../lib/hash-fields.ts";
import { KEY_TYPE_TRAITS, type KeyType, keyTypeOfLookup } from "../key-type.ts";
import type { Owner } from "../principal.ts";
import { LOOKUP_LENGTH } from "./key-format.ts";

const KEY_ID_PATTERN = /^flk_([uospi][0-9A-Za-z]{11})$/;

/** The public handle of the key with this lookup part. */
export function keyIdOf(lookup: string): string {
  return `flk_${lookup}`;
}

/** The lookup part of a key_id, or undefined when it is not one. */
export function lookupOf(keyId: string): string | undefined {
  return KEY_ID_PATTERN.exec(keyId)?.[1];
}

/** The type of the key with this key_id, or undefined when it is not one. */
export function keyTypeOf(keyId: string): KeyType | undefined {
  const lookup = lookupOf(keyId);
  return lookup === undefined ? undefined : keyTypeOfLookup(lookup);
}

/** The type's initial and 11 random characters, 65 bits. */
export function randomLookup(type: KeyType, randomBytes: RandomBytes): string {
  return KEY_TYPE_TRAITS[type].initial + randomBase62(LOOKUP_LENGTH - 1, randomBytes);
}

/** The same for the same source, for as long as the record is kept. */
export function derivedLookup(type: KeyType, source: string): string {
  const rest = base62FromBytes(hashFields("lookup", type, source), LOOKUP_LENGTH - 1);
  return KEY_TYPE_TRAITS[type].initial + rest;
}

/** Where an imported key is whose api_key has this SHA-256, in base64url. */
export function sha256Lookup(environment: string, type: KeyType, digest: string): string {
  return derivedLookup(type, `sha256:${environment}:${digest}`);
}

/** Where an imported key is whose api_key has this foreign format and holds this lookup part of its own. */
export function bcryptLookup(environment: string, type: KeyType, format: string, lookup: string): string {
  return derivedLookup(type, `bcrypt:${environment}:${format}:${lookup}`);
}

/** Names one request of one caller, without holding either. */
export function requestKeyOf(caller: string, requestId: string): string {
  return hashFields("request", caller, requestId).toString("base64url");
}

/** Names the place that only one live exclusive key can hold. */
export function slotIdOf(environment: string, type: KeyType, owner: Owner, provider = ""): string {
  const { userId = "", organizationId = "", serviceAccountId = "" } = owner;
  return hashFields("slot", environment, type, userId, organizationId, serviceAccountId, provider).toString(
    "base64url",
  );
}

/** The source of the lookup part of a slot's holder with this running number. */
export function slotSource(slotId: string, number: number): string {
  return `${slotId}:${number}`;
}
