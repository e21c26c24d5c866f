// The record of a key, and what can be read off it alone. Changes are key-changes.ts's; whether a key may be
// used is lifecycle.ts's.
import { hashFields } from "../lib/hash-fields.ts";
import type { Mac } from "./api-key/digests.ts";
import { displayPrefix } from "./api-key/key-format.ts";
import { lookupOf } from "./api-key/key-id.ts";
import type { Quota } from "./grant/quota.ts";
import type { RateLimit } from "./grant/rate-limit.ts";
import type { KeyType } from "./key-type.ts";
import type { Owner, PrincipalEpoch } from "./principal.ts";

/** A digest of a whole api_key that another system issued. */
export interface ImportedDigest {
  /** The name of the foreign format that the api_key has. */
  readonly format: string;
  readonly algorithm: "sha256" | "bcrypt";
  /** SHA-256 in base64url, or bcrypt's own text. */
  readonly digest: string;
}

/** One issue of a secret under a key_id: its two digests, never the secret. */
export interface Generation {
  /** From 1, counting upward. */
  readonly number: number;
  readonly createTime: number;
  /** What Verify compares. Absent on an imported one until its first use. */
  readonly mac?: Mac;
  /** bcrypt of the 30-character secret; absent on an imported one. */
  readonly bcrypt?: string;
  /** On an imported one: what the other system kept of its api_key. */
  readonly imported?: ImportedDigest;
  /** When it stops working; absent on the newest. */
  readonly endTime?: number;
  /** Names the Refresh that issued it, when that had a request_id. */
  readonly requestKey?: string;
}

export interface Disablement {
  readonly time: number;
  readonly caller: string;
  /** By a caller without bounds; one with bounds cannot lift it. */
  readonly isByOperator: boolean;
}

/** Everything that is stored of a key. Times are milliseconds since the Unix epoch. */
export interface KeyRecord {
  readonly keyId: string;
  readonly type: KeyType;
  /** The prefix of its api_keys, such as `fl_user_prod`. */
  readonly prefix: string;
  readonly environment: string;
  readonly owner: Owner;
  readonly provider?: string;
  readonly name: string;
  readonly description: string;
  /** JSON text, so that no store can bend keys such as `__proto__` or `$where`. */
  readonly metadata?: string;
  readonly scopes: readonly string[];
  /** Names of sets of scopes; what they hold is the settings' and can change under the key. */
  readonly roles: readonly string[];
  /** Ranges of addresses that it works from; none: from anywhere. */
  readonly allowedCidrs: readonly string[];
  readonly rateLimit?: RateLimit;
  readonly quota?: Quota;
  readonly createTime: number;
  readonly createdBy: string;
  readonly updateTime: number;
  readonly expireTime?: number;
  /** Since when it is switched off, and by whom. */
  readonly disablement?: Disablement;
  readonly revocation?: { readonly time: number; readonly reason: string };
  /** Newest first; one, or two during a grace window. */
  readonly generations: readonly [Generation, ...Generation[]];
  /** What it was created under; never renewed. */
  readonly epochs: readonly PrincipalEpoch[];
  /** The exclusive place that it was created in. */
  readonly slot?: { readonly id: string; readonly number: number };
  /** The foreign format that it was imported with; its api_keys of before may still be in use. */
  readonly importFormat?: string;
  /** Recognizes a repeated Create: who asked with which id, and for what. */
  readonly request?: { readonly key: string; readonly digest: string };
  /** The expireTime that an event has told of as near. */
  readonly noticedExpireTime?: number;
  /** When its api_key was first reported as found in public, without being revoked for it. */
  readonly leakReportTime?: number;
  /** When it was chosen to be removed. Nothing but the removal follows. */
  readonly purgeTime?: number;
  /** Raised by one with each change; guards concurrent writers. */
  readonly revision: number;
}

/** The newest generation. */
export function newestGeneration(key: KeyRecord): Generation {
  return key.generations[0];
}

/** The generations that still work at this time, newest first. */
export function liveGenerations(key: KeyRecord, now: number): readonly Generation[] {
  return key.generations.filter(({ endTime }) => endTime === undefined || now < endTime);
}

/** What is shown of the key's api_keys. Those that another system issued are known by their format. */
export function keyPrefixOf(key: KeyRecord): string {
  const { imported } = newestGeneration(key);
  if (imported !== undefined) return imported.format;
  return displayPrefix(key.prefix, lookupOf(key.keyId) ?? "");
}

/** Opaque, different for every revision of every key. */
export function etagOf(key: KeyRecord): string {
  return hashFields("etag", key.keyId, String(key.revision)).toString("base64url").slice(0, 22);
}
