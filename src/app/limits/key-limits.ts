// Counts each use of a key against its limits: the rate limit first, which is this node's own, then the
// quota, which is everybody's.
import type { KeyRecord } from "../../domain/key.ts";
import type { LimitStatuses } from "../../domain/verdict.ts";
import type { QuotaLeases } from "./quota-leases.ts";
import type { RateLimits } from "./rate-limits.ts";

/** What is left after a use was counted, or why it was not admitted. */
export interface TakenUse {
  readonly refusal?: "rate_limited" | "quota_exceeded";
  readonly limits: LimitStatuses;
}

const UNLIMITED: TakenUse = { limits: {} };

export class KeyLimits {
  readonly #rates: RateLimits;
  readonly #quotas: QuotaLeases;

  constructor(rates: RateLimits, quotas: QuotaLeases) {
    this.#rates = rates;
    this.#quotas = quotas;
  }

  /**
   * Counts one use. Answers at once unless uses of a quota must be fetched from the store; rejects with
   * `unavailable` when that does not answer.
   */
  take(key: KeyRecord, now: number): TakenUse | Promise<TakenUse> {
    const { keyId, rateLimit, quota } = key;
    if (rateLimit === undefined && quota === undefined) return UNLIMITED;
    const rate = rateLimit && this.#rates.take(keyId, rateLimit, now);
    if (rate !== undefined && !rate.isAdmitted) {
      return { refusal: "rate_limited", limits: { rateLimit: rate.status } };
    }
    if (quota === undefined) return { limits: { rateLimit: rate?.status } };
    const taken = this.#quotas.take(keyId, quota, now);
    const toUse = ({ isAdmitted, status }: Awaited<typeof taken>): TakenUse => ({
      refusal: isAdmitted ? undefined : "quota_exceeded",
      limits: { rateLimit: rate?.status, quota: status },
    });
    return taken instanceof Promise ? taken.then(toUse) : toUse(taken);
  }
}
