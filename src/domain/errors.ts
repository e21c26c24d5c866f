// Operating errors: one class with a code, mapped once per transport, and one for a process that must not
// start. A refusal by Verify is a value, not one of these; a bug is an assertion, not one of these.

export type ErrorCode =
  | "invalid_argument"
  | "not_found"
  | "already_exists"
  | "failed_precondition"
  | "aborted"
  | "unauthenticated"
  | "permission_denied"
  | "resource_exhausted"
  | "unavailable";

/**
 * What is wrong with one field of a request; `field` is its path in the proto, empty for the request as a
 * whole.
 */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

export interface ErrorDetails {
  /** For programs: UPPER_SNAKE_CASE, stable. */
  readonly reason: string;
  readonly violations?: readonly Violation[];
  /** When a retry can help, after how long. */
  readonly retryAfterMs?: number;
  /** More for programs, such as the ids in question. Never a secret. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error that its caller is meant to see. */
export class FleetkeyError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails) {
    super(message, { cause: details.cause });
    this.name = "FleetkeyError";
    this.code = code;
    this.details = details;
  }
}

/** Every violation at once, so that a caller mends them in one go. */
export function invalidArgument(violations: readonly Violation[]): FleetkeyError {
  const summary = violations
    .map(({ field, description }) => (field === "" ? description : `${field}: ${description}`))
    .join("; ");
  return new FleetkeyError("invalid_argument", summary, { reason: "INVALID_ARGUMENT", violations });
}

/** One answer for a key that is not there, however it was asked for. */
export function keyNotFound(): FleetkeyError {
  return new FleetkeyError("not_found", "no such key", { reason: "KEY_NOT_FOUND" });
}

/** The service cannot know or do it now; the same call can succeed later. */
export function unavailable(message: string, reason: string, cause?: unknown): FleetkeyError {
  return new FleetkeyError("unavailable", message, { reason, retryAfterMs: 1_000, cause });
}

/**
 * The process must not start as it is configured. The message is for its operator: what is wrong and what to
 * do.
 */
export class StartRefused extends Error {
  override readonly name = "StartRefused";
}
