// The keys that this process remembers, with their principals, so that Verify need not ask the store. They
// are records, not verdicts: every rule is still asked of them. What may be used when is the lease's; what is
// forgotten when, the feed's and forgetting-store's.
import { LRUCache } from "lru-cache";
import { unavailable } from "../domain/errors.ts";
import type { KeyView } from "../domain/verdict.ts";
import { elapsedMs, type Moment, momentOf, type Stopwatch } from "../lib/clock.ts";
import type { Changed } from "./forgetting-store.ts";
import type { Lease } from "./lease.ts";
import { PacedReads, TooManyReads } from "./paced-reads.ts";

/** Reads begun in one turn of the event loop, in all, and waiting: what is more is told `unavailable`. */
const READS_PER_TURN_MAX = 4;
const READS_RUNNING_MAX = 64;
const READS_WAITING_MAX = 2_048;
const READ_WAIT_MS_MAX = 2_000;
/** How soon a key is read again for the sake of a secret that what is held of it refuses. */
export const READ_AGAIN_MS_MIN = 200;

export interface HeldKeysOptions {
  /** 0: nothing is held. The key that was not used for longest makes room. */
  readonly entriesMax: number;
  /** A record that was held for so long is read anew. */
  readonly ageMsMax: number;
  readonly lease: Lease;
  readonly stopwatch: Stopwatch;
  /** The key as the store tells it now, with its principals, read after it. */
  readonly readStored: (keyId: string) => Promise<KeyView | undefined>;
}

/** A principal that held keys carry: one for all of them, so that they end together. */
interface Carried {
  readonly principalId: string;
  keys: number;
  isChanged: boolean;
}
interface Entry {
  readonly view: KeyView;
  readonly carried: readonly Carried[];
  readonly since: number;
  readAgainAt: number;
}
/** A read that is under way, and when it was sent. */
interface Flight {
  sentAt?: Moment;
  result?: Promise<KeyView | undefined>;
}

export interface HeldKeysCounts {
  readonly hits: number;
  /** Calls that had to wait for a read. */
  readonly misses: number;
  /** Reads whose result was not kept, because something changed meanwhile. */
  readonly discarded: number;
  /** Reads that were refused because too many waited. */
  readonly shed: number;
  readonly size: number;
  /** Principals that held keys carry. */
  readonly principals: number;
}

export class HeldKeys {
  readonly #options: HeldKeysOptions;
  readonly #entries: LRUCache<string, Entry> | undefined;
  readonly #carried = new Map<string, Carried>();
  /** Whose result will be kept. One that is taken out here serves those that wait for it and nobody else. */
  readonly #flights = new Map<string, Flight>();
  readonly #reads: PacedReads;
  readonly #counts = { hits: 0, misses: 0, discarded: 0, shed: 0 };

