// Who calls Fleetkey, as the rest of the program sees it: who, from where, and with what authority. How a
// credential becomes a caller is app/callers'; what a caller may do is authority.ts's.
import { OWN_SCOPES } from "../domain/grant/scope.ts";
import type { KeyRecord } from "../domain/key.ts";
import { type Bounds, UNBOUND } from "./bounds.ts";

/** The caller behind a call. */
export interface Caller {
  /**
   * "root", a key_id, the name in a certificate, or undefined for a call without any credential. Such a call
   * can only be Refresh or Revoke of the key whose api_key it carries; that key is then the caller.
   */
  readonly id: string | undefined;
  /** The peer's address, when the transport knows it. */
  readonly address?: string;
  /** Scopes of Fleetkey's own are what it may call; all of them, what it may grant. */
  readonly scopes: readonly string[];
  /** Named sets of scopes that it holds, to grant only. */
  readonly roles: readonly string[];
  /** The only keys that there are for it. */
  readonly bounds: Bounds;
  /** The key that it is: a bound caller cannot give others more than that has. */
  readonly key?: KeyRecord;
}

/** The id under which the root credential acts. */
export const ROOT_CALLER_ID = "root";
/** The id under which GitHub's secret scanning reports leaks. */
export const GITHUB_CALLER_ID = "github";

/** Who shows the root credential. */
export function rootCaller(address?: string): Caller {
  return { id: ROOT_CALLER_ID, address, scopes: [`${OWN_SCOPES}*`], roles: [], bounds: UNBOUND };
}

/** Who shows no credential. */
export function nobody(address?: string): Caller {
  return { id: undefined, address, scopes: [], roles: [], bounds: UNBOUND };
}

/** The id under which the sidecar listener's clients act. */
export const SIDECAR_CALLER_ID = "sidecar";

/** Who reaches the sidecar listener: nobody has to say who they are there, and all of them may verify. */
export function sidecarCaller(address?: string): Caller {
  return { ...nobody(address), id: SIDECAR_CALLER_ID, scopes: [`${OWN_SCOPES}verify`] };
}

/** GitHub, by its signature. It has the one call that it is made for, on keys of all owners. */
export function githubCaller(address?: string): Caller {
  return { ...nobody(address), id: GITHUB_CALLER_ID };
}

/** The id of a caller who had to show a credential. A call that gets here without one is a bug. */
export function callerIdOf(caller: Caller): string {
  if (caller.id === undefined) throw new Error("a call without a credential got past the gate");
  return caller.id;
}
