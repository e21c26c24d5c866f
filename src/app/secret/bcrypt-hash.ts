// The slow digest of a secret. It runs on libuv's threads, so it is bounded: a burst of creates must not take
// the threads away from everything else, nor pile up without end.
import bcrypt from "bcrypt";
import { SECRET_LENGTH } from "../../domain/api-key/key-format.ts";
import { FleetkeyError } from "../../domain/errors.ts";
import { BoundedQueue, QueueFull } from "../../lib/bounded-queue.ts";

/** bcrypt ignores what comes behind. */
export const BCRYPT_BYTES_MAX = 72;
/** libuv has four threads by default; two stay free for files and name look-ups. */
const RUNNING_MAX = 2;
/** About a minute's work at the default cost on two cores. */
const WAITING_MAX = 2_000;

/** bcrypt behind a bounded queue. Rejects with `resource_exhausted` when the queue is full. */
export interface SlowHash {
  /** Of a secret of this service's own. */
  hash(secret: string): Promise<string>;
  /** Of any text that bcrypt looks at as a whole: an imported digest is of a whole api_key. */
  matches(text: string, digest: string): Promise<boolean>;
}

/** `cost` is bcrypt's: 2^cost rounds. */
export function bcryptHash(cost: number): SlowHash {
  const queue = new BoundedQueue({ runningMax: RUNNING_MAX, waitingMax: WAITING_MAX });
  return {
    hash: async (secret) => {
      assertSecret(secret);
      return queued(queue, () => bcrypt.hash(secret, cost));
    },
    matches: async (text, digest) => {
      assertComparable(text);
      return queued(queue, () => bcrypt.compare(text, digest));
    },
  };
}

function assertSecret(secret: string): void {
  if (Buffer.byteLength(secret) !== SECRET_LENGTH) throw new RangeError("not the length of a secret");
}

// A longer text would match others that begin alike, and some implementations end at a NUL.
function assertComparable(text: string): void {
  const isWhole = text !== "" && Buffer.byteLength(text) <= BCRYPT_BYTES_MAX && !text.includes("\0");
  if (!isWhole) throw new RangeError("not a text that bcrypt looks at as a whole");
}

async function queued<Result>(queue: BoundedQueue, job: () => Promise<Result>): Promise<Result> {
  try {
    return await queue.run(job);
  } catch (error) {
    if (!(error instanceof QueueFull)) throw error;
    throw new FleetkeyError("resource_exhausted", "too many secrets are being hashed", {
      reason: "HASHING_BUSY",
      retryAfterMs: 1_000,
    });
  }
}
