// What limits share: whether one admitted a use, and how much is left of it, as callers are told. What each
// of them counts is rate-limit's and quota's.

/** How much of a limit is left after an answer. */
export interface LimitStatus {
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until `remaining` rises. Absent: it does not rise by itself. */
  readonly resetMs?: number;
}

/** What became of one use that was counted. */
export interface LimitedUse {
  readonly isAdmitted: boolean;
  readonly status: LimitStatus;
}
