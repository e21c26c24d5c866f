// What a key may do, as scopes: their form, when one covers another, and the named sets of them that are
// roles.

/** A scope has at most so many characters, and a key at most so many scopes. */
export const SCOPE_LENGTH_MAX = 128;
export const SCOPES_MAX = 64;

/** A key has at most so many roles. */
export const ROLES_MAX = 16;
export const ROLE_PATTERN = /^[a-z0-9_.-]{1,64}$/;

/** What each role holds, by its name. */
export type Roles = ReadonlyMap<string, readonly string[]>;

/** What a key was given. */
interface Grantee {
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
}

export const NO_ROLES: Roles = new Map();

/**
 * Scopes of Fleetkey's own. No wildcard but one of their own reaches them: `*` must not make an
 * administrator.
 */
export const OWN_SCOPES = "fleetkey:";

/** Whether a scope is one of Fleetkey's own. */
export function isOwnScope(scope: string): boolean {
  return scope.startsWith(OWN_SCOPES);
}

const CHARACTERS = /^[a-z0-9_.:*-]+$/;
const WILDCARD = "*";
const ANY_DEEPER = ":*";

/** Why a text is not a scope, or undefined when it is one. `*` can only be the whole last segment. */
export function scopeTrouble(scope: string): string | undefined {
  if (scope === "") return "must not be empty";
  if (scope.length > SCOPE_LENGTH_MAX) return `must be at most ${SCOPE_LENGTH_MAX} characters`;
  if (!CHARACTERS.test(scope)) return "must be of a-z, 0-9, _ . : - and *";
  const isPlain = scope === WILDCARD || !scope.replace(/:\*$/, "").includes(WILDCARD);
  return isPlain ? undefined : "may hold * only as its whole last segment";
}

/** Whether a granted scope covers a wanted one. Both can be patterns: `orders:*` covers `orders:a:*`. */
export function coversScope(granted: string, wanted: string): boolean {
  if (granted === wanted) return true;
  if (granted === WILDCARD) return !isOwnScope(wanted);
  // The colon stays in the comparison: `orders:*` is for what is deeper, not for `orders` nor for `orders2`.
  return granted.endsWith(ANY_DEEPER) && wanted.startsWith(granted.slice(0, -WILDCARD.length));
}

/** The required scopes that a key lacks, in the order asked. */
export function lackedScopes(key: Grantee, required: readonly string[], roles: Roles): readonly string[] {
  return required.length === 0 ? required : missingScopes(grantedScopes(key, roles), required);
}

/** Those of the wanted scopes that none of the granted ones covers, in the order asked. */
export function missingScopes(granted: readonly string[], wanted: readonly string[]): readonly string[] {
  return wanted.filter((scope) => !granted.some((candidate) => coversScope(candidate, scope)));
}

/** All scopes of a key. A role that the settings no longer know grants nothing. */
export function grantedScopes(key: Grantee, roles: Roles): readonly string[] {
  return [...key.scopes, ...key.roles.flatMap((role) => roles.get(role) ?? [])];
}
