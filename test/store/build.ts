// Builds what the store tests write: keys that differ from each other, their changes, and events with ids
// that never repeat. Everything is the same from run to run.
import { keyIdOf, randomLookup } from "../../src/domain/api-key/key-id.ts";
import { type Event, importEvent, keyEvent, principalEvent } from "../../src/domain/audit/event.ts";
import type { KeyRecord } from "../../src/domain/key.ts";
import { eraseKey, refreshKey, revokeKey } from "../../src/domain/key-changes.ts";
import type { KeyType } from "../../src/domain/key-type.ts";
import {
  erasePrincipal,
  newPrincipal,
  type Owner,
  type PrincipalRecord,
  raiseEpoch,
} from "../../src/domain/principal.ts";
import { buildKey, OWNER, START, seededBytes } from "../domain/build.ts";

export const CALLER = "caller-1";
/** Later than any event: everything that waits is relayed. */
export const FAR_FUTURE = Date.UTC(9000, 0, 1);

/** A record to write and the event that tells of it. */
export interface KeyChange {
  readonly next: KeyRecord;
  readonly event: Event;
}
export interface PrincipalChange {
  readonly next: PrincipalRecord;
  readonly event: Event;
}

const eventIdBytes = seededBytes(4_711);

/** The small count by default, the larger one in the long run. */
export function countOf(small: number, large: number): number {
  return process.env.TEST_LONG === "1" ? large : small;
}

/** A valid key_id of this type, another one for each seed. */
export function keyIdAt(seed: number, type: KeyType = "user"): string {
  return keyIdOf(randomLookup(type, seededBytes(seed)));
}

/** A new key, another one for each seed. */
export function keyAt(seed: number, overrides: Partial<KeyRecord> = {}): KeyRecord {
  return buildKey({ keyId: keyIdAt(seed, overrides.type), ...overrides });
}

/** The event of a key's creation. */
export function creationOf(key: KeyRecord, overrides: Partial<Event> = {}): Event {
  const at = { now: key.createTime, randomBytes: eventIdBytes };
  return { ...keyEvent("key_created", { after: key }, { caller: key.createdBy }, at), ...overrides };
}

/** The key under its next generation; the former one works on for a minute. */
export function refreshOf(key: KeyRecord, caller = CALLER): KeyChange {
  const now = key.updateTime + 1_000;
  const mac = { version: 1, value: `mac-${key.keyId}-${key.revision + 1}` };
  const next = refreshKey(key, { mac, bcrypt: "bcrypt-digest" }, { now, graceMs: 60_000 });
  return {
    next,
    event: keyEvent(
      "key_refreshed",
      { before: key, after: next },
      { caller },
      { now, randomBytes: eventIdBytes },
    ),
  };
}

/** The key revoked. */
export function revocationOf(key: KeyRecord, reason = "leaked"): KeyChange {
  const now = key.updateTime + 1_000;
  const next = revokeKey(key, { now, reason });
  const at = { now, randomBytes: eventIdBytes };
  return {
    next,
    event: keyEvent("key_revoked", { before: key, after: next }, { caller: CALLER, reason }, at),
  };
}

/** The key without what is personal. */
export function erasureOf(key: KeyRecord): KeyChange {
  const now = key.updateTime + 1_000;
  const next = eraseKey(key, now);
  const at = { now, randomBytes: eventIdBytes };
  return { next, event: keyEvent("key_erased", { before: next, after: next }, { caller: CALLER }, at) };
}

/** The event of a batch of new keys. */
export function importOf(keys: readonly KeyRecord[], caller = CALLER): Event {
  return importEvent(keys.length, { caller }, { now: START, randomBytes: eventIdBytes });
}

/** The principal after one more raise. */
export function raiseOf(principal: PrincipalRecord, reason = "left"): PrincipalChange {
  const now = START + (principal.revision + 1) * 1_000;
  const next = raiseEpoch(principal, { time: now, reason, caller: CALLER });
  const at = { now, randomBytes: eventIdBytes };
  return { next, event: principalEvent("principal_revoked", next, { caller: CALLER, reason }, at) };
}

/** The first raise of the principal that is this owner. */
export function firstRaiseOf(owner: Owner = OWNER, reason = "left"): PrincipalChange {
  return raiseOf(newPrincipal(owner), reason);
}

/** The principal without what is personal. */
export function principalErasureOf(principal: PrincipalRecord): PrincipalChange {
  const next = erasePrincipal(principal);
  const at = { now: START + next.revision * 1_000, randomBytes: eventIdBytes };
  return { next, event: principalEvent("principal_erased", next, { caller: CALLER }, at) };
}
