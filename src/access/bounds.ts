// The part of all keys that a caller sees: those that carry every owner field of its own bounds. What lies
// outside answers like what does not exist; which answer that is, each use case says.
import { OWNER_FIELDS, type Owner } from "../domain/principal.ts";

/** A caller's own owner fields when they bind it; empty for one that sees all keys. */
export type Bounds = Owner;

/** No bounds at all. */
export const UNBOUND: Bounds = {};

/**
 * The bounds of a caller that is a key. One that carries a user or an organization is bound to all that it
 * carries; a service account alone is an operator's program and not bound.
 */
export function boundsOf(owner: Owner): Bounds {
  return owner.userId || owner.organizationId ? owner : UNBOUND;
}

export function isBound(bounds: Bounds): boolean {
  return OWNER_FIELDS.some((field) => bounds[field]);
}

/** Whether what belongs to this owner lies inside. */
export function isWithin(bounds: Bounds, owner: Owner): boolean {
  return OWNER_FIELDS.every((field) => !bounds[field] || bounds[field] === owner[field]);
}

/** What fits a filter and lies inside; undefined when nothing can. */
export function narrowed(bounds: Bounds, filter: Owner): Owner | undefined {
  const owner: Record<string, string | undefined> = {};
  for (const field of OWNER_FIELDS) {
    if (bounds[field] && filter[field] && bounds[field] !== filter[field]) return undefined;
    owner[field] = filter[field] || bounds[field] || undefined;
  }
  return owner;
}
