// A tail on a simulated feed, whose every word is noted.
import { EventTail } from "../../src/cache/event-tail.ts";
import type { FeedListener } from "../../src/cache/feed-listener.ts";
import { handStopwatch } from "./hand-stopwatch.ts";
import { SimulatedFeed } from "./simulated-feed.ts";

/** A tail; what it tells is noted: `4` and `key-4` of an entry, `doubted`, `heard 4`. */
export function notedTail() {
  const stopwatch = handStopwatch();
  const feed = new SimulatedFeed();
  const told: string[] = [];
  const sentAt: unknown[] = [];
  const listener: FeedListener = {
    changed: (entries) => void told.push(...entries.map(({ number, keyId }) => `${number} ${keyId}`)),
    doubted: () => void told.push("doubted"),
    heard(position, moment) {
      told.push(`heard ${position}`);
      sentAt.push(moment);
    },
  };
  const tail = new EventTail({ feed, stopwatch, listener });
  /** What one look tells. */
  const look = async () => {
    await tail.poll();
    return told.splice(0);
  };
  /** Looks every 200 ms until there was one at this time from now. */
  const lookFor = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 200) {
      await tail.poll();
      stopwatch.pass(200);
    }
    await tail.poll();
    return told.splice(0);
  };
  return { stopwatch, feed, tail, told, sentAt, look, lookFor };
}

/** One that has taken its first look at an empty feed. */
export async function begunTail() {
  const all = notedTail();
  await all.look();
  all.sentAt.length = 0;
  return all;
}
