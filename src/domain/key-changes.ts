// Changes of a key, as pure functions from one record to the next. Each raises the revision by one, which is
// what the store guards.
import { isDeepStrictEqual } from "node:util";
import { DAY_MS } from "../lib/clock.ts";
import { type Disablement, type Generation, type KeyRecord, newestGeneration } from "./key.ts";

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

/** The fields that an Update can set. One that is there and undefined is cleared. */
export type KeyUpdate = Partial<
  Pick<
    KeyRecord,
    | "name"
    | "description"
    | "metadata"
    | "scopes"
    | "roles"
    | "expireTime"
    | "allowedCidrs"
    | "rateLimit"
    | "quota"
  >
> & {
  readonly isDisabled?: boolean;
  /** A sooner end of the former generation; one that has come ends it at once. */
  readonly previousEndTime?: number;
};

/** Applies an Update. A key that is so already stays as it is. */
export function updateKey(
  key: KeyRecord,
  update: KeyUpdate,
  {
    now,
    caller,
    isBound = false,
  }: { readonly now: number; readonly caller: string; readonly isBound?: boolean },
): KeyRecord {
  const { isDisabled, previousEndTime, ...fields } = update;
  const next = {
    ...key,
    ...fields,
    disablement:
      isDisabled === undefined
        ? key.disablement
        : isDisabled
          ? disabledBy({ time: now, caller, isByOperator: !isBound }, key.disablement)
          : undefined,
    generations:
      previousEndTime === undefined ? key.generations : shortened(key.generations, previousEndTime, now),
  };
  return isDeepStrictEqual(comparable(next), comparable(key)) ? key : changed(key, now, next);
}

// The first one stays, unless an operator's comes over a bound caller's: that one must not be able to lift
// it.
function disabledBy(next: Disablement, former: Disablement | undefined): Disablement {
  return former === undefined || (next.isByOperator && !former.isByOperator) ? next : former;
}

// Ends come only sooner: a secret that was to end must not get new time from who can change a key. One that
// ends at once leaves with its digests, so that no node whose clock is behind accepts it a little longer; one
// that has ended already stays, since nothing changes for it.
function shortened(
  [newest, ...older]: KeyRecord["generations"],
  endTime: number,
  now: number,
): KeyRecord["generations"] {
  const kept = older.flatMap((former) => {
    const { endTime: end = Number.POSITIVE_INFINITY } = former;
    if (end <= now) return [former];
    return endTime <= now ? [] : [{ ...former, endTime: Math.min(end, endTime) }];
  });
  return [newest, ...kept];
}

// Clients may send the entries of metadata in any order, and a field without a value may be there or not.
function comparable({ metadata, ...fields }: KeyRecord): object {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(present), metadata: metadata && JSON.parse(metadata) };
}

/** Remembers that an event tells of the end of the key as near. */
export function noticeExpiry(key: KeyRecord, now: number): KeyRecord {
  return changed(key, now, { noticedExpireTime: key.expireTime });
}

/** Remembers that the key's api_key was reported as found in public. The first report stays. */
export function reportLeak(key: KeyRecord, now: number): KeyRecord {
  return key.leakReportTime === undefined ? changed(key, now, { leakReportTime: now }) : key;
}

/**
 * Chooses the key for removal. It is revoked then as well: one that had only expired must not get a later
 * end.
 */
export function purgeKey(key: KeyRecord, now: number): KeyRecord {
  if (key.purgeTime !== undefined) return key;
  return changed(key, now, {
    purgeTime: now,
    revocation: key.revocation ?? { time: now, reason: "purged" },
  });
}

/**
 * Takes out what is personal. What ended the key stays, and so do the hashes of its principals, without which
 * it would live again.
 */
export function eraseKey(key: KeyRecord, now: number): KeyRecord {
  const { userId: _, ...owner } = key.owner;
  return changed(key, now, {
    owner,
    name: "",
    description: "",
    metadata: undefined,
    allowedCidrs: [],
    revocation: key.revocation && { ...key.revocation, reason: "" },
  });
}

function changed(key: KeyRecord, now: number, changes: Partial<KeyRecord>): KeyRecord {
  return { ...key, ...changes, updateTime: Math.max(now, key.updateTime), revision: key.revision + 1 };
}
