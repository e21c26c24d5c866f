// What a request wants a key to be able to: scopes, roles, addresses. What one of them says is not repeated
// in a violation, only where it stands.
import { CIDRS_MAX, cidrTrouble } from "../../domain/grant/address.ts";
import { ROLES_MAX, type Roles, SCOPES_MAX, scopeTrouble } from "../../domain/grant/scope.ts";
import type { Violations } from "./violations.ts";

/** Checks each scope and how many there are. */
export function checkScopes(violations: Violations, field: string, scopes: readonly string[]): void {
  if (scopes.length === 0) return;
  if (scopes.length > SCOPES_MAX) violations.add(field, `must be at most ${SCOPES_MAX}`);
  for (const [index, scope] of scopes.slice(0, SCOPES_MAX).entries()) {
    const trouble = scopeTrouble(scope);
    if (trouble !== undefined) violations.add(`${field}[${index}]`, trouble);
  }
}

/** Checks that the settings know each role. */
export function checkRoles(
  violations: Violations,
  field: string,
  names: readonly string[],
  roles: Roles,
): void {
  if (names.length > ROLES_MAX) violations.add(field, `must be at most ${ROLES_MAX}`);
  for (const [index, name] of names.slice(0, ROLES_MAX).entries()) {
    if (!roles.has(name)) violations.add(`${field}[${index}]`, "is not a role of this service");
  }
}

/** Checks each range and how many there are. */
export function checkCidrs(violations: Violations, field: string, cidrs: readonly string[]): void {
  if (cidrs.length > CIDRS_MAX) violations.add(field, `must be at most ${CIDRS_MAX}`);
  for (const [index, cidr] of cidrs.slice(0, CIDRS_MAX).entries()) {
    const trouble = cidrTrouble(cidr);
    if (trouble !== undefined) violations.add(`${field}[${index}]`, trouble);
  }
}
