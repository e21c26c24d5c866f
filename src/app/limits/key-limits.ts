// Counts each use of a key against its limits: the rate limit first, which is this node's own, then the
// quota, which is everybody's.
import type { LimitedUse, LimitStatus } from "../../domain/grant/limit.ts";
import type { Quota } from "../../domain/grant/quota.ts";
import type { RateLimit } from "../../domain/grant/rate-limit.ts";
import type { KeyRecord } from "../../domain/key.ts";
import type { LimitStatuses } from "../../domain/verdict.ts";
import type { QuotaLeases } from "./quota-leases.ts";

/** What is left after a use was counted, or why it was not admitted. */
export interface TakenUse {
  readonly refusal?: "rate_limited" | "quota_exceeded";
  readonly limits: LimitStatuses;
}

/** Where uses are counted against rate limits: in this process, or in the one that does it for the node. */
export interface RateCounter {
  /** Rejects with `unavailable` when that process does not answer. */
  take(keyId: string, rateLimit: RateLimit, now: number): LimitedUse | Promise<LimitedUse>;
}

const UNLIMITED: TakenUse = { limits: {} };

export class KeyLimits {
  readonly #rates: RateCounter;
  readonly #quotas: QuotaLeases;

  constructor(rates: RateCounter, quotas: QuotaLeases) {
    this.#rates = rates;
    this.#quotas = quotas;
  }

  /**
   * Counts one use. Answers at once unless another process or the store must be asked; rejects with
   * `unavailable` when that does not answer.
   */
  take(key: KeyRecord, now: number): TakenUse | Promise<TakenUse> {
    const { keyId, rateLimit, quota } = key;
    if (rateLimit === undefined) return quota === undefined ? UNLIMITED : this.#takeQuota(keyId, quota, now);
    const rate = this.#rates.take(keyId, rateLimit, now);
    const goOn = ({ isAdmitted, status }: LimitedUse) => {
      if (!isAdmitted) return { refusal: "rate_limited", limits: { rateLimit: status } } as const;
      if (quota === undefined) return { limits: { rateLimit: status } };
      return this.#takeQuota(keyId, quota, now, status);
    };
    return rate instanceof Promise ? rate.then(goOn) : goOn(rate);
  }

  #takeQuota(
    keyId: string,
    quota: Quota,
    now: number,
    rateLimit?: LimitStatus,
  ): TakenUse | Promise<TakenUse> {
    const taken = this.#quotas.take(keyId, quota, now);
    const toUse = ({ isAdmitted, status }: LimitedUse): TakenUse => ({
      refusal: isAdmitted ? undefined : "quota_exceeded",
      limits: { rateLimit, quota: status },
    });
    return taken instanceof Promise ? taken.then(toUse) : toUse(taken);
  }
}
