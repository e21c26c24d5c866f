// Covers what every doubt of cache/event-tail.ts leads to, and how several are told.
import { describe, expect, it } from "vitest";
import { BACKLOG_MAX, MISSING_MS_MAX } from "../../src/cache/event-tail.ts";
import { type FeedListener, toldTogether } from "../../src/cache/feed-listener.ts";
import { begunTail } from "./noted-tail.ts";

describe("Every doubt", () => {
  it("about a feed that fell back leads to its head", async () => {
    const { feed, look } = await begunTail();
    for (const key of ["a", "b", "c"]) feed.write(key);
    await look();
    feed.head = 1;
    feed.entries.clear();
    expect(await look()).toEqual(["doubted", "heard 1"]);
    feed.write("d");
    expect(await look()).toEqual(["2 d", "heard 2"]);
  });

  it("about a backlog that is too long leads to the head, without a look at the entries", async () => {
    const { feed, look } = await begunTail();
    feed.head = BACKLOG_MAX + 1;
    feed.reads.length = 0;
    expect(await look()).toEqual(["doubted", `heard ${BACKLOG_MAX + 1}`]);
    expect(feed.reads).toEqual(["readHead"]);
  });

  it("comes not before that: the longest backlog is read", async () => {
    const { feed, look } = await begunTail();
    for (let count = 0; count < BACKLOG_MAX; count++) feed.write("a");
    const told = await look();
    expect(told).toHaveLength(BACKLOG_MAX + 1);
    expect(told).not.toContain("doubted");
  });

  it("forgets what was missing before it", async () => {
    const { feed, look, stopwatch } = await begunTail();
    feed.draw();
    feed.write("b");
    await look();
    feed.head += BACKLOG_MAX + 1;
    expect(await look()).toEqual(["doubted", `heard ${feed.head}`]);
    stopwatch.pass(MISSING_MS_MAX);
    expect(await look()).toEqual([`heard ${feed.head}`]);
  });
});

it("Several listeners are told of the same, in their order", async () => {
  const told: string[] = [];
  const listenerOf = (name: string): FeedListener => ({
    changed: ([entry]) => void told.push(`${name} changed ${entry?.number}`),
    doubted: () => void told.push(`${name} doubted`),
    heard: (position, { wall }) => void told.push(`${name} heard ${position} ${wall}`),
  });
  const both = toldTogether(listenerOf("a"), listenerOf("b"));
  both.changed([{ number: 1 }]);
  both.doubted();
  both.heard(1, { monotonic: 0, wall: 7 });
  expect(told).toEqual(["changed 1", "doubted", "heard 1 7"].flatMap((what) => [`a ${what}`, `b ${what}`]));
});
