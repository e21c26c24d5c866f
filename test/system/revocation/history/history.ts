// What happened in a run, as its client saw it: secrets issued, changes that end them, and what Verify said.
// Plain data: api_keys are named by key_id and number, times are performance.now() of the one test process.
// What must be true of it is check-history's.

/** One secret of a key: 0 as created, one more with each Refresh. */
export interface SecretName {
  readonly keyId: string;
  readonly secret: number;
}

/** A secret that was told to the client. */
export interface Issue extends SecretName {
  readonly principals: readonly string[];
  readonly sentAt: number;
  readonly answeredAt: number;
}

/** What a change ends: every secret of a key, those before one, or every key of a principal. */
export type EndingTarget =
  | { readonly keyId: string; readonly secretsBefore?: number }
  | { readonly principal: string };

/** A change that ends secrets, in all its attempts. */
export interface Ending {
  readonly how: string;
  readonly target: EndingTarget;
  /** Of the first attempt: each one can have done it. */
  readonly sentAt: number;
  /** By whom and when it was answered; absent: never, so it may be done or not. */
  readonly answered?: { readonly node: number; readonly at: number };
  /** Its key was asked for everywhere without a pause, before and after. */
  readonly isProbed: boolean;
}

/**
 * `unavailable`: the node said so. `unanswered`: no answer came in time, or the connection ended. `failed`:
 * any other error.
 */
export type Outcome = "valid" | "refused" | "unavailable" | "unanswered" | "failed";

/** One Verify. */
export interface VerifyRecord extends SecretName {
  readonly node: number;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly outcome: Outcome;
  /** The denial reason, or the code of the failure. */
  readonly reason?: string;
}

/** What was done to a node, or to its way to the store. */
export interface Fault {
  readonly node: number;
  readonly kind: string;
  readonly from: number;
  readonly to: number;
}

export interface History {
  readonly nodes: number;
  readonly issues: readonly Issue[];
  readonly endings: readonly Ending[];
  readonly verifies: readonly VerifyRecord[];
  readonly faults: readonly Fault[];
  /** The last Verify of each secret on each node, when all was healed and nothing changed any more. */
  readonly finals: readonly VerifyRecord[];
}

/** A history while it happens. */
export type Recording = {
  readonly [Part in keyof History]: History[Part] extends readonly (infer Item)[] ? Item[] : History[Part];
};

export function newRecording(nodes: number): Recording {
  return { nodes, issues: [], endings: [], verifies: [], faults: [], finals: [] };
}

export function nameOf({ keyId, secret }: SecretName): string {
  return `${keyId}#${secret}`;
}
