// What a tail tells to whoever remembers keys: which ones to forget, and until when it has heard of
// everything.
import type { Moment } from "../lib/clock.ts";
import type { FeedEntry } from "../store/store.ts";

/** Called in the order in which it happens; none of them may throw. */
export interface FeedListener {
  /**
   * These changes have happened. In order, and each one before `heard` tells of its number; only one that
   * comes late, after a doubt, has a lower number.
   */
  changed(entries: readonly FeedEntry[]): void;

  /** Something may have changed without being told: nothing that is remembered or being read can be used. */
  doubted(): void;

  /** All changes that were answered before `sentAt` are told. None of them has a higher number. */
  heard(position: number, sentAt: Moment): void;
}

/** One listener for several, told in their order. */
export function toldTogether(...listeners: readonly FeedListener[]): FeedListener {
  return {
    changed(entries) {
      for (const listener of listeners) listener.changed(entries);
    },
    doubted() {
      for (const listener of listeners) listener.doubted();
    },
    heard(position, sentAt) {
      for (const listener of listeners) listener.heard(position, sentAt);
    },
  };
}
