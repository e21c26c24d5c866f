// The token buckets of this node, one for each key that has a rate limit and was used lately. They lie in
// memory and are gone with the process; how one fills is domain/grant/rate-limit's.
import { LRUCache } from "lru-cache";
import type { LimitedUse } from "../../domain/grant/limit.ts";
import { type Bucket, type RateLimit, takeToken } from "../../domain/grant/rate-limit.ts";

/** How many keys have a bucket. The one that was not used for longest makes room for a new one. */
const BUCKETS_MAX = 100_000;

export class RateLimits {
  readonly #buckets = new LRUCache<string, Bucket>({ max: BUCKETS_MAX });

  /**
   * Counts one use. A key without a bucket, because it is new here or had to make room, has a full one. When
   * the limit of a key was changed, its bucket goes on with the tokens that it has, as far as they fit.
   */
  take(keyId: string, rateLimit: RateLimit, now: number): LimitedUse {
    const { isAdmitted, bucket, status } = takeToken(this.#buckets.get(keyId), rateLimit, now);
    this.#buckets.set(keyId, bucket);
    return { isAdmitted, status };
  }
}
