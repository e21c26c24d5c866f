// What the processes of one node tell each other, over the channel that node:cluster gives each worker. It
// keeps the order of messages, in both directions, and what is told over it rests on that.
import type { Changed } from "../../cache/forgetting-store.ts";
import type { HeldKeysCounts } from "../../cache/held-keys.ts";
import type { LimitedUse } from "../../domain/grant/limit.ts";
import type { RateLimit } from "../../domain/grant/rate-limit.ts";
import type { Moment } from "../../lib/clock.ts";
import type { FeedEntry } from "../../store/store.ts";

/** What the tail of the node tells, as FeedListener has it, and what a worker is asked to forget. */
export type News =
  | { readonly kind: "changed"; readonly entries: readonly FeedEntry[] }
  | { readonly kind: "doubted" }
  | { readonly kind: "heard"; readonly position: number; readonly sentAt: Moment }
  /** Another process of the node has changed the record. Answered with `forgotten`. */
  | { readonly kind: "forget"; readonly id: number; readonly changed: Changed };

export type ToWorker =
  | News
  /** The answer to `forget`: nothing on this node answers any more from what it remembered before. */
  | { readonly kind: "forgotten"; readonly id: number }
  /** The answer to `take`, in its order. */
  | { readonly kind: "taken"; readonly id: number; readonly uses: readonly LimitedUse[] };

/** One use that is to be counted against a rate limit. */
export interface AskedUse {
  readonly keyId: string;
  readonly rateLimit: RateLimit;
}

export type ToPrimary =
  /** The worker remembers keys from now on. It has to be told of what changes. */
  | { readonly kind: "joined" }
  /** It answers calls. */
  | { readonly kind: "listening"; readonly url: string; readonly sidecarUrl?: string }
  /** It must not start, and ends; why is for the operator. */
  | { readonly kind: "refused"; readonly message: string }
  /** It has changed the record, forgotten it itself, and asks that all others do. */
  | { readonly kind: "forget"; readonly id: number; readonly changed: Changed }
  | { readonly kind: "forgotten"; readonly id: number }
  | { readonly kind: "take"; readonly id: number; readonly asked: readonly AskedUse[] }
  | { readonly kind: "counts"; readonly counts: HeldKeysCounts };
