// Checks a secret by bcrypt, for keys whose MAC was made under a pepper that the operator declared lost.
// bcrypt is slow on purpose, so whoever presents wrong secrets must not be able to keep it busy: one run a
// key, two in all, and what has failed once is not run again for a while.
import { createHash } from "node:crypto";
import { formatApiKey } from "../../domain/api-key/key-format.ts";
import { lookupOf } from "../../domain/api-key/key-id.ts";
import { unavailable } from "../../domain/errors.ts";
import type { Generation, KeyRecord } from "../../domain/key.ts";
import type { SlowHash } from "./bcrypt-hash.ts";

const RUNS_MAX = 2;
const FAILURES_KEPT_MAX = 10_000;

export class LostPepperFallback {
  readonly #slowHash: SlowHash;
  readonly #running = new Set<string>();
  /** Digests of api_keys and generations that did not match; a secret that failed can never match later. */
  readonly #failures = new Set<string>();

  constructor(slowHash: SlowHash) {
    this.#slowHash = slowHash;
  }

  /**
   * Whether the api_key is the one that this generation was issued as. Rejects with `unavailable` when busy.
   */
  async matches(apiKey: string, secret: string, key: KeyRecord, generation: Generation): Promise<boolean> {
    // bcrypt covers the secret alone: everything around it must be what this key's api_keys carry.
    if (formatApiKey(key.prefix, lookupOf(key.keyId) ?? "", secret) !== apiKey) return false;
    const attempt = createHash("sha256").update(`${generation.number}:${apiKey}`).digest("base64");
    if (this.#failures.has(attempt)) return false;
    if (this.#running.size >= RUNS_MAX || this.#running.has(key.keyId)) {
      throw unavailable("the key is being checked without its pepper", "FALLBACK_BUSY");
    }
    this.#running.add(key.keyId);
    try {
      const isMatch = await this.#slowHash.matches(secret, generation.bcrypt);
      if (!isMatch) this.#rememberFailure(attempt);
      return isMatch;
    } finally {
      this.#running.delete(key.keyId);
    }
  }

  #rememberFailure(attempt: string): void {
    // A Set keeps the order of insertion: the first one is the oldest.
    const [oldest] = this.#failures;
    if (this.#failures.size >= FAILURES_KEPT_MAX && oldest !== undefined) this.#failures.delete(oldest);
    this.#failures.add(attempt);
  }
}
