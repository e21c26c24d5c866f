// Watches whose news are moved by hand, each with a client that takes one response after the other.
import { onTestFinished } from "vitest";
import type { Caller } from "../../../src/access/caller.ts";
import { type WatchedChanges, type WatchPorts, watchEvents } from "../../../src/app/events/watch-events.ts";
import { FeedNews } from "../../../src/cache/feed-news.ts";
import { create, ROOT, type World } from "../world.ts";

/** As short as beats are told apart, so that what does not come is known soon. */
const LEASE_MS = 10;

export interface WatchSetup {
  readonly cursor?: string;
  readonly caller?: () => Promise<Caller>;
  readonly signal?: AbortSignal;
  readonly leaseMs?: number;
}

export interface Watched {
  /** The next response. */
  next(): Promise<WatchedChanges>;
  /** The next one that is no mere beat. */
  news(): Promise<WatchedChanges>;
  /** The numbers of so many events, over as many responses as it takes. */
  numbers(count: number): Promise<readonly number[]>;
  /** What it ends with. */
  end(): Promise<unknown>;
  leave(): Promise<void>;
}

/** `store` is what the watches read; by default the world's. */
export function watchingIn(world: World, store: WatchPorts["store"] = world.store) {
  const lease = { live: true };
  const news = new FeedNews({ isLive: () => lease.live });
  return {
    news,
    lease,
    /** All events so far are heard of. */
    async hear(): Promise<number> {
      const head = await world.store.feed.readHead();
      news.heard(head);
      return head;
    },
    watch({ cursor = "", caller = async () => ROOT, signal, leaseMs = LEASE_MS }: WatchSetup = {}): Watched {
      const call = { cursor, caller, signal: signal ?? new AbortController().signal };
      return watched(watchEvents({ store, news, leaseMs }, call));
    },
  };
}

function watched(changes: AsyncGenerator<WatchedChanges>): Watched {
  const leave = async () => void (await changes.return(undefined));
  onTestFinished(leave);
  const next = async () => {
    const { value, done } = await changes.next();
    if (done) throw new Error("the watch is over");
    return value;
  };
  const news = async () => {
    for (;;) {
      const response = await next();
      if (response.isReset || response.events.length > 0) return response;
    }
  };
  return {
    next,
    news,
    leave,
    async numbers(count) {
      const numbers: number[] = [];
      while (numbers.length < count) numbers.push(...numbersOf(await news()));
      return numbers;
    },
    async end() {
      try {
        for (;;) await next();
      } catch (error) {
        return error;
      }
    },
  };
}

export const numbersOf = ({ events }: WatchedChanges): readonly number[] =>
  events.map(({ number }) => number);

export const range = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** So many changes, one after the other. */
export async function change({ ports }: World, count = 1): Promise<void> {
  for (let index = 0; index < count; index++) await create(ports);
}
