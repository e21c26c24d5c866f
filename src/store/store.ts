// The contract of a store, in narrow interfaces; README.md tells it in prose. sqlite/ and mongo/ implement
// it, test/store/contract proves both, nothing above knows which one runs. Every method can reject with
// FleetkeyError `unavailable` (errors.ts): the store did not answer. A write that rejected so may have
// happened or not; what it wrote is whole either way. No other rejection is part of the contract.
import type { Mac } from "../domain/api-key/digests.ts";
import type { Event, EventKind, NumberedEvent } from "../domain/audit/event.ts";
import type { Period } from "../domain/grant/quota.ts";
import type { KeyRecord } from "../domain/key.ts";
import type { KeyType } from "../domain/key-type.ts";
import type { Owner, PrincipalRecord, Principals } from "../domain/principal.ts";
import type { KeyUse, LastUse } from "../domain/usage.ts";

/**
 * What became of a guarded write. `conflict`: the record is not at the expected revision (or not there),
 * nothing was written. `backlog`: too many of its events wait to be relayed, nothing was written; never for a
 * revocation.
 */
export type WriteOutcome = "written" | "conflict" | "backlog";

/** A place in the order of keys: (createTime, keyId), ascending. */
export interface KeyPosition {
  readonly createTime: number;
  readonly keyId: string;
}

export interface KeyQuery {
  /** At least one; their keys come merged in one order. */
  readonly types: readonly KeyType[];
  /** Only keys that carry all parts that are given. */
  readonly owner: Owner;
  /** Only keys of exactly this name. */
  readonly name?: string;
  /** Only keys whose expireTime is at or after this time. */
  readonly expireFrom?: number;
  /** Only keys whose expireTime is before this time. */
  readonly expireBefore?: number;
  /** Only keys behind this position. */
  readonly after?: KeyPosition;
  /** At least 1. */
  readonly limit: number;
}

export interface KeyStore {
  /** Writes a new key and its event, atomically. False: the key_id is taken, nothing was written. */
  insert(key: KeyRecord, event: Event): Promise<boolean>;

  /**
   * Writes those of the new keys whose key_id is free, each whole, and the event together with the first of
   * them. True for each that was written, in order. When none is, neither is the event.
   */
  insertBatch(keys: readonly KeyRecord[], event: Event): Promise<readonly boolean[]>;

  /** The record as of the last write that was answered, or a later one. */
  read(keyId: string): Promise<KeyRecord | undefined>;

  /** Replaces the record at revision `next.revision - 1` and writes the event, atomically. */
  update(next: KeyRecord, event: Event): Promise<WriteOutcome>;

  /**
   * Makes what was read at this revision safe to answer with: a guarded write without a change, after which
   * the record is as durable as a change of its own would be and its events are in the feed. False: not at
   * this revision.
   */
  confirm(keyId: string, revision: number): Promise<boolean>;

  /**
   * Replaces the MAC of one generation if it is still `from`; undefined: if it has none. Touches neither the
   * revision nor the events, since nothing that anyone can see changes. False: it was not `from`.
   */
  replaceMac(keyId: string, generation: number, from: Mac | undefined, to: Mac): Promise<boolean>;

  /**
   * Removes a key at this revision, all of whose events are in the feed. False: it is not at this revision,
   * not there, or has events that wait; nothing was removed.
   */
  remove(keyId: string, revision: number): Promise<boolean>;

  /**
   * Up to `limit` keys in order. A key that was there before the first page of a walk comes exactly once in
   * it; fewer than `limit` keys means that there are no more.
   */
  list(query: KeyQuery): Promise<readonly KeyRecord[]>;

  /** The key with the highest number in an exclusive place, live or dead. */
  readSlotHolder(type: KeyType, slotId: string): Promise<KeyRecord | undefined>;

  /** The key of any type that this request created. */
  readRequest(requestKey: string): Promise<KeyRecord | undefined>;
}

export interface PrincipalStore {
  /**
   * The records, as of the last write that was answered, of those that were ever raised. For the few of one
   * key.
   */
  read(principalIds: readonly string[]): Promise<Principals>;

  /**
   * The same for the principals of many keys, in one go. May miss the last writes while a primary changes.
   */
  readMany(principalIds: readonly string[]): Promise<Principals>;

  /** Up to `limit` records whose owner carries this user, in any order. */
  listOfUser(userId: string, limit: number): Promise<readonly PrincipalRecord[]>;

  /**
   * Replaces the record at revision `next.revision - 1` (1: writes the first) and writes the event,
   * atomically.
   */
  write(next: PrincipalRecord, event: Event): Promise<WriteOutcome>;

  /** As KeyStore.confirm. */
  confirm(principalId: string, revision: number): Promise<boolean>;
}

