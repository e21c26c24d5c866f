// The answer of Verify, as data. Nothing here is thrown: a refusal is a value like an acceptance.
import type { LimitStatus } from "./grant/limit.ts";
import type { KeyRecord } from "./key.ts";
import type { Principals } from "./principal.ts";

/** Why a key is refused, in the order in which it is asked. */
export type DenialReason =
  | "malformed"
  | "unknown"
  | "revoked"
  | "expired"
  | "disabled"
  | "insufficient_scope"
  | "address_not_allowed"
  | "wrong_type"
  | "rate_limited"
  | "quota_exceeded";

/** A key together with the principals that can end it, read after the key. */
export interface KeyView {
  readonly key: KeyRecord;
  readonly principals: Principals;
}

/** How much is left of the limits that a verdict counted against. */
export interface LimitStatuses {
  readonly rateLimit?: LimitStatus;
  readonly quota?: LimitStatus;
}

/** Accepted, or refused with a reason. `view` is told only to who presented the right secret. */
export type Verdict =
  | { readonly valid: true; readonly view: KeyView; readonly limits?: LimitStatuses }
  | {
      readonly valid: false;
      readonly reason: DenialReason;
      readonly view?: KeyView;
      readonly missingScopes?: readonly string[];
      readonly limits?: LimitStatuses;
    };

export function denied(reason: DenialReason, view?: KeyView): Verdict {
  return view === undefined ? { valid: false, reason } : { valid: false, reason, view };
}
