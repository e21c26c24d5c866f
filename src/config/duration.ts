// Durations as settings spell them: a whole number and a unit.
import { DAY_MS } from "../lib/clock.ts";

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: DAY_MS,
};

/** `500ms`, `10s`, `5m`, `24h`, `90d` in milliseconds; a bare number is seconds. */
export function parseDuration(text: string): number {
  const [, amount, unit = "s"] = /^(\d{1,9})(ms|s|m|h|d)?$/.exec(text.trim()) ?? [];
  const unitMs = UNITS_MS[unit];
  if (amount === undefined || unitMs === undefined)
    throw new Error("must be a duration such as 10s, 5m, 24h or 90d");
  return Number(amount) * unitMs;
}

/** Parses one between two bounds, which are durations too. */
export function parseDurationFrom(least: string, most?: string) {
  return (text: string): number => {
    const ms = parseDuration(text);
    const isTooLong = most !== undefined && ms > parseDuration(most);
    if (ms >= parseDuration(least) && !isTooLong) return ms;
    throw new Error(most === undefined ? `must be at least ${least}` : `must be from ${least} to ${most}`);
  };
}
