// An audited change. It is written together with the change and numbered afterwards; it never holds a secret.
import { base62FromBytes, type RandomBytes } from "../../lib/base62.ts";
import type { KeyRecord } from "../key.ts";
import type { KeyType } from "../key-type.ts";
import type { Owner, PrincipalRecord } from "../principal.ts";

export const EVENT_KINDS = ["key_created", "key_refreshed", "key_revoked", "principal_revoked"] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Who made a change, and from where. */
export interface Cause {
  readonly caller: string;
  readonly address?: string;
  readonly requestId?: string;
  readonly reason?: string;
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
}

/** An event in its place in the one order of all. */
export interface NumberedEvent extends Event {
  readonly number: number;
}

/** The event of a change to a key. */
export function keyEvent(
  kind: EventKind,
  key: KeyRecord,
  cause: Cause,
  at: { readonly now: number; readonly randomBytes: RandomBytes },
): Event {
  const { keyId, type: keyType, owner } = key;
  return {
    ...causeOf(cause),
    eventId: newEventId(at.randomBytes),
    kind,
    time: at.now,
    keyId,
    keyType,
    owner,
  };
}

/** The event of a raise of a principal. */
export function principalEvent(
  principal: PrincipalRecord,
  cause: Cause,
  at: { readonly now: number; readonly randomBytes: RandomBytes },
): Event {
  const { principalId, owner } = principal;
  const eventId = newEventId(at.randomBytes);
  return { ...causeOf(cause), eventId, kind: "principal_revoked", time: at.now, principalId, owner };
}

/** Whether the event takes something away. Such a change is never turned down for want of room. */
export function isRevocation(event: Event): boolean {
  return event.kind === "key_revoked" || event.kind === "principal_revoked";
}

// Field by field: a wider object handed in must not carry anything else into the record.
function causeOf({ caller, address, requestId, reason }: Cause): Cause {
  return { caller, address, requestId, reason };
}

function newEventId(randomBytes: RandomBytes): string {
  return `evt_${base62FromBytes(randomBytes(16), 22)}`;
}
