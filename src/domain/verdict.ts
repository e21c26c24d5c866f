// The answer of Verify, as data. Nothing here is thrown: a refusal is a value like an acceptance.
import type { KeyRecord } from "./key.ts";
import type { Principals } from "./principal.ts";

/** Why a key is refused. The wire enum holds more; these are the ones that can occur. */
export type DenialReason =
  | "malformed"
  | "unknown"
  | "revoked"
  | "expired"
  | "disabled"
  | "insufficient_scope"
  | "address_not_allowed"
  | "wrong_type";

/** A key together with the principals that can end it, read after the key. */
export interface KeyView {
  readonly key: KeyRecord;
  readonly principals: Principals;
}

/** Accepted, or refused with a reason. `view` is told only to who presented the right secret. */
export type Verdict =
  | { readonly valid: true; readonly view: KeyView }
  | {
      readonly valid: false;
      readonly reason: DenialReason;
      readonly view?: KeyView;
      readonly missingScopes?: readonly string[];
    };

export function denied(reason: DenialReason, view?: KeyView): Verdict {
  return view === undefined ? { valid: false, reason } : { valid: false, reason, view };
}
