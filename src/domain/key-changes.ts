// Changes of a key, as pure functions from one record to the next. Each raises the revision by one, which is
// what the store guards.
import { DAY_MS } from "../lib/clock.ts";
import { type Generation, type KeyRecord, newestGeneration } from "./key.ts";

/** The longest time that a former secret can go on working after a Refresh. */
export const GRACE_MS_MAX = 7 * DAY_MS;

/** The secret parts of a new generation. */
export type GenerationDigests = Pick<Generation, "mac" | "bcrypt">;

/** Whether the newest generation was issued by the Refresh that this key names. */
export function isRepeatedRefresh(key: KeyRecord, requestKey: string | undefined): boolean {
  return requestKey !== undefined && newestGeneration(key).requestKey === requestKey;
}

/**
 * Issues a new generation. The newest one so far works on until now + graceMs (0: it ends now); any older one
 * ends now. A repetition of the Refresh that issued the newest one replaces only that one, whose secret was
 * lost with its answer: the predecessor is likely the secret in use.
 */
export function refreshKey(
  key: KeyRecord,
  digests: GenerationDigests,
  options: { readonly now: number; readonly graceMs: number; readonly requestKey?: string },
): KeyRecord {
  const { now, graceMs, requestKey } = options;
  const [newest, ...older] = key.generations;
  const next: Generation = {
    number: newest.number + 1,
    createTime: now,
    ...digests,
    requestKey,
  };
  const kept = isRepeatedRefresh(key, requestKey)
    ? older
    : graceMs > 0
      ? [{ ...newest, endTime: now + graceMs }]
      : [];
  return changed(key, now, { generations: [next, ...kept] });
}

/** Ends the key for good. A key that is revoked already keeps its first time and reason. */
export function revokeKey(
  key: KeyRecord,
  options: { readonly now: number; readonly reason: string },
): KeyRecord {
  if (key.revocation !== undefined) return key;
  return changed(key, options.now, { revocation: { time: options.now, reason: options.reason } });
}

function changed(key: KeyRecord, now: number, changes: Partial<KeyRecord>): KeyRecord {
  return { ...key, ...changes, updateTime: Math.max(now, key.updateTime), revision: key.revision + 1 };
}