  constructor(options: HeldKeysOptions) {
    this.#options = options;
    this.#reads = new PacedReads({
      perTurnMax: READS_PER_TURN_MAX,
      runningMax: READS_RUNNING_MAX,
      waitingMax: READS_WAITING_MAX,
      waitMsMax: READ_WAIT_MS_MAX,
      monotonic: options.stopwatch.monotonic,
    });
    if (options.entriesMax === 0) return;
    this.#entries = new LRUCache<string, Entry>({
      max: options.entriesMax,
      dispose: (entry) => this.#letGo(entry.carried),
    });
  }

  get counts(): HeldKeysCounts {
    return { ...this.#counts, size: this.#entries?.size ?? 0, principals: this.#carried.size };
  }

  /** What is held of a key, if it can be trusted now. */
  held(keyId: string): KeyView | undefined {
    const entry = this.#entryOf(keyId);
    if (entry === undefined) return undefined;
    this.#counts.hits += 1;
    return entry.view;
  }

  /** What is held, or what the store says. Rejects with `unavailable`. */
  async read(keyId: string): Promise<KeyView | undefined> {
    const held = this.held(keyId);
    if (held !== undefined) return held;
    this.#counts.misses += 1;
    const running = this.#joinable(keyId);
    if (running === undefined) return this.#fly(keyId);
    // It may have been sent before the key was made: that there is none is not taken from it.
    return (await running) ?? this.#fly(keyId);
  }

  /**
   * What the store says now, for a secret that `seen` refuses: it may have come by a Refresh that is not told
   * yet. Undefined when nothing is held, or the key was read again just now.
   */
  async readAgain(keyId: string, seen: KeyView): Promise<KeyView | undefined> {
    const entry = this.#entryOf(keyId);
    if (entry === undefined) return undefined;
    if (entry.view !== seen) return entry.view;
    const now = this.#options.stopwatch.monotonic();
    if (now - entry.readAgainAt < READ_AGAIN_MS_MIN) return undefined;
    entry.readAgainAt = now;
    return this.#fly(keyId);
  }

  /** Whoever asks from now on gets what the store says. */
  forget({ keyId, principalId }: Changed): void {
    if (keyId !== undefined) {
      this.#entries?.delete(keyId);
      this.#flights.delete(keyId);
    }
    if (principalId === undefined) return;
    const carried = this.#carried.get(principalId);
    if (carried !== undefined) carried.isChanged = true;
    this.#carried.delete(principalId);
    // Which principals a key carries is known only when it is read.
    this.#flights.clear();
  }

  forgetAll(): void {
    this.#entries?.clear();
    this.#flights.clear();
  }

  #entryOf(keyId: string): Entry | undefined {
    if (this.#entries === undefined || !this.#options.lease.isLive()) return undefined;
    const entry = this.#entries.get(keyId);
    if (entry === undefined) return undefined;
    const isOld = this.#options.stopwatch.monotonic() - entry.since >= this.#options.ageMsMax;
    if (!isOld && !hasChanged(entry)) return entry;
    this.#entries.delete(keyId);
    return undefined;
  }

  // It lives no longer than the lease: without one nothing tells that the key has changed since it was sent.
  #joinable(keyId: string): Promise<KeyView | undefined> | undefined {
    const running = this.#flights.get(keyId);
    return running === undefined || this.#isOld(running) ? undefined : running.result;
  }

  // One read for all that ask at the same time.
  #fly(keyId: string): Promise<KeyView | undefined> {
    const running = this.#joinable(keyId);
    if (running !== undefined) return running;
    const flight: Flight = {};
    this.#flights.set(keyId, flight);
    flight.result = this.#land(keyId, flight);
    return flight.result;
  }

  async #land(keyId: string, flight: Flight): Promise<KeyView | undefined> {
    try {
      const view = await this.#reads.run(() => {
        flight.sentAt = momentOf(this.#options.stopwatch);
        return this.#options.readStored(keyId);
      });
      // As true as what is held only if nothing that was told since it was sent touches it.
      if (this.#flights.get(keyId) !== flight) this.#counts.discarded += 1;
      else if (view !== undefined) this.#keep(keyId, view);
      return view;
    } catch (error) {
      if (!(error instanceof TooManyReads)) throw error;
      this.#counts.shed += 1;
      throw unavailable("too many keys wait to be read", "TOO_MANY_READS");
    } finally {
      if (this.#flights.get(keyId) === flight) this.#flights.delete(keyId);
    }
  }

  #isOld({ sentAt }: Flight): boolean {
    return sentAt !== undefined && elapsedMs(this.#options.stopwatch, sentAt) >= this.#options.lease.msMax;
  }

  #keep(keyId: string, view: KeyView): void {
    // Before the tail has found its place in the feed nothing is told, and nothing can be kept.
    if (this.#entries === undefined || !this.#options.lease.isLive()) return;
    const since = this.#options.stopwatch.monotonic();
    const carried = view.key.epochs.map(({ principalId }) => this.#carry(principalId));
    const readAgainAt = this.#entries.peek(keyId)?.readAgainAt ?? Number.NEGATIVE_INFINITY;
    this.#entries.set(keyId, { view, carried, since, readAgainAt });
  }

  #carry(principalId: string): Carried {
    const carried = this.#carried.get(principalId) ?? { principalId, keys: 0, isChanged: false };
    carried.keys += 1;
    this.#carried.set(principalId, carried);
    return carried;
  }

  #letGo(all: readonly Carried[]): void {
    for (const carried of all) {
      carried.keys -= 1;
      const { principalId } = carried;
      if (carried.keys === 0 && this.#carried.get(principalId) === carried) this.#carried.delete(principalId);
    }
  }
}

function hasChanged({ carried }: Entry): boolean {
  for (const { isChanged } of carried) if (isChanged) return true;
  return false;
}
