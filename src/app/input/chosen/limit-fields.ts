// How often a request wants a key to be usable: rate limit and quota, each with its bounds.
import { QUOTA_LIMIT_MAX, QUOTA_PERIODS, type Quota } from "../../../domain/grant/quota.ts";
import {
  RATE_LIMIT_MAX,
  RATE_WINDOW_MS_MAX,
  RATE_WINDOW_MS_MIN,
  type RateLimit,
} from "../../../domain/grant/rate-limit.ts";
import type { Violations } from "../violations.ts";

/** As it comes from a transport. */
export interface RateLimitInput {
  readonly limit: number;
  /** Milliseconds; NaN when it was not a valid duration. */
  readonly windowMs: number | undefined;
}
export interface QuotaInput {
  readonly limit: number;
  readonly period: string | undefined;
}

/** Checks a rate limit; undefined when left out. */
export function checkRateLimit(
  violations: Violations,
  input: RateLimitInput | undefined,
): RateLimit | undefined {
  if (input === undefined) return undefined;
  const { limit, windowMs } = input;
  if (!(limit >= 1 && limit <= RATE_LIMIT_MAX)) {
    violations.add("rate_limit.limit", `must be from 1 to ${RATE_LIMIT_MAX}`);
  }
  if (windowMs === undefined) violations.add("rate_limit.window", "is required");
  else if (!(windowMs >= RATE_WINDOW_MS_MIN && windowMs <= RATE_WINDOW_MS_MAX)) {
    violations.add("rate_limit.window", "must be from 1 second to 1 day");
  } else return { limit, windowMs };
  return undefined;
}

/** Checks a quota; undefined when left out. */
export function checkQuota(violations: Violations, input: QuotaInput | undefined): Quota | undefined {
  if (input === undefined) return undefined;
  const { limit } = input;
  const period = violations.oneOf("quota.period", input.period, QUOTA_PERIODS, { isRequired: true });
  if (!(limit >= 1 && limit <= QUOTA_LIMIT_MAX)) violations.add("quota.limit", "must be at least 1");
  return period === undefined ? undefined : { limit, period };
}
