// Counts attempts with wrong credentials by address, so that guessing is slow. Only failures are ever refused
// for it: who shows a right credential from the same address passes.

import ipaddr, { type IPv6 } from "ipaddr.js";
import { LRUCache } from "lru-cache";
import { FleetkeyError } from "../domain/errors.ts";
import { type Bucket, takeToken } from "../domain/grant/rate-limit.ts";

const WINDOW_MS = 60_000;
/** How many addresses are remembered; the one that was quiet for longest makes room for a new one. */
const ADDRESSES_MAX = 10_000;
/** One subscriber has at least so much of IPv6, and could use each of its addresses once (RFC 6177). */
const IPV6_PREFIX_PARTS = 4;
/** Connections without an address, over a Unix socket, count as one. */
const LOCAL = "local";

export class FailedAttempts {
  readonly #buckets = new LRUCache<string, Bucket>({ max: ADDRESSES_MAX });
  readonly #limit: number;
  #count = 0;

  /** `limit` is how many failures an address has in a minute before it is told to wait. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many there were so far, of all addresses. */
  get count(): number {
    return this.#count;
  }

  /** Counts one; gives what its caller is told: why it was refused or, past the limit, only to wait. */
  refusal(address: string | undefined, refused: FleetkeyError, now: number): FleetkeyError {
    this.#count += 1;
    const source = sourceOf(address);
    const limit = { limit: this.#limit, windowMs: WINDOW_MS };
    const { isAdmitted, bucket, status } = takeToken(this.#buckets.get(source), limit, now);
    this.#buckets.set(source, bucket);
    if (isAdmitted) return refused;
    return new FleetkeyError("resource_exhausted", "too many attempts without a valid credential", {
      reason: "TOO_MANY_FAILURES",
      retryAfterMs: status.resetMs,
    });
  }
}

function sourceOf(address: string | undefined): string {
  if (address === undefined || !ipaddr.isValid(address)) return LOCAL;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.toString();
  return (parsed as IPv6).parts.slice(0, IPV6_PREFIX_PARTS).join(":");
}
