// Turns the driver's errors into the contract's. Every public method of the MongoDB store runs inside
// `answered`.
import { MongoBulkWriteError, MongoError, MongoServerError } from "mongodb";
import { StartRefused } from "../../domain/errors.ts";
import { storeUnavailable } from "../errors.ts";

/** The server's code for a value that a unique index holds already. */
const DUPLICATE_KEY_CODE = 11_000;

/**
 * Runs driver calls; a rejection of the driver's (cut off, timed out, no primary, closed) becomes
 * `unavailable`.
 */
export async function answered<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw isDriverTrouble(error) ? storeUnavailable(error) : error;
  }
}

// Codes of the operating system (EPIPE, ECONNRESET, ENOTFOUND) and of node's streams; not of wrong arguments.
const SOCKET_TROUBLE = /^(E[A-Z0-9]+|ERR_(STREAM|SOCKET|SSL|TLS)_\w+)$/;

/**
 * Whether the store did not answer: an error of the driver's, or of a socket that it lets through as it is.
 */
export function isDriverTrouble(error: unknown): boolean {
  if (error instanceof MongoError) return true;
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" && SOCKET_TROUBLE.test(code);
}

// What a server refuses for good: authorization (13), authentication (18, 8000), indexes that contradict (85,
// 86).
const REFUSAL_CODES = new Set<unknown>([13, 18, 8_000, 85, 86]);

/** The same while the store is opened, when a refusal is one for the operator and no retry helps. */
export async function opened<Result>(call: () => Promise<Result>): Promise<Result> {
  return answered(async () => {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof MongoServerError && REFUSAL_CODES.has(error.code))) throw error;
      throw new StartRefused(`MongoDB refuses: ${error.message}`, { cause: error });
    }
  });
}

/** Inserts; false when a unique index refuses. */
export async function inserted(insert: () => Promise<unknown>): Promise<boolean> {
  const outcome = await unlessTaken(async () => {
    await insert();
    return true;
  });
  return outcome ?? false;
}

/** Writes; undefined when a unique index refuses. */
export async function unlessTaken<Result>(write: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY_CODE) return undefined;
    throw error;
  }
}

/**
 * Writes many; gives the indexes of those that a unique index refuses. Any other trouble with one is thrown.
 */
export async function refused(write: () => Promise<unknown>): Promise<ReadonlySet<number>> {
  try {
    await write();
    return new Set();
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const errors = [error.writeErrors].flat();
    const isRefusal = errors.length > 0 && errors.every(({ code }) => code === DUPLICATE_KEY_CODE);
    // One without errors of single writes, or with one beside them, is of a majority that did not answer.
    if (!isRefusal || error.result.getWriteConcernError() !== undefined) throw error;
    return new Set(errors.map(({ index }) => index));
  }
}
