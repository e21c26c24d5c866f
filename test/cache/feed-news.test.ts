// Covers cache/feed-news.ts on a tail of its own: what a watcher is told of numbers that come in order, late,
// never, or again from a lower one.
import { expect, it } from "vitest";
import { BACKLOG_MAX, EventTail, MISSING_MS_MAX } from "../../src/cache/event-tail.ts";
import { FeedNews } from "../../src/cache/feed-news.ts";
import type { FeedEntry, FeedReader } from "../../src/store/store.ts";

/** A feed whose numbers are set by hand, and what one follower of it is told. */
function followedFeed() {
  const feed = { head: 0, numbers: new Set<number>() };
  const entries = (fits: (number: number) => boolean): readonly FeedEntry[] =>
    [...feed.numbers].filter(fits).map((number) => ({ number, keyId: `key-${number}` }));
  const reader: FeedReader = {
    readHead: async () => feed.head,
    readAfter: async (after, limit) => entries((number) => number > after).slice(0, limit),
    readNumbers: async (numbers) => entries((number) => numbers.includes(number)),
  };
  const time = { now: 0 };
  const clock = () => time.now;
  const lease = { live: true };
  const news = new FeedNews({ isLive: () => lease.live });
  const tail = new EventTail({ feed: reader, stopwatch: { monotonic: clock, wall: clock }, listener: news });
  const told: string[] = [];
  const leave = news.follow({
    moved: () => told.push(`moved to ${news.position}`),
    doubted: () => told.push("doubted"),
    late: (numbers) => told.push(`late ${numbers}`),
  });
  return {
    ...{ news, lease, time, leave },
    /** What one look at the feed tells, once numbers up to `head` are drawn and these are there, too. */
    async look(head: number, ...written: readonly number[]) {
      feed.head = head;
      for (const number of written) feed.numbers.add(number);
      await tail.poll();
      return told.splice(0);
    },
  };
}

it("the first look is a doubt and a position", async () => {
  const { news, look } = followedFeed();
  expect(news.position).toBeUndefined();
  expect(await look(0)).toEqual(["doubted", "moved to 0"]);
  expect(news.position).toBe(0);
});

it("the position moves with the numbers, and nothing is told when it stays", async () => {
  const { look } = followedFeed();
  await look(2, 1, 2);
  expect(await look(2)).toEqual([]);
  expect(await look(5, 3, 4, 5)).toEqual(["moved to 5"]);
});

it("a missing number holds the position; after its time it is a doubt, and late when it comes", async () => {
  const { look, time } = followedFeed();
  await look(2, 1, 2);
  expect(await look(4, 4)).toEqual([]);
  time.now += MISSING_MS_MAX;
  expect(await look(4)).toEqual(["doubted", "moved to 4"]);
  expect(await look(5, 3, 5)).toEqual(["moved to 5", "late 3"]);
});

it("the newest number can be the one that is missing", async () => {
  const { look, time } = followedFeed();
  await look(2, 1, 2);
  await look(3);
  time.now += MISSING_MS_MAX;
  expect(await look(3)).toEqual(["doubted", "moved to 3"]);
  expect(await look(3, 3)).toEqual(["late 3"]);
});

it("a number that is missing for less is none that came late", async () => {
  const { look, time } = followedFeed();
  await look(2, 1, 2);
  await look(4, 4);
  time.now += MISSING_MS_MAX - 1;
  expect(await look(4, 3)).toEqual(["moved to 4"]);
});

it("numbers that begin again lower are a doubt, and those that follow are not late", async () => {
  const { look } = followedFeed();
  await look(9, 9);
  expect(await look(3)).toEqual(["doubted", "moved to 3"]);
  expect(await look(5, 4, 5)).toEqual(["moved to 5"]);
});

it("more than anybody catches up with is a doubt", async () => {
  const { look } = followedFeed();
  await look(1, 1);
  expect(await look(BACKLOG_MAX + 2)).toEqual(["doubted", `moved to ${BACKLOG_MAX + 2}`]);
});

it("no position is known without a lease, and the same one with it again", async () => {
  const { news, lease, look } = followedFeed();
  await look(2, 1, 2);
  lease.live = false;
  expect(news.position).toBeUndefined();
  lease.live = true;
  expect(news.position).toBe(2);
});

it("who has left is told nothing, and is not counted", async () => {
  const { news, leave, look } = followedFeed();
  expect(news.followers).toBe(1);
  leave();
  expect(news.followers).toBe(0);
  expect(await look(2)).toEqual([]);
});
