// Runs bcrypt for keys that have no MAC that this node can compare: their pepper is lost, or they were
// imported and not used yet. bcrypt is slow on purpose, so whoever presents wrong secrets must not be able to
// keep it busy: one run a key, two in all, and what has failed once is not run again for a while.
import { unavailable } from "../../domain/errors.ts";
import { hashFields } from "../../lib/hash-fields.ts";
import type { SlowHash } from "./bcrypt-hash.ts";

const RUNS_MAX = 2;
const FAILURES_KEPT_MAX = 10_000;

export class SlowDigestCheck {
  readonly #slowHash: SlowHash;
  readonly #running = new Set<string>();
  /** Hashes of keys, texts and digests that did not match: those three never will. */
  readonly #failures = new Set<string>();

  constructor(slowHash: SlowHash) {
    this.#slowHash = slowHash;
  }

  /**
   * Whether the digest, which is one of this key's, was made of the text. Rejects with `unavailable` when
   * busy.
   */
  async matches(keyId: string, text: string, digest: string): Promise<boolean> {
    const attempt = hashFields("slow digest", keyId, text, digest).toString("base64");
    if (this.#failures.has(attempt)) return false;
    if (this.#running.size >= RUNS_MAX || this.#running.has(keyId)) {
      throw unavailable("the key is being checked by its slow digest", "FALLBACK_BUSY");
    }
    this.#running.add(keyId);
    try {
      const isMatch = await this.#slowHash.matches(text, digest);
      if (!isMatch) this.#rememberFailure(attempt);
      return isMatch;
    } finally {
      this.#running.delete(keyId);
    }
  }

  #rememberFailure(attempt: string): void {
    // A Set keeps the order of insertion: the first one is the oldest.
    const [oldest] = this.#failures;
    if (this.#failures.size >= FAILURES_KEPT_MAX && oldest !== undefined) this.#failures.delete(oldest);
    this.#failures.add(attempt);
  }
}
