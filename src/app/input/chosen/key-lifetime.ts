// When a key ends: what was asked for, within what the operator allows for its type.
import type { KeyType } from "../../../domain/key-type.ts";
import type { KeyPolicy } from "../../ports.ts";
import type { Violations } from "../violations.ts";

/** The shortest life that can be asked for. */
const TTL_MS_MIN = 1_000;
/** The last millisecond that a google.protobuf.Timestamp can hold (year 9999). */
export const TIME_MS_MAX = 253_402_300_799_999;

export interface LifetimeInput {
  /** Milliseconds since the Unix epoch; NaN when it was not a valid time. */
  readonly expireTime?: number;
  /** Milliseconds; NaN when it was not a valid duration. */
  readonly ttlMs?: number;
}

/** Checks the two fields together and gives the end, or undefined for a key without end. */
export function checkLifetime(
  violations: Violations,
  input: LifetimeInput,
  type: KeyType | undefined,
  policy: KeyPolicy,
  now: number,
): number | undefined {
  const field = input.ttlMs === undefined ? "expire_time" : "ttl";
  if (input.expireTime !== undefined && input.ttlMs !== undefined) {
    violations.add("ttl", "must not be set together with expire_time");
    return undefined;
  }
  if (input.ttlMs !== undefined && !(input.ttlMs >= TTL_MS_MIN)) {
    violations.add("ttl", "must be at least one second");
    return undefined;
  }
  const asked = input.ttlMs === undefined ? input.expireTime : now + input.ttlMs;
  if (asked === undefined) {
    const ttlMs = type && (policy.ttlDefaultMs[type] ?? policy.ttlMaxMs[type]);
    return ttlMs === undefined ? undefined : now + ttlMs;
  }
  const trouble = endTrouble(asked, type, policy, now);
  if (trouble !== undefined) violations.add(field, trouble);
  return asked;
}

/**
 * Why a key of this type cannot end at this time (undefined: never), or undefined when it can. The type's
 * longest life is counted from now.
 */
export function endTrouble(
  end: number | undefined,
  type: KeyType | undefined,
  policy: KeyPolicy,
  now: number,
): string | undefined {
  const ttlMaxMs = type && policy.ttlMaxMs[type];
  const time = end ?? Number.POSITIVE_INFINITY;
  if (!(time > now)) return "must be in the future";
  if (end !== undefined && time > TIME_MS_MAX) return "must be before the year 10000";
  if (ttlMaxMs === undefined || time <= now + ttlMaxMs) return undefined;
  return `must be at most ${ttlMaxMs / 1_000} seconds from now for this key type`;
}
