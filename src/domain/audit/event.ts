// An audited change. It is written together with the change and numbered afterwards; it never holds a secret.
import { base62FromBytes, type RandomBytes } from "../../lib/base62.ts";
import type { KeyRecord } from "../key.ts";
import type { KeyType } from "../key-type.ts";
import type { Owner, PrincipalRecord } from "../principal.ts";
import { type FieldChange, fieldChanges } from "./field-changes.ts";

export const EVENT_KINDS = [
  "key_created",
  "key_refreshed",
  "key_revoked",
  "principal_revoked",
  "key_updated",
  "key_expiring",
  "keys_imported",
  "key_leak_reported",
  "key_erased",
  "principal_erased",
  "key_purged",
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** The caller of what the service does by itself. */
export const SERVICE_CALLER_ID = "fleetkey";

/** Who made a change, and from where. */
export interface Cause {
  readonly caller: string;
  readonly address?: string;
  readonly requestId?: string;
  readonly reason?: string;
  /** Of a leak: who found it, and where. */
  readonly source?: string;
  readonly url?: string;
}

/** A change before it has its number. */
export interface Event extends Cause {
  /** Unique, and the same however often the event is written. */
  readonly eventId: string;
  readonly kind: EventKind;
  readonly time: number;
  /** The key that changed, or the principal that was raised: one of the two is there. */
  readonly keyId?: string;
  readonly keyType?: KeyType;
  readonly principalId?: string;
  readonly owner: Owner;
  /** What became different in the key. */
  readonly changes?: readonly FieldChange[];
  /** How many keys a batch brought. */
  readonly count?: number;
}

/** When an event is made, and where its id comes from. */
export interface EventSource {
  readonly now: number;
  readonly randomBytes: RandomBytes;
}

/** An event in its place in the one order of all. */
export interface NumberedEvent extends Event {
  readonly number: number;
}

/** The event of a change to a key; without `before` it is a new one. */
export function keyEvent(
  kind: EventKind,
  { before, after }: { readonly before?: KeyRecord; readonly after: KeyRecord },
  cause: Cause,
  at: EventSource,
): Event {
  const { keyId, type: keyType, owner } = after;
  const changes = fieldChanges(before, after);
  return { ...causeOf(cause), ...newEvent(kind, at), keyId, keyType, owner, changes };
}

/** The event of a change to a principal. */
export function principalEvent(
  kind: EventKind,
  { principalId, owner }: PrincipalRecord,
  cause: Cause,
  at: EventSource,
): Event {
  return { ...causeOf(cause), ...newEvent(kind, at), principalId, owner };
}

/** The event of a batch of new keys. */
export function importEvent(count: number, cause: Cause, at: EventSource): Event {
  return { ...causeOf(cause), ...newEvent("keys_imported", at), owner: {}, count };
}

/** Whether the event takes something away. Such a change is never turned down for want of room. */
export function isRevocation(event: Event): boolean {
  return event.kind === "key_revoked" || event.kind === "principal_revoked";
}

// Field by field: a wider object handed in must not carry anything else into the record.
function causeOf({ caller, address, requestId, reason, source, url }: Cause): Cause {
  return { caller, address, requestId, reason, source, url };
}

function newEvent(kind: EventKind, { now, randomBytes }: EventSource) {
  return { eventId: `evt_${base62FromBytes(randomBytes(16), 22)}`, kind, time: now };
}

/** The event without what is personal in it. What happened to which key, when and by whom stays. */
export function eraseEvent(event: Event): Event {
  const { address: _a, reason: _r, url: _u, changes: _c, owner, ...kept } = event;
  const { userId: _, ...ownerKept } = owner;
  return { ...kept, owner: ownerKept };
}
