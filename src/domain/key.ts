// The record of a key, and what can be read off it alone. Changes are key-changes.ts's; whether a key may be
// used is lifecycle.ts's.
import { hashFields } from "../lib/hash-fields.ts";
import type { Mac } from "./api-key/digests.ts";
import { displayPrefix } from "./api-key/key-format.ts";
import { lookupOf } from "./api-key/key-id.ts";
import type { KeyType } from "./key-type.ts";
import type { Owner, PrincipalEpoch } from "./principal.ts";

/** One issue of a secret under a key_id: its two digests, never the secret. */
export interface Generation {
  /** From 1, counting upward. */
  readonly number: number;
  readonly createTime: number;
  readonly mac: Mac;
  /** bcrypt of the 30-character secret. */
  readonly bcrypt: string;
  /** When it stops working; absent on the newest. */
  readonly endTime?: number;
  /** Names the Refresh that issued it, when that had a request_id. */
  readonly requestKey?: string;
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
  readonly createTime: number;
  readonly createdBy: string;
  readonly updateTime: number;
  readonly expireTime?: number;
  readonly disabled: boolean;
  readonly revocation?: { readonly time: number; readonly reason: string };
  /** Newest first; one, or two during a grace window. */
  readonly generations: readonly [Generation, ...Generation[]];
  /** What it was created under; never renewed. */
  readonly epochs: readonly PrincipalEpoch[];
  /** The exclusive place that it was created in. */
  readonly slot?: { readonly id: string; readonly number: number };
  /** Recognizes a repeated Create: who asked with which id, and for what. */
  readonly request?: { readonly key: string; readonly digest: string };
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

/** What is shown of the key's api_keys. */
export function keyPrefixOf(key: KeyRecord): string {
  return displayPrefix(key.prefix, lookupOf(key.keyId) ?? "");
}

/** Opaque, different for every revision of every key. */
export function etagOf(key: KeyRecord): string {
  return hashFields("etag", key.keyId, String(key.revision)).toString("base64url").slice(0, 22);
}
