// The one trouble that a store can have while it runs: it does not answer. Callers may retry.
import { FleetkeyError, unavailable } from "../domain/errors.ts";

/** Wraps a driver's error. Its message stays inside: it can name hosts. */
export function storeUnavailable(cause: unknown): FleetkeyError {
  return unavailable("the store does not answer", "STORE_UNAVAILABLE", cause);
}

/** Whether an error says that the store did not answer. */
export function isStoreUnavailable(error: unknown): boolean {
  return error instanceof FleetkeyError && error.details.reason === "STORE_UNAVAILABLE";
}
