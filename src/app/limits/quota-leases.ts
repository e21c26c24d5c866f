// The quotas of keys, as this node counts against them: an account for each key that was used lately. What is
// set aside here and not used goes back to the store when a key rests, when its quota is changed and at the
// end of the process. What a process that dies has set aside stays used.
import { setImmediate } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import type { LimitedUse } from "../../domain/grant/limit.ts";
import { periodAt, type Quota } from "../../domain/grant/quota.ts";
import { type AccountPorts, QuotaAccount, tooManyWait } from "./quota-account.ts";

/** How many keys have an account. The one that was not used for longest makes room for a new one. */
const ACCOUNTS_MAX = 100_000;
/** Calls that wait for the store, of all keys. */
const WAITING_MAX = 10_000;
/** A key that was not used for so long has its uses given back. */
const IDLE_MS = 10_000;
/** How many accounts are closed at a time, so that Verify finds the store free in between. */
const CLOSING_MAX = 16;

export interface QuotaLeasesOptions extends AccountPorts {
  /** Told of uses that could not be given back and so count as used. */
  readonly lost?: (error: unknown) => void;
}

export class QuotaLeases {
  readonly #options: QuotaLeasesOptions;
  readonly #accounts = new LRUCache<string, QuotaAccount>({ max: ACCOUNTS_MAX });
  /** By key, the end of the account that was closed last, as long as it is not over. */
  readonly #closing = new Map<string, Promise<boolean>>();
  #waiting = 0;

  constructor(options: QuotaLeasesOptions) {
    this.#options = options;
  }

  /**
   * Counts one use: at once when uses of the key are set aside here, else when the store has answered. Over
   * all nodes no more than the limit are admitted in a period. Rejects with `unavailable` when the store does
   * not answer or too many wait for it.
   */
  take(keyId: string, quota: Quota, now: number): LimitedUse | Promise<LimitedUse> {
    const period = periodAt(quota.period, now);
    const known = this.#accounts.get(keyId);
    const isFitting = known?.isOf(period, quota.limit) === true;
    const held = isFitting ? known.takeHeld(now) : undefined;
    if (held !== undefined) return held;
    if (this.#waiting >= WAITING_MAX) return Promise.reject(tooManyWait());
    if (known !== undefined && !isFitting) this.#close(known, now);
    const account = isFitting ? known : this.#open({ keyId, period, limit: quota.limit }, now);
    this.#waiting += 1;
    return account.takeLeased(now).finally(() => {
      this.#waiting -= 1;
    });
  }

  /** Gives back what keys have set aside that were not used for a while. To be called every few seconds. */
  releaseIdle(now: number): Promise<void> {
    return this.#release((account) => account.isIdle(now, IDLE_MS), now);
  }

  /** Gives back all that is set aside, for a process that ends; `signal` ends it earlier. */
  releaseAll(now: number, signal?: AbortSignal): Promise<void> {
    return this.#release(() => true, now, signal);
  }

  // Ends at the first failure: what is still set aside stays so and can be used, and nobody waits again and
  // again for a store that does not answer.
  async #release(
    isDue: (account: QuotaAccount) => boolean,
    now: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const due = [...this.#accounts.values()].filter(isDue);
    for (let start = 0; start < due.length && !signal?.aborted; start += CLOSING_MAX) {
      // Asked again: since the last pause it may have been used, or closed.
      const stillDue = due
        .slice(start, start + CLOSING_MAX)
        .filter((account) => this.#accounts.peek(account.subject.keyId) === account && isDue(account));
      const closings = await Promise.all(stillDue.map((account) => this.#close(account, now)));
      if (closings.includes(false)) return;
      // The embedded store answers without a pause in which calls could come through.
      await setImmediate();
    }
  }

  #open(subject: QuotaAccount["subject"], now: number): QuotaAccount {
    const oldest = this.#accounts.size >= ACCOUNTS_MAX ? this.#accounts.pop() : undefined;
    if (oldest !== undefined) this.#close(oldest, now);
    const account = new QuotaAccount(subject, this.#options, this.#closing.get(subject.keyId));
    this.#accounts.set(subject.keyId, account);
    return account;
  }

  // Out of reach first, so that nothing is used any more that is being given back.
  #close(account: QuotaAccount, now: number): Promise<boolean> {
    const { keyId } = account.subject;
    this.#accounts.delete(keyId);
    const closing = account.close(now).then(
      () => true,
      (error) => {
        this.#options.lost?.(error);
        return false;
      },
    );
    this.#closing.set(keyId, closing);
    return closing.finally(() => {
      if (this.#closing.get(keyId) === closing) this.#closing.delete(keyId);
    });
  }
}
