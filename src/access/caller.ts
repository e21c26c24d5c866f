// Who calls Fleetkey, as the rest of the program sees it. How a credential becomes a caller is
// credentials.ts's.

/** The caller behind a call, and where it came from. */
export interface Caller {
  /**
   * "root", or undefined for a call without any credential. Such a call can only be Refresh or Revoke of the
   * key whose api_key it carries; that key is then the caller.
   */
  readonly id: string | undefined;
  /** The peer's address, when the transport knows it. */
  readonly address?: string;
}

/** The id of a caller who had to show a credential. A call that gets here without one is a bug. */
export function callerIdOf(caller: Caller): string {
  if (caller.id === undefined) throw new Error("a call without a credential got past the gate");
  return caller.id;
}

/** The id under which the root credential acts. */
export const ROOT_CALLER_ID = "root";

/** The id under which GitHub's signed reports act. */
export const GITHUB_CALLER_ID = "github";
