// Whether a key may be used, from its record, its principals and the time: pure, so that a cached record is
// checked as strictly as one that was just read.

import { isInRanges } from "./grant/address.ts";
import { lackedScopes, NO_ROLES, type Roles } from "./grant/scope.ts";
import { type KeyRecord, liveGenerations } from "./key.ts";
import type { KeyType } from "./key-type.ts";
import { endingRaise, type Raise } from "./principal.ts";
import type { DenialReason, KeyView } from "./verdict.ts";

export const KEY_STATES = ["active", "disabled", "expired", "revoked"] as const;
export type KeyState = (typeof KEY_STATES)[number];

/** What a request demands of the key that it presents. */
export interface Requirements {
  readonly expectedType?: KeyType;
  readonly requiredScopes?: readonly string[];
  readonly clientAddress?: string;
}

/** When and why a key was revoked, by itself or through a principal: whichever came first. */
export function revocationOf(view: KeyView): { readonly time: number; readonly reason: string } | undefined {
  const { revocation: own, epochs, updateTime } = view.key;
  const raise = endingRaise(epochs, view.principals);
  if (raise === undefined || (own !== undefined && own.time <= raise.time)) return own;
  return { time: Number.isFinite(raise.time) ? raise.time : updateTime, reason: raise.reason };
}

/** Revoked hides expired hides disabled: the most final one is told. */
export function stateOf(view: KeyView, now: number): KeyState {
  if (revocationOf(view) !== undefined) return "revoked";
  if (isExpired(view.key, now)) return "expired";
  return view.key.disablement !== undefined ? "disabled" : "active";
}

/** Whether the key has not ended. A disabled one has not: it can be switched on again. */
export function isLive(view: KeyView, now: number): boolean {
  const state = stateOf(view, now);
  return state === "active" || state === "disabled";
}

/** The first reason to refuse a key whose secret was right, or undefined when it may be used. */
export function evaluate(
  view: KeyView,
  requirements: Requirements,
  now: number,
  roles: Roles = NO_ROLES,
): DenialReason | undefined {
  const state = stateOf(view, now);
  if (state !== "active") return state;
  const { expectedType, requiredScopes = [], clientAddress } = requirements;
  if (lackedScopes(view.key, requiredScopes, roles).length > 0) return "insufficient_scope";
  const { allowedCidrs } = view.key;
  if (allowedCidrs.length > 0 && !isInRanges(allowedCidrs, clientAddress)) return "address_not_allowed";
  if (expectedType !== undefined && expectedType !== view.key.type) return "wrong_type";
  return undefined;
}

/** The end of the grace window, while it lasts. */
export function graceEndOf(key: KeyRecord, now: number): number | undefined {
  return liveGenerations(key, now)[1]?.endTime;
}

function isExpired(key: KeyRecord, now: number): boolean {
  return key.expireTime !== undefined && now >= key.expireTime;
}

/** Whether this raise of this principal is what ended the key: it was not revoked or expired before. */
export function wasLiveUntil({ key, principals }: KeyView, principalId: string, raise: Raise): boolean {
  const remembered = key.epochs.filter((epoch) => epoch.principalId === principalId);
  if (endingRaise(remembered, principals)?.epoch !== raise.epoch || isExpired(key, raise.time)) return false;
  const others = key.epochs.filter((epoch) => epoch.principalId !== principalId);
  const otherEnd = endingRaise(others, principals)?.time ?? Number.POSITIVE_INFINITY;
  return raise.time <= Math.min(otherEnd, key.revocation?.time ?? Number.POSITIVE_INFINITY);
}

/**
 * Whether to tell that the key's end is near: once for each end, and only of a key that lives longer than
 * that.
 */
export function isExpiryNoticeDue(view: KeyView, noticeMs: number, now: number): boolean {
  const { createTime, expireTime, noticedExpireTime } = view.key;
  if (expireTime === undefined || expireTime === noticedExpireTime) return false;
  return expireTime < now + noticeMs && createTime <= expireTime - noticeMs && isLive(view, now);
}

/**
 * Whether the key ended at least so long ago: revoked by itself or through a principal, or expired, whichever
 * came first. An end that no record shows the time of does not count: it can be an accident of its
 * principal's record, which can be mended as long as the key is there.
 */
export function hasEndedFor({ key, principals }: KeyView, retentionMs: number, now: number): boolean {
  const ends = [key.revocation?.time, endingRaise(key.epochs, principals)?.time, key.expireTime];
  return ends.some((time) => time !== undefined && time <= now - retentionMs);
}
