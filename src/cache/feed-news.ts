// What whoever watches changes is told of the feed: up to where this process has heard of everything, that
// this has moved, and what it cannot vouch for. It keeps nothing of what changed: watchers read the store.
import type { FeedEntry } from "../store/store.ts";
import type { FeedListener } from "./feed-listener.ts";
import type { Lease } from "./lease.ts";

/** Called in the order in which it happens; none of them may throw. */
export interface NewsFollower {
  /** The position is another one. */
  moved(): void;
  /** Something up to the position that is told next may never be told. */
  doubted(): void;
  /** These numbers, at or below the position, were missing and are there now. */
  late(numbers: readonly number[]): void;
}

/** One of the listeners of a tail, after the one that renews the lease. */
export class FeedNews implements FeedListener {
  readonly #lease: Pick<Lease, "isLive">;
  readonly #followers = new Set<NewsFollower>();
  #position: number | undefined;

  constructor(lease: Pick<Lease, "isLive">) {
    this.#lease = lease;
  }

  /** All events up to here have been heard of. Undefined while nobody knows whether that is still all. */
  get position(): number | undefined {
    return this.#lease.isLive() ? this.#position : undefined;
  }

  /** How many follow. */
  get followers(): number {
    return this.#followers.size;
  }

  /** The returned function ends it. */
  follow(follower: NewsFollower): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  changed(entries: readonly FeedEntry[]): void {
    const position = this.#position ?? 0;
    const late = entries.map(({ number }) => number).filter((number) => number <= position);
    if (late.length === 0) return;
    for (const follower of this.#followers) follower.late(late);
  }

  doubted(): void {
    for (const follower of this.#followers) follower.doubted();
  }

  heard(position: number): void {
    if (position === this.#position) return;
    this.#position = position;
    for (const follower of this.#followers) follower.moved();
  }
}