export interface EventQuery {
  readonly keyId?: string;
  readonly owner: Owner;
  readonly caller?: string;
  readonly kind?: EventKind;
  /** Inclusive. */
  readonly startTime?: number;
  /** Exclusive. */
  readonly endTime?: number;
  /** Only events with a higher number. */
  readonly after: number;
  /** At least 1. */
  readonly limit: number;
}

export interface EventStore {
  /**
   * Up to `limit` events by number. The event of every write that was answered is there, once. Numbers ascend
   * with the order of the writes to one record; some are missing.
   */
  list(query: EventQuery): Promise<readonly NumberedEvent[]>;

  /**
   * Brings events into the feed that were written before this time and whose writer did not come to it.
   * Several nodes may do so at once. Returns how many records had some.
   */
  relayPending(before: number): Promise<number>;

  /**
   * Takes user_id, address, reason, url and changes out of every event that carries the user. Numbers, kinds,
   * times, callers and key_ids stay. Returns how many events it changed.
   */
  eraseUser(userId: string): Promise<number>;

  /**
   * Removes up to `limit` events from the start of the feed, up to the first one that is not older than this
   * time, and never the newest one: what a reader of the feed finds is always an end of it. Returns how many.
   */
  removeOld(before: number, limit: number): Promise<number>;
}

/** A number of the feed and what changed under it; neither when the number was not needed. */
export interface FeedEntry {
  readonly number: number;
  readonly keyId?: string;
  readonly principalId?: string;
}

/**
 * The feed as nodes follow it, to forget what changed. It has connections of its own, so that no load on the
 * others delays it.
 */
export interface FeedReader {
  /**
   * The highest number that was drawn, 0 when none was. The event of every write that was answered before the
   * call has this number or a lower one; as exact as KeyStore.read.
   */
  readHead(): Promise<number>;

  /** Up to `limit` entries with a number above `after`, in order, but for those that are not written yet. */
  readAfter(after: number, limit: number): Promise<readonly FeedEntry[]>;

  /** Those of these numbers that are there by now, in any order. */
  readNumbers(numbers: readonly number[]): Promise<readonly FeedEntry[]>;
}

export interface UsageStore {
  /**
   * Adds uses of keys: counts add up, of time, address and user agent the newest stays. At most one entry a
   * key. Not atomic as a whole, and may be forgotten by a store that crashes: nothing but information rests
   * on it. Only what is added together with the mark of an erasure is as durable as a change.
   */
  add(uses: readonly KeyUse[]): Promise<void>;

  /** What is known of the use of these keys, by key_id. One that was never used is missing. */
  readMany(keyIds: readonly string[]): Promise<ReadonlyMap<string, LastUse>>;

  /** Forgets the use of a key. */
  remove(keyId: string): Promise<void>;
}

/** The count of one key in one period. */
export interface QuotaCount {
  readonly keyId: string;
  readonly period: Period;
}

/** Uses that one node has set aside for itself. */
export interface QuotaLease {
  /** Unique, of letters and digits. */
  readonly leaseId: string;
  /** At least 1. */
  readonly size: number;
}

export interface QuotaStore {
  /**
   * Counts `lease.size` more uses as granted if no more than `limit` are granted then, and remembers the
   * lease, unless it is of one use, so that what is left of it can be given back. `finishedLeaseId` is one
   * of the caller's own, used up, and is forgotten by the same write; a refusal changes nothing. Atomic.
   * Gives how many are granted afterwards, whether by this call or not.
   */
  grant(
    count: QuotaCount,
    lease: QuotaLease,
    limit: number,
    finishedLeaseId?: string,
  ): Promise<{ readonly isGranted: boolean; readonly granted: number }>;

  /**
   * Takes `unused` uses of a lease out of the count and forgets the lease, in one write. False: there is no
   * such lease (any more), or it is smaller; nothing changed. So it can be repeated. 0 only forgets the
   * lease.
   */
  giveBack(count: QuotaCount, leaseId: string, unused: number): Promise<boolean>;

  /** Removes up to `limit` counts of periods that ended before this time. Returns how many. */
  removeEnded(before: number, limit: number): Promise<number>;

  /** Removes all counts of a key. */
  remove(keyId: string): Promise<void>;
}

export interface PepperCheckStore {
  /** The check values of all pepper versions that were ever in use, by version. */
  read(): Promise<ReadonlyMap<number, string>>;

  /** Writes the check value of a version that has none. False: it has one, which stays. */
  insert(version: number, check: string): Promise<boolean>;
}

export interface Store {
  readonly keys: KeyStore;
  readonly principals: PrincipalStore;
  readonly events: EventStore;
  readonly feed: FeedReader;
  readonly usage: UsageStore;
  readonly quotas: QuotaStore;
  readonly pepperChecks: PepperCheckStore;

  /** Resolves when the store answers. */
  ping(): Promise<void>;

  /** Ends all connections. No method may be called afterwards. */
  close(): Promise<void>;
}
