// Follows the feed, number by number, and tells what to forget. Every doubt has one answer: forget everything
// and go on from the head.
import { type Moment, momentOf, type Stopwatch } from "../lib/clock.ts";
import type { FeedEntry, FeedReader } from "../store/store.ts";
import type { FeedListener } from "./feed-listener.ts";

/** How many entries are read at a time. */
const PAGE = 1_000;
/** Who is further behind forgets everything instead of reading all of it. */
export const BACKLOG_MAX = 10_000;
/** How long a number that is drawn may stay empty. Its writer may be dead; what it changed is stored. */
export const MISSING_MS_MAX = 1_000;
/** How long a number that was stepped over is still asked for. */
export const LATE_MS_MAX = 60_000;

export interface EventTailOptions {
  readonly feed: FeedReader;
  readonly stopwatch: Stopwatch;
  readonly listener: FeedListener;
}

export class EventTail {
  readonly #options: EventTailOptions;
  /** All numbers up to here were told, or stepped over. */
  #position: number | undefined;
  /** Numbers above the position that were told already, because one before them is missing. */
  #toldAhead = new Set<number>();
  /** Since when numbers above the position are missing, by the monotonic clock. */
  #missingSince = new Map<number, number>();
  /** Heads that were read and are not reached yet, and when they were asked for; oldest first. */
  #headsAhead: { readonly head: number; readonly sentAt: Moment }[] = [];
  /** Until when numbers that were stepped over are asked for. */
  readonly #steppedOver = new Map<number, number>();

  constructor(options: EventTailOptions) {
    this.#options = options;
  }

  /** One look at the feed; not two at once. Rejects with `unavailable`; what was told before stays true. */
  async poll(): Promise<void> {
    const { feed, stopwatch } = this.#options;
    const sentAt = momentOf(stopwatch);
    const head = await feed.readHead();
    if (this.#position === undefined || head < this.#position || head - this.#position > BACKLOG_MAX) {
      this.#jump(head, sentAt);
      return;
    }
    this.#headsAhead.push({ head, sentAt });
    await this.#readUpTo(this.#position, head);
    this.#position = this.#advance(this.#position, head);
    this.#tellHeard(this.#position);
    await this.#readLate();
  }

  #jump(head: number, sentAt: Moment): void {
    this.#position = head;
    this.#toldAhead.clear();
    this.#missingSince.clear();
    this.#headsAhead = [];
    // Of numbers that went backwards these will be drawn again.
    for (const number of this.#steppedOver.keys()) if (number > head) this.#steppedOver.delete(number);
    this.#options.listener.doubted();
    this.#options.listener.heard(head, sentAt);
  }

  // What is behind a gap is told at once: it is never too early to forget.
  async #readUpTo(position: number, head: number): Promise<void> {
    let after = position;
    while (after < head) {
      const entries = await this.#options.feed.readAfter(after, PAGE);
      const news = entries.filter(({ number }) => !this.#toldAhead.has(number));
      if (news.length > 0) this.#options.listener.changed(news);
      for (const { number } of news) this.#toldAhead.add(number);
      const last = entries.at(-1);
      if (last === undefined || entries.length < PAGE) return;
      after = last.number;
    }
  }

  /** Gives the new position. */
  #advance(position: number, head: number): number {
    const { listener, stopwatch } = this.#options;
    const now = stopwatch.monotonic();
    let next = position;
    let isDoubted = false;
    while (next < head) {
      const number = next + 1;
      if (!this.#toldAhead.delete(number)) {
        const since = this.#missingSince.get(number) ?? now;
        if (now - since < MISSING_MS_MAX) {
          this.#markMissing(number, head, now);
          break;
        }
        isDoubted = true;
        this.#steppedOver.set(number, now + LATE_MS_MAX);
      }
      this.#missingSince.delete(number);
      next = number;
    }
    // Whoever drew the number had changed something before, so what is read from now on shows it.
    if (isDoubted) listener.doubted();
    return next;
  }

  // Under load some number near the head is always still being written. What an earlier look asked for has
  // come by now, so the lease goes on from that one.
  #tellHeard(position: number): void {
    const reached = this.#headsAhead.findLast(({ head }) => head <= position);
    if (reached === undefined) return;
    this.#headsAhead = this.#headsAhead.filter(({ head }) => head > position);
    this.#options.listener.heard(position, reached.sentAt);
  }

  // All of them at once, so that several gaps do not wait one after the other.
  #markMissing(first: number, head: number, now: number): void {
    for (let number = first; number <= head; number++) {
      if (!this.#toldAhead.has(number) && !this.#missingSince.has(number)) {
        this.#missingSince.set(number, now);
      }
    }
  }

  async #readLate(): Promise<void> {
    const now = this.#options.stopwatch.monotonic();
    for (const [number, until] of this.#steppedOver) if (now > until) this.#steppedOver.delete(number);
    if (this.#steppedOver.size === 0) return;
    const entries: readonly FeedEntry[] = await this.#options.feed.readNumbers([...this.#steppedOver.keys()]);
    if (entries.length > 0) this.#options.listener.changed(entries);
    for (const { number } of entries) this.#steppedOver.delete(number);
  }
}
