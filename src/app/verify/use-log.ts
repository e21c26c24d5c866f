// Remembers when keys were used and writes it behind, in batches: Verify never waits for it, and what does
// not fit is dropped and counted, never a Verify.
import { setImmediate } from "node:timers/promises";
import { type KeyUse, USER_AGENT_BYTES_MAX } from "../../domain/usage.ts";
import { repeat } from "../../lib/repeat.ts";
import type { UsageStore } from "../../store/store.ts";

/** Uses of so many keys wait at most. */
export const WAITING_KEYS_MAX = 10_000;
/** So many are written at a time. */
const CHUNK_KEYS = 250;
/** The longest text of an address is 45 characters; a zone behind it can be of any length. */
const ADDRESS_LENGTH_MAX = 64;

/** A text of so many characters is kept as it is: it cannot keep more than itself in memory. */
const PLAIN_LENGTH_MAX = 128;

/** One accepted Verify; texts are empty when they were not told. */
export interface Use {
  readonly keyId: string;
  readonly time: number;
  readonly address: string;
  readonly userAgent: string;
}

/** What waits to be written of one key. It is changed in place: most uses are of keys that wait already. */
type WaitingUse = { -readonly [Field in keyof KeyUse]: KeyUse[Field] };

export class UseLog {
  readonly #usage: Pick<UsageStore, "add">;
  #waiting = new Map<string, WaitingUse>();
  #flushed: Promise<void> = Promise.resolve();
  #dropped = 0;

  constructor(usage: Pick<UsageStore, "add">) {
    this.#usage = usage;
  }

  /** How many uses were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Only remembers; never throws. */
  record({ keyId, time, address, userAgent }: Use): void {
    const kept = this.#waiting.get(keyId);
    if (kept === undefined) {
      this.#keep({
        keyId,
        time,
        address: keptAddress(address),
        userAgent: keptUserAgent(userAgent),
        count: 1,
      });
      return;
    }
    kept.count += 1;
    if (kept.time > time) return;
    kept.time = time;
    kept.address = keptAddress(address);
    kept.userAgent = keptUserAgent(userAgent);
  }

  /**
   * Writes what is recorded, after a flush that is running. What cannot be written is kept for the next one.
   * A write that failed may have happened all the same, so a count can become a little too high; a time
   * never.
   */
  flush(): Promise<void> {
    // What became of the one before was told to whoever began it.
    this.#flushed = this.#flushed.catch(() => {}).then(() => this.#write());
    return this.#flushed;
  }

  async #write(): Promise<void> {
    const uses = [...this.#waiting.values()];
    this.#waiting = new Map();
    for (let start = 0; start < uses.length; start += CHUNK_KEYS) {
      try {
        await this.#usage.add(uses.slice(start, start + CHUNK_KEYS));
      } catch (error) {
        for (const use of uses.slice(start)) this.#keep(use);
        throw error;
      }
      // A store in this process answers without a pause; calls get their turn between two chunks.
      await setImmediate();
    }
  }

  #keep(use: KeyUse): void {
    const kept = this.#waiting.get(use.keyId);
    if (kept === undefined && this.#waiting.size >= WAITING_KEYS_MAX) {
      this.#dropped += use.count;
      return;
    }
    const newest = kept !== undefined && kept.time > use.time ? kept : use;
    this.#waiting.set(use.keyId, { ...newest, count: use.count + (kept?.count ?? 0) });
  }
}

const ENCODER = new TextEncoder();
const CUT = Buffer.alloc(USER_AGENT_BYTES_MAX);

// By way of bytes: a cut text alone would keep all of a long one in memory. Whole characters are encoded,
// lone surrogates as U+FFFD.
function keptUserAgent(text: string): string {
  if (isPlain(text)) return text;
  const { written } = ENCODER.encodeInto(text.slice(0, USER_AGENT_BYTES_MAX), CUT);
  return CUT.toString("utf8", 0, written).replaceAll(/\p{Cc}/gu, " ");
}

// As nearly all are: short, and printable ASCII.
function isPlain(text: string): boolean {
  if (text.length > PLAIN_LENGTH_MAX) return false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code >= 0x7f) return false;
  }
  return true;
}

function keptAddress(address: string): string {
  return address.length > ADDRESS_LENGTH_MAX ? "" : address;
}

/**
 * Flushes until the returned function is called, which flushes once more. A failed flush is told and tried
 * again.
 */
export function startUseLog(
  log: UseLog,
  intervalMs: number,
  tell: { readonly dropped: (count: number) => void; readonly failed: (error: unknown) => void },
): () => Promise<void> {
  let told = log.dropped;
  const flush = async () => {
    try {
      await log.flush();
    } catch (error) {
      tell.failed(error);
    }
    const count = log.dropped - told;
    told += count;
    if (count > 0) tell.dropped(count);
  };
  const stop = repeat(intervalMs, flush);
  return async () => {
    await stop();
    await flush();
  };
}
