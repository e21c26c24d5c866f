// Whether an api_key is the one that a generation stands for: by its MAC, or without one that can be compared
// by the digest that needs no pepper.
import { macMatches, type PepperSet, sha256Matches } from "../../domain/api-key/digests.ts";
import { formatApiKey } from "../../domain/api-key/key-format.ts";
import { lookupOf } from "../../domain/api-key/key-id.ts";
import type { Generation, ImportedDigest, KeyRecord } from "../../domain/key.ts";
import type { AppPorts } from "../ports.ts";
import { BCRYPT_BYTES_MAX } from "./bcrypt-hash.ts";

/** An api_key and what its text says of it: its secret part, or the foreign formats that it can be of. */
export type Presented =
  | { readonly apiKey: string; readonly secret: string }
  | { readonly apiKey: string; readonly formats: ReadonlySet<string> };

/** `unknowable`: the MAC is under a pepper that this node lacks and that nobody declared lost. */
export type Match = "match" | "mismatch" | "unknowable";

/** By the MAC alone; undefined when only the slow digest can tell. */
export function matchMac(
  peppers: PepperSet,
  { mac, imported }: Generation,
  presented: Presented,
): Match | undefined {
  // A text of the native shape never opens what was imported, nor the other way round.
  const isOfItsKind =
    "formats" in presented
      ? imported !== undefined && presented.formats.has(imported.format)
      : imported === undefined;
  if (!isOfItsKind) return "mismatch";
  if (mac === undefined) return undefined;
  const pepper = peppers.accepted.get(mac.version);
  if (pepper !== undefined) return macMatches(presented.apiKey, pepper, mac) ? "match" : "mismatch";
  return peppers.lost.has(mac.version) ? undefined : "unknowable";
}

/** Rejects with `unavailable` when the slow digest is needed and cannot be had now. */
export async function matchGeneration(
  { peppers, slowCheck }: Pick<AppPorts, "peppers" | "slowCheck">,
  key: KeyRecord,
  generation: Generation,
  presented: Presented,
): Promise<Match> {
  const byMac = matchMac(peppers, generation, presented);
  if (byMac !== undefined) return byMac;
  const { imported } = generation;
  const isMatch =
    "secret" in presented
      ? await nativeMatches(slowCheck, key, generation, presented)
      : imported !== undefined && (await importedMatches(slowCheck, key.keyId, imported, presented.apiKey));
  return isMatch ? "match" : "mismatch";
}

async function nativeMatches(
  slowCheck: AppPorts["slowCheck"],
  key: KeyRecord,
  { bcrypt }: Generation,
  { apiKey, secret }: { readonly apiKey: string; readonly secret: string },
): Promise<boolean> {
  // bcrypt covers the secret alone: everything around it must be what this key's api_keys carry.
  if (formatApiKey(key.prefix, lookupOf(key.keyId) ?? "", secret) !== apiKey) return false;
  return bcrypt !== undefined && slowCheck.matches(key.keyId, secret, bcrypt);
}

async function importedMatches(
  slowCheck: AppPorts["slowCheck"],
  keyId: string,
  { algorithm, digest }: ImportedDigest,
  apiKey: string,
): Promise<boolean> {
  if (algorithm === "sha256") return sha256Matches(apiKey, digest);
  // bcrypt ignores what is behind: a longer text would match others that begin alike.
  if (Buffer.byteLength(apiKey) > BCRYPT_BYTES_MAX) return false;
  return slowCheck.matches(keyId, apiKey, digest);
}
