// What a caller may do: call an rpc, touch a key, grant what a key holds. Pure; the one place for these
// rules. What lies outside a caller's bounds is not found rather than denied, so that it cannot be told from
// what does not exist.
import { FleetkeyError, keyNotFound } from "../domain/errors.ts";
import { areRangesWithin } from "../domain/grant/address.ts";
import { isLooserQuota } from "../domain/grant/quota.ts";
import { isLooserRate } from "../domain/grant/rate-limit.ts";
import {
  coversScope,
  grantedScopes,
  isOwnScope,
  missingScopes,
  OWN_SCOPES,
  type Roles,
} from "../domain/grant/scope.ts";
import type { KeyRecord } from "../domain/key.ts";
import { isBound, isWithin } from "./bounds.ts";
import type { Caller } from "./caller.ts";

/** Holds every other scope, of Fleetkey's own and to grant. */
export const ADMIN_SCOPE = `${OWN_SCOPES}admin`;

/** What a key gives to who holds it. */
type Grants = Pick<
  KeyRecord,
  "owner" | "scopes" | "roles" | "expireTime" | "allowedCidrs" | "rateLimit" | "quota"
>;

/** Whether the caller holds everything there is, within its bounds. */
export function isAdmin({ scopes }: Caller): boolean {
  return scopes.some((scope) => coversScope(scope, ADMIN_SCOPE));
}

/** Whether the caller holds a scope of Fleetkey's own. */
export function mayCall(caller: Caller, scope: string): boolean {
  return caller.scopes.some((held) => coversScope(held, scope)) || isAdmin(caller);
}

/** Refuses a caller that lacks a scope of Fleetkey's own. */
export function assertMayCall(caller: Caller, scope: string): void {
  if (mayCall(caller, scope)) return;
  throw permissionDenied("the credential does not hold the scope of this call", "SCOPE_REQUIRED", { scope });
}

/**
 * Refuses a key outside the caller's bounds as one that is not there, and an administrator's key to others.
 */
export function assertMayTouch(caller: Caller, key: KeyRecord): void {
  if (!isWithin(caller.bounds, key.owner)) throw keyNotFound();
  if (isAdmin(caller) || !key.scopes.some(isOwnScope)) return;
  throw permissionDenied(
    "a key with scopes of Fleetkey's own is an administrator's to touch",
    "SCOPE_REQUIRED",
    {
      scope: ADMIN_SCOPE,
    },
  );
}

/**
 * Refuses to make, or to give a secret of, a key that is more than its caller: of an owner outside, with
 * scopes that the caller lacks, or, to a bound caller, with a later end, wider addresses or looser limits.
 */
export function assertMayGrant(caller: Caller, key: Grants, roles: Roles): void {
  if (!isWithin(caller.bounds, key.owner)) {
    throw permissionDenied("the key's owner lies outside the caller's bounds", "OUTSIDE_BOUNDS");
  }
  if (!isAdmin(caller)) assertHolds(caller, key, roles);
  const excess = isBound(caller.bounds) && caller.key !== undefined ? excessOf(caller.key, key) : undefined;
  if (excess !== undefined) {
    throw permissionDenied("the key would be more than its caller", "EXCEEDS_CALLER", { field: excess });
  }
}

/** Refuses a bound caller to switch on again what an operator has switched off. */
export function assertMayLift(caller: Caller, before: KeyRecord, after: KeyRecord): void {
  const isLifted = before.disablement?.isByOperator === true && after.disablement === undefined;
  if (!isLifted || !isBound(caller.bounds)) return;
  throw permissionDenied("an operator switched the key off", "DISABLED_BY_OPERATOR");
}

function assertHolds(caller: Caller, key: Grants, roles: Roles): void {
  const held = grantedScopes(caller, roles);
  const wanted = grantedScopes(key, roles);
  // Not even who holds a scope of Fleetkey's own can hand it on: only an administrator makes callers.
  const lacked = wanted.filter((scope) => isOwnScope(scope) || missingScopes(held, [scope]).length > 0);
  // What a role holds that the settings do not know now nobody can say: it can come back.
  const unknown = key.roles.filter((role) => !roles.has(role) && !caller.roles.includes(role));
  if (lacked.length === 0 && unknown.length === 0) return;
  throw permissionDenied("the caller does not hold what the key would", "SCOPES_NOT_HELD", {
    scopes: [...lacked, ...unknown].join(" "),
  });
}

function excessOf(own: Grants, key: Grants): string | undefined {
  if (own.expireTime !== undefined && !(key.expireTime !== undefined && key.expireTime <= own.expireTime)) {
    return "expire_time";
  }
  if (own.allowedCidrs.length > 0 && !areRangesWithin(key.allowedCidrs, own.allowedCidrs))
    return "allowed_cidrs";
  if (isLooserRate(key.rateLimit, own.rateLimit)) return "rate_limit";
  return isLooserQuota(key.quota, own.quota) ? "quota" : undefined;
}

/** What a caller gets that may not do what it asks for. */
export function permissionDenied(
  message: string,
  reason: string,
  metadata: Readonly<Record<string, string>> = {},
): FleetkeyError {
  return new FleetkeyError("permission_denied", message, { reason, metadata });
}
