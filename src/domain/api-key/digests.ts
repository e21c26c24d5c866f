// What is stored instead of an api_key: a MAC of the whole of it under a versioned pepper (fast, Verify's),
// beside a bcrypt of its secret (slow, survives the loss of a pepper; app/secret runs it). Neither leads back
// to the key. SHA-256 is what another system may have stored instead.
import { hash, timingSafeEqual } from "node:crypto";
import { HmacSecret } from "../../lib/hmac.ts";

export const PEPPER_BYTES = 32;

/** A server secret that lives outside the database. Versions count upward from 1. */
export interface Pepper {
  readonly version: number;
  readonly secret: Buffer;
}

/** The peppers of a node: one makes new MACs, all accept; lost ones are gone and were declared so. */
export interface PepperSet {
  readonly current: Pepper;
  readonly accepted: ReadonlyMap<number, Pepper>;
  readonly lost: ReadonlySet<number>;
}

/** An HMAC-SHA-256 in base64url, and the version of the pepper that it was made under. */
export interface Mac {
  readonly version: number;
  readonly value: string;
}

/** The first pepper is current; all are accepted. */
export function pepperSet(peppers: readonly Pepper[], lost: readonly number[] = []): PepperSet {
  const [current] = peppers;
  if (current === undefined) throw new RangeError("at least one pepper is needed");
  return {
    current,
    accepted: new Map(peppers.map((pepper) => [pepper.version, pepper])),
    lost: new Set(lost),
  };
}

/** The MAC of an api_key under a pepper. */
export function macOf(apiKey: string, pepper: Pepper): Mac {
  return { version: pepper.version, value: hmac(pepper, apiKey).toString("base64url") };
}

/** Compares in constant time, so that an attacker cannot find a MAC byte by byte. */
export function macMatches(apiKey: string, pepper: Pepper, mac: Mac): boolean {
  return isEqual(Buffer.from(mac.value, "base64url"), hmac(pepper, apiKey));
}

/** The SHA-256 of an api_key in base64url, for those that another system kept no better. */
export function sha256Of(apiKey: string): string {
  return hash("sha256", apiKey, "base64url");
}

/** Compares in constant time, as macMatches. */
export function sha256Matches(apiKey: string, digest: string): boolean {
  return isEqual(Buffer.from(digest, "base64url"), sha256(apiKey));
}

/** A public value by which the store recognizes a pepper version that was given another secret. */
export function pepperCheck(pepper: Pepper): string {
  return deriveKey(pepper, "check").toString("base64url");
}

/** A key for another use than api_keys. The label cannot be an api_key: no api_key begins with a NUL. */
export function deriveKey(pepper: Pepper, use: string): Buffer {
  return hmac(pepper, `\0fleetkey ${use}`);
}

function isEqual(stored: Buffer, presented: Buffer): boolean {
  return stored.length === presented.length && timingSafeEqual(stored, presented);
}

function sha256(text: string): Buffer {
  return Buffer.from(hash("sha256", text, "latin1"), "latin1");
}

/** Made once for each pepper. */
const SECRETS = new WeakMap<Pepper, HmacSecret>();

function hmac(pepper: Pepper, text: string): Buffer {
  const known = SECRETS.get(pepper);
  if (known !== undefined) return known.macOf(text);
  const secret = new HmacSecret(pepper.secret);
  SECRETS.set(pepper, secret);
  return secret.macOf(text);
}
