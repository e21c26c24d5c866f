// How often a key may be used in a short time: a token bucket, as a pure function from one state to the next.
// Buckets are one node's own and lie in memory; app/limits keeps them.
import { DAY_MS } from "../../lib/clock.ts";
import type { LimitedUse } from "./limit.ts";

export const RATE_LIMIT_MAX = 1_000_000;
export const RATE_WINDOW_MS_MIN = 1_000;
export const RATE_WINDOW_MS_MAX = DAY_MS;

/** A bucket holds `limit` tokens and fills again evenly over the window. Both are whole numbers. */
export interface RateLimit {
  readonly limit: number;
  readonly windowMs: number;
}

/**
 * A bucket as it was at a time. A token is worth `windowMs` parts and each millisecond brings `limit` of
 * them, so that all counts are whole numbers (below 2^47): no time between two calls is lost, and what
 * `resetMs` promises is there to the millisecond. Fractions of tokens would be rounded, now and then to just
 * below one.
 */
export interface Bucket {
  readonly parts: number;
  readonly windowMs: number;
  readonly time: number;
}

export interface TakenToken extends LimitedUse {
  readonly bucket: Bucket;
}

/**
 * Whether the first lets through more than the second, at once or over time. None lets through everything.
 */
export function isLooserRate(rate: RateLimit | undefined, than: RateLimit | undefined): boolean {
  if (than === undefined) return false;
  if (rate === undefined) return true;
  return rate.limit > than.limit || rate.limit * than.windowMs > than.limit * rate.windowMs;
}

/** Takes one token. A bucket that is not there is full. What is refused takes nothing. */
export function takeToken(bucket: Bucket | undefined, rateLimit: RateLimit, now: number): TakenToken {
  const { limit, windowMs } = rateLimit;
  const held = bucket === undefined ? limit * windowMs : partsAt(bucket, rateLimit, now);
  const isAdmitted = held >= windowMs;
  const parts = isAdmitted ? held - windowMs : held;
  const remaining = Math.floor(parts / windowMs);
  // A bucket from which one was just taken, or that had none, is never full.
  const resetMs = Math.ceil(((remaining + 1) * windowMs - parts) / limit);
  return { isAdmitted, bucket: { parts, windowMs, time: now }, status: { limit, remaining, resetMs } };
}

// A clock that was set back fills nothing, and the bucket goes on from the new time. Under another limit the
// tokens stay the same as far as they fit.
function partsAt(bucket: Bucket, { limit, windowMs }: RateLimit, now: number): number {
  const elapsedMs = Math.min(windowMs, Math.max(0, now - bucket.time));
  const kept =
    bucket.windowMs === windowMs ? bucket.parts : Math.floor((bucket.parts / bucket.windowMs) * windowMs);
  return Math.min(limit * windowMs, kept + elapsedMs * limit);
}
