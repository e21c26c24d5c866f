// Principals: what a key belongs to, and the epochs by which all keys of one die in a single write.
// Pure; the store keeps the records, app/revoke-principal.ts raises them.
import { hashFields } from "../lib/hash-fields.ts";

/** Whom a key belongs to. Each part is optional on its own; the key type says which it needs. */
export interface Owner {
  readonly userId?: string;
  readonly organizationId?: string;
  readonly serviceAccountId?: string;
}
export const OWNER_FIELDS = ["userId", "organizationId", "serviceAccountId"] as const;
export type OwnerField = (typeof OWNER_FIELDS)[number];

/** How many raises a principal remembers, for reasons in answers and for repeated request ids. */
export const RAISES_KEPT_MAX = 16;

/** One RevokeAll: the epoch that it led to, and why. */
export interface Raise {
  readonly epoch: number;
  readonly time: number;
  readonly reason: string;
  readonly caller: string;
  /** Hash of caller and request id, when the call had one. */
  readonly requestKey?: string;
}

/** The stored state of a principal. One that was never raised has no record; its epoch is 0. */
export interface PrincipalRecord {
  readonly principalId: string;
  readonly owner: Owner;
  readonly epoch: number;
  /** Oldest first, at most RAISES_KEPT_MAX. */
  readonly raises: readonly Raise[];
  /** Guards concurrent writers; 0 means that no record is stored yet. */
  readonly revision: number;
}

/** The epoch of a principal that a key was created under. */
export interface PrincipalEpoch {
  readonly principalId: string;
  readonly epoch: number;
}

/** Principal records by id; one that is missing was never raised. */
export type Principals = ReadonlyMap<string, PrincipalRecord>;

/**
 * The id of the principal that is exactly this owner: a user, an organization, a user within one, a service
 * account.
 */
export function principalIdOf(owner: Owner): string {
  const { userId = "", organizationId = "", serviceAccountId = "" } = owner;
  return hashFields("principal", userId, organizationId, serviceAccountId).toString("base64url");
}

/** Whether this owner is one that keys can be ended by. */
export function isPrincipal(owner: Owner): boolean {
  return principalIdsOf(owner).includes(principalIdOf(owner));
}

/** All principals that can end a key of this owner: each part alone, and the user within the organization. */
export function principalIdsOf(owner: Owner): readonly string[] {
  const { userId, organizationId, serviceAccountId } = owner;
  const ids: string[] = [];
  if (userId) ids.push(principalIdOf({ userId }));
  if (organizationId) ids.push(principalIdOf({ organizationId }));
  if (userId && organizationId) ids.push(principalIdOf({ userId, organizationId }));
  if (serviceAccountId) ids.push(principalIdOf({ serviceAccountId }));
  return ids;
}

/** The epochs of an owner's principals as they are now, for a new key to remember. */
export function currentEpochs(owner: Owner, principals: Principals): readonly PrincipalEpoch[] {
  return principalIdsOf(owner).map((principalId) => ({
    principalId,
    epoch: principals.get(principalId)?.epoch ?? 0,
  }));
}

/** A principal before its first raise. */
export function newPrincipal(owner: Owner): PrincipalRecord {
  return { principalId: principalIdOf(owner), owner, epoch: 0, raises: [], revision: 0 };
}

/**
 * The record after one more raise: every key that remembers another epoch is dead. The time is in the number
 * so that a record that was lost, or put back from a backup, does not count up to an epoch that dead keys
 * remember.
 */
export function raiseEpoch(principal: PrincipalRecord, raise: Omit<Raise, "epoch">): PrincipalRecord {
  const epoch = Math.max(principal.epoch + 1, raise.time);
  return {
    ...principal,
    epoch,
    raises: [...principal.raises, { ...raise, epoch }].slice(-RAISES_KEPT_MAX),
    revision: principal.revision + 1,
  };
}

/** Takes out what is personal. The epochs stay, without which the keys that they ended would live again. */
export function erasePrincipal(principal: PrincipalRecord): PrincipalRecord {
  const { userId: _, ...owner } = principal.owner;
  return {
    ...principal,
    owner,
    raises: principal.raises.map((raise) => ({ ...raise, reason: "" })),
    revision: principal.revision + 1,
  };
}

const UNKNOWN_RAISE = { time: Number.POSITIVE_INFINITY, reason: "", caller: "" };

/**
 * The raise that ended a key with these epochs, if one did: the earliest that is known. When the list no
 * longer reaches back that far, the oldest kept one stands for it. Its time is infinite when no raise shows
 * what happened.
 */
export function endingRaise(epochs: readonly PrincipalEpoch[], principals: Principals): Raise | undefined {
  let first: Raise | undefined;
  for (const { principalId, epoch } of epochs) {
    const principal = principals.get(principalId);
    const current = principal?.epoch ?? 0;
    if (current === epoch) continue;
    // An epoch that differs without a raise to show for it (a principal's record lost or put back) ends the
    // key too.
    const ending = principal?.raises.find((raise) => raise.epoch > epoch) ?? {
      ...UNKNOWN_RAISE,
      epoch: current,
    };
    if (first === undefined || ending.time < first.time) first = ending;
  }
  return first;
}
