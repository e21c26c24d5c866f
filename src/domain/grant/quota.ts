// How often a key may be used in a long time: the periods of a quota, and how much of one a node sets aside
// at a time. Pure; the counts are the store's, what a node has set aside is app/limits'.

export const QUOTA_LIMIT_MAX = 4_294_967_295;
export const QUOTA_PERIODS = ["none", "day", "month"] as const;
export type QuotaPeriod = (typeof QUOTA_PERIODS)[number];

export interface Quota {
  readonly limit: number;
  readonly period: QuotaPeriod;
}

/** One stretch of time that is counted for itself. */
export interface Period {
  /** Such as `2030-01`, `2030-01-31` or `all`. */
  readonly id: string;
  /** When the next one begins; absent: never. */
  readonly endTime?: number;
}

/** A node sets aside at most so many uses at a time. */
const BLOCK_MAX = 1_000;
/** And at most this part of what is left, so that near the end blocks are of one use and none is stranded. */
const BLOCK_PART = 100;

/** The most days that a month has. */
const MONTH_DAYS_MAX = 31;

/**
 * Whether the first can let through more than the second in a period of the second. None lets through
 * everything.
 */
export function isLooserQuota(quota: Quota | undefined, than: Quota | undefined): boolean {
  if (than === undefined) return false;
  if (quota === undefined) return true;
  return quota.limit * periodsWithin(quota.period, than.period) > than.limit;
}

// A count for a longer time bounds each shorter one in it as well, and can be used up in one of them.
function periodsWithin(period: QuotaPeriod, longer: QuotaPeriod): number {
  if (period === longer || period === "none" || longer === "day") return 1;
  return longer === "none" ? Number.POSITIVE_INFINITY : MONTH_DAYS_MAX;
}

/** The period that a time is in. Days and months are of UTC. */
export function periodAt(period: QuotaPeriod, now: number): Period {
  if (period === "none") return { id: "all" };
  const date = new Date(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const text = date.toISOString();
  return period === "day"
    ? { id: text.slice(0, 10), endTime: Date.UTC(year, month, day + 1) }
    : { id: text.slice(0, 7), endTime: Date.UTC(year, month + 1, 1) };
}

/** How many uses to set aside when so many are left; at least 1. */
export function blockSize(left: number): number {
  return Math.max(1, Math.min(BLOCK_MAX, Math.floor(left / BLOCK_PART)));
}
