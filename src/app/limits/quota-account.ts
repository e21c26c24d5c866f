// One node's account of one key's quota: one period, one limit. It holds the uses that the node has set aside
// and whoever waits for more of them. Uses are set aside before they are handed out, so whatever becomes of
// the node or of an answer, no use is ever handed out twice. Which accounts there are is quota-leases'.
import { unavailable } from "../../domain/errors.ts";
import type { LimitedUse, LimitStatus } from "../../domain/grant/limit.ts";
import { blockSize, type Period } from "../../domain/grant/quota.ts";
import { type RandomBytes, randomBase62 } from "../../lib/base62.ts";
import type { QuotaStore } from "../../store/store.ts";

/** Calls that wait for the store for the sake of one key. */
const WAITING_MAX = 1_000;
/** How often more is asked for than there is, because other nodes were faster, before only one use is. */
const ATTEMPTS_MAX = 4;
/**
 * How long "nothing is left" is taken for true: long enough that a storm does not reach the store, short
 * enough that what other nodes give back is soon seen.
 */
const EXCEEDED_MS = 1_000;
/** 95 bits: no two leases are the same. */
const LEASE_ID_LENGTH = 16;

export interface AccountPorts {
  readonly quotas: QuotaStore;
  readonly randomBytes: RandomBytes;
}

/** What an account is of. */
export interface AccountSubject {
  readonly keyId: string;
  readonly period: Period;
  readonly limit: number;
}

interface Waiter {
  readonly now: number;
  resolve(use: LimitedUse): void;
  reject(error: unknown): void;
}

export class QuotaAccount {
  readonly subject: AccountSubject;
  readonly #ports: AccountPorts;
  /** The end of the key's former account, for what that gives back is there for this one. Never rejects. */
  readonly #predecessor: Promise<unknown> | undefined;
  readonly #waiting: Waiter[] = [];
  /** Settles when nobody waits any more; never rejects. There is at most one, so one question at a time. */
  #flight: Promise<void> | undefined;
  /** The lease that `#left` is the rest of; it stays when all is used, until the store has forgotten it. */
  #leaseId: string | undefined;
  #left = 0;
  /** As the store last told. */
  #granted: number | undefined;
  #exceededAt: number | undefined;
  #usedAt = 0;

  constructor(subject: AccountSubject, ports: AccountPorts, predecessor?: Promise<unknown>) {
    this.subject = subject;
    this.#ports = ports;
    this.#predecessor = predecessor;
  }

  isOf(period: Period, limit: number): boolean {
    return this.subject.period.id === period.id && this.subject.limit === limit;
  }

  /** Whether nobody used it for so long, in whichever direction the clock went. */
  isIdle(now: number, idleMs: number): boolean {
    return this.#flight === undefined && Math.abs(now - this.#usedAt) >= idleMs;
  }

  /** Takes one use without the store; undefined when only the store can tell. */
  takeHeld(now: number): LimitedUse | undefined {
    this.#usedAt = now;
    if (this.#left > 0) return this.#use(now);
    const sinceMs = this.#exceededAt === undefined ? -1 : now - this.#exceededAt;
    return sinceMs >= 0 && sinceMs < EXCEEDED_MS ? this.#refuse(now) : undefined;
  }

  /** Takes one use of what the store will set aside. Rejects with `unavailable` when it does not answer. */
  async takeLeased(now: number): Promise<LimitedUse> {
    if (this.#waiting.length >= WAITING_MAX) throw tooManyWait();
    this.#usedAt = now;
    const { promise, resolve, reject } = Promise.withResolvers<LimitedUse>();
    this.#waiting.push({ now, resolve, reject });
    this.#flight ??= this.#serveWaiting();
    return promise;
  }

  /**
   * Gives back what is left, once nobody waits any more. Nothing may be taken afterwards: this is for an
   * account that nobody can reach. When it rejects, what was left counts as used. That may be wrong, and is
   * not tried again: too few uses are admitted, never too many.
   */
  async close(now: number): Promise<void> {
    await this.#flight;
    const { keyId, period } = this.subject;
    const [leaseId, unused] = [this.#leaseId, this.#left];
    this.#leaseId = undefined;
    this.#left = 0;
    const isOver = period.endTime !== undefined && period.endTime <= now;
    // Nobody counts in a period that is over. A lease of which nothing is left still lies in the store.
    if (leaseId === undefined || isOver) return;
    await this.#ports.quotas.giveBack({ keyId, period }, leaseId, unused);
  }

  async #serveWaiting(): Promise<void> {
    try {
      await this.#predecessor;
      while (this.#waiting.length > 0) {
        if (await this.#lease()) this.#handOut();
        else for (const { now, resolve } of this.#waiting.splice(0)) resolve(this.#refuse(now));
      }
    } catch (error) {
      // Whether or not the store has set the uses aside, nobody is given one: it may have been refused.
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    } finally {
      this.#flight = undefined;
    }
  }

  #handOut(): void {
    for (const { now, resolve } of this.#waiting.splice(0, this.#left)) resolve(this.#use(now));
  }

  // False: all of the limit is granted, to this node or to others.
  async #lease(): Promise<boolean> {
    const { limit } = this.subject;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const askedAt = this.#usedAt;
      const granted = await this.#grant(attempt < ATTEMPTS_MAX ? this.#sizeToAsk() : 1);
      if (granted) return true;
      if (this.#granted !== undefined && this.#granted >= limit) {
        this.#exceededAt = askedAt;
        return false;
      }
    }
    throw unavailable("other nodes take and give back uses of the quota at the same time", "QUOTA_BUSY");
  }

  // The first use alone: it tells how much is left, and a key that is used now and then needs no more.
  #sizeToAsk(): number {
    return this.#granted === undefined ? 1 : blockSize(this.subject.limit - this.#granted);
  }

  async #grant(size: number): Promise<boolean> {
    const { keyId, period, limit } = this.subject;
    const leaseId = randomBase62(LEASE_ID_LENGTH, this.#ports.randomBytes);
    const finishedLeaseId = this.#leaseId;
    const count = { keyId, period };
    const answer = await this.#ports.quotas.grant(count, { leaseId, size }, limit, finishedLeaseId);
    this.#granted = answer.granted;
    if (!answer.isGranted) return false;
    // A lease of one use is over as soon as it is there, and the store does not remember it.
    this.#leaseId = size > 1 ? leaseId : undefined;
    this.#left = size;
    return true;
  }

  #use(now: number): LimitedUse {
    this.#left -= 1;
    return { isAdmitted: true, status: this.#statusAt(now) };
  }

  #refuse(now: number): LimitedUse {
    return { isAdmitted: false, status: this.#statusAt(now) };
  }

  // As far as this node knows: what others have set aside and not used counts as used.
  #statusAt(now: number): LimitStatus {
    const { limit, period } = this.subject;
    const remaining = Math.max(0, limit - (this.#granted ?? 0)) + this.#left;
    return period.endTime === undefined
      ? { limit, remaining }
      : { limit, remaining, resetMs: period.endTime - now };
  }
}

export function tooManyWait(): Error {
  return unavailable("too many calls wait for uses of a quota", "QUOTA_BUSY");
}
