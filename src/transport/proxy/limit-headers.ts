// What a client hears of its key's limits: RateLimit and RateLimit-Policy of the IETF's draft
// (draft-ietf-httpapi-ratelimit-headers). The older RateLimit-Limit, -Remaining and -Reset have room for one
// limit; a key can have two, and the smaller number need not be the one that ends first.
import type { LimitStatus } from "../../domain/grant/limit.ts";
import type { KeyRecord } from "../../domain/key.ts";
import type { LimitStatuses, Verdict } from "../../domain/verdict.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { HeaderPair } from "./identity.ts";

const NONE: readonly HeaderPair[] = [];

/** None of a key without limits, and of one that was refused before they were counted. */
export function limitHeaders({ view, limits }: Verdict): readonly HeaderPair[] {
  if (view === undefined || limits === undefined) return NONE;
  const { rateLimit, quota } = limits;
  if (rateLimit === undefined && quota === undefined) return NONE;
  return [
    ["ratelimit-policy", policiesOf(view.key, limits)],
    ["ratelimit", [statusOf("rate", rateLimit), statusOf("quota", quota)].filter(isText).join(", ")],
  ];
}

/** Seconds until another use is admitted; undefined when that does not come by itself. */
export function retryAfterSeconds(limits: LimitStatuses | undefined): number | undefined {
  const { resetMs } = limits?.quota ?? limits?.rateLimit ?? {};
  return resetMs === undefined ? undefined : Math.max(1, secondsOf(resetMs));
}

function policiesOf({ rateLimit, quota }: KeyRecord, limits: LimitStatuses): string {
  const policies: string[] = [];
  if (limits.rateLimit !== undefined) {
    const window = rateLimit === undefined ? "" : `;w=${secondsOf(rateLimit.windowMs)}`;
    policies.push(`"rate";q=${limits.rateLimit.limit}${window}`);
  }
  if (limits.quota !== undefined) {
    // Months differ, and for ever has no seconds.
    const window = quota?.period === "day" ? `;w=${secondsOf(DAY_MS)}` : "";
    policies.push(`"quota";q=${limits.quota.limit}${window}`);
  }
  return policies.join(", ");
}

function statusOf(name: string, status: LimitStatus | undefined): string | undefined {
  if (status === undefined) return undefined;
  const { remaining, resetMs } = status;
  return `"${name}";r=${remaining}${resetMs === undefined ? "" : `;t=${secondsOf(resetMs)}`}`;
}

function isText(text: string | undefined): text is string {
  return text !== undefined;
}

// Rounded up: what is promised has come by then.
function secondsOf(ms: number): number {
  return Math.ceil(ms / 1_000);
}
