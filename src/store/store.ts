// The contract of a store, in narrow interfaces; README.md tells it in prose. sqlite/ and mongo/ implement
// it, test/store/contract proves both, nothing above knows which one runs. Every method can reject with
// FleetkeyError `unavailable` (errors.ts): the store did not answer. A write that rejected so may have
// happened or not; what it wrote is whole either way. No other rejection is part of the contract.
import type { Mac } from "../domain/api-key/digests.ts";
import type { Event, EventKind, NumberedEvent } from "../domain/audit/event.ts";
import type { KeyRecord } from "../domain/key.ts";
import type { KeyType } from "../domain/key-type.ts";
import type { Owner, PrincipalRecord, Principals } from "../domain/principal.ts";

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
  /** Only keys behind this position. */
  readonly after?: KeyPosition;
  /** At least 1. */
  readonly limit: number;
}

export interface KeyStore {
  /** Writes a new key and its event, atomically. False: the key_id is taken, nothing was written. */
  insert(key: KeyRecord, event: Event): Promise<boolean>;

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
   * Replaces the MAC of one generation if it is still `from`. Touches neither the revision nor the events,
   * since nothing that anyone can see changes. False: it was not `from`.
   */
  replaceMac(keyId: string, generation: number, from: Mac, to: Mac): Promise<boolean>;

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
  readonly pepperChecks: PepperCheckStore;

  /** Resolves when the store answers. */
  ping(): Promise<void>;

  /** Ends all connections. No method may be called afterwards. */
  close(): Promise<void>;
}
