// Covers cache/event-tail.ts case by case: what is told when and in which order, also of numbers that are
// missing or late. event-tail-doubts.test.ts has what leads to the head, event-tail-model.test.ts the
// guarantees under whatever can come between.
import { describe, expect, it } from "vitest";
import { LATE_MS_MAX, MISSING_MS_MAX } from "../../src/cache/event-tail.ts";
import { momentOf } from "../../src/lib/clock.ts";
import { isStoreUnavailable } from "../../src/store/errors.ts";
import { begunTail, notedTail } from "./noted-tail.ts";

describe("The first look", () => {
  it("finds the head and tells nothing of what was before, which nobody remembers", async () => {
    const { feed, look } = notedTail();
    for (const key of ["a", "b", "c"]) feed.write(key);
    expect(await look()).toEqual(["doubted", "heard 3"]);
    expect(feed.reads).toEqual(["readHead"]);
  });

  it("that fails tells nothing, and the next one is the first", async () => {
    const { feed, tail, told, look } = notedTail();
    feed.interruptions = [{ fails: true }];
    await expect(tail.poll()).rejects.toSatisfy(isStoreUnavailable);
    expect(told).toEqual([]);
    expect(await look()).toEqual(["doubted", "heard 0"]);
  });
});

describe("A look", () => {
  it("tells what changed, in order, and then up to where it has heard", async () => {
    const { feed, look } = await begunTail();
    feed.write("a");
    feed.write("b");
    expect(await look()).toEqual(["1 a", "2 b", "heard 2"]);
    expect(await look()).toEqual(["heard 2"]);
    feed.write("c");
    expect(await look()).toEqual(["3 c", "heard 3"]);
  });

  it("has heard as of its sending, not as of its answer", async () => {
    const { feed, stopwatch, sentAt, look } = await begunTail();
    feed.write("a");
    const before = momentOf(stopwatch);
    feed.interruptions = [
      { before: () => stopwatch.pass(100), after: () => stopwatch.pass(100) },
      { after: () => stopwatch.pass(100) },
    ];
    await look();
    expect(sentAt).toEqual([before]);
  });

  it("tells a change that comes behind its question once, and has not heard of it yet", async () => {
    const { feed, look } = await begunTail();
    feed.write("a");
    feed.interruptions = [{ after: () => feed.write("b") }];
    expect(await look()).toEqual(["1 a", "2 b", "heard 1"]);
    feed.write("c");
    expect(await look()).toEqual(["3 c", "heard 3"]);
  });

  it("reads a long feed page by page", async () => {
    const { feed, look } = await begunTail();
    for (let count = 0; count < 2_500; count++) feed.write("a");
    const told = await look();
    expect(told).toHaveLength(2_501);
    expect(told.slice(-2)).toEqual(["2500 a", "heard 2500"]);
    expect(feed.reads).toEqual(["readHead", "readHead", "readAfter", "readAfter", "readAfter"]);
  });

  it("that fails in the middle has not heard; what it told is not told again", async () => {
    const { feed, tail, told, look } = await begunTail();
    for (let count = 0; count < 1_500; count++) feed.write("a");
    feed.interruptions = [{}, {}, { fails: true }];
    await expect(tail.poll()).rejects.toSatisfy(isStoreUnavailable);
    expect(told.splice(0)).toHaveLength(1_000);
    const rest = await look();
    expect(rest[0]).toBe("1001 a");
    expect(rest.slice(-1)).toEqual(["heard 1500"]);
    expect(rest).toHaveLength(501);
  });
});

describe("A number that is missing", () => {
  it("holds up what is heard; what is behind it is told at once", async () => {
    const { feed, look, stopwatch } = await begunTail();
    feed.write("a");
    const missing = feed.draw();
    feed.write("c");
    expect(await look()).toEqual(["1 a", "3 c"]);
    stopwatch.pass(200);
    expect(await look()).toEqual([]);
    feed.insert({ number: missing, keyId: "b" });
    expect(await look()).toEqual(["2 b", "heard 3"]);
  });

  it("for a second is stepped over with a doubt, and what is heard goes on", async () => {
    const { feed, look, stopwatch } = await begunTail();
    feed.draw();
    feed.write("b");
    expect(await look()).toEqual(["2 b"]);
    stopwatch.pass(MISSING_MS_MAX - 1);
    expect(await look()).toEqual([]);
    stopwatch.pass(1);
    expect(await look()).toEqual(["doubted", "heard 2"]);
    expect(await look()).toEqual(["heard 2"]);
  });

  it("is waited for by the monotonic clock alone", async () => {
    const { feed, look, stopwatch } = await begunTail();
    feed.draw();
    await look();
    stopwatch.setWall(3_600_000);
    expect(await look()).toEqual([]);
    stopwatch.setWall(-7_200_000);
    stopwatch.pass(MISSING_MS_MAX);
    expect(await look()).toEqual(["doubted", "heard 1"]);
  });

  it("beside others does not wait for them: all of them end after one second, by one doubt", async () => {
    const { feed, look, stopwatch } = await begunTail();
    for (const key of ["b", "d", "f"]) {
      feed.draw();
      feed.write(key);
    }
    expect(await look()).toEqual(["2 b", "4 d", "6 f"]);
    stopwatch.pass(MISSING_MS_MAX);
    expect(await look()).toEqual(["doubted", "heard 6"]);
  });

  it("that came later waits for its own second", async () => {
    const { feed, look, stopwatch } = await begunTail();
    feed.draw();
    await look();
    stopwatch.pass(600);
    feed.draw();
    feed.write("c");
    expect(await look()).toEqual(["3 c"]);
    stopwatch.pass(400);
    expect(await look()).toEqual(["doubted", "heard 1"]);
    stopwatch.pass(599);
    expect(await look()).toEqual([]);
    stopwatch.pass(1);
    expect(await look()).toEqual(["doubted", "heard 3"]);
  });

  it("does not hold up for ever what is heard when there is always another one", async () => {
    const { feed, look, stopwatch } = await begunTail();
    const told: string[] = [];
    let last = feed.draw();
    for (let round = 0; round < 5; round++) {
      told.push(...(await look()));
      stopwatch.pass(200);
      feed.insert({ number: last, keyId: "a" });
      last = feed.draw();
    }
    expect(told.filter((each) => each.startsWith("heard"))).toEqual([
      "heard 1",
      "heard 2",
      "heard 3",
      "heard 4",
    ]);
  });

  it("at the end of the feed holds up what is heard as well", async () => {
    const { feed, lookFor, look } = await begunTail();
    feed.draw();
    expect(await lookFor(800)).toEqual([]);
    expect(await lookFor(200)).toEqual(["doubted", "heard 1"]);
    feed.write("b");
    expect(await look()).toEqual(["2 b", "heard 2"]);
  });

  it("because the start of the feed was removed is stepped over, too", async () => {
    const { feed, lookFor } = await begunTail();
    for (const key of ["a", "b", "c"]) feed.write(key);
    feed.removeOld(2);
    const told = await lookFor(1_000);
    expect(told.slice(0, 1)).toEqual(["3 c"]);
    expect(told.slice(-2)).toEqual(["doubted", "heard 3"]);
  });
});

describe("A number that was stepped over", () => {
  async function steppedOver() {
    const all = await begunTail();
    all.feed.draw();
    await all.look();
    all.stopwatch.pass(MISSING_MS_MAX);
    expect(await all.look()).toEqual(["doubted", "heard 1"]);
    return all;
  }

  it("is told by the very look that steps over it when it has come meanwhile", async () => {
    const { feed, look, stopwatch } = await begunTail();
    feed.draw();
    await look();
    stopwatch.pass(MISSING_MS_MAX);
    feed.interruptions = [{}, { after: () => feed.insert({ number: 1, keyId: "late" }) }];
    expect(await look()).toEqual(["doubted", "heard 1", "1 late"]);
  });

  it.each([0, 200, 30_000, LATE_MS_MAX])("is told once when it comes %i ms later", async (ms) => {
    const { feed, look, stopwatch } = await steppedOver();
    stopwatch.pass(ms);
    feed.insert({ number: 1, keyId: "late" });
    expect(await look()).toEqual(["heard 1", "1 late"]);
    expect(await look()).toEqual(["heard 1"]);
  });

  it("is not asked for any more after a minute", async () => {
    const { feed, look, stopwatch } = await steppedOver();
    stopwatch.pass(LATE_MS_MAX + 1);
    feed.reads.length = 0;
    feed.insert({ number: 1, keyId: "late" });
    expect(await look()).toEqual(["heard 1"]);
    expect(feed.reads).toEqual(["readHead"]);
  });

  it("is asked for again when the question failed; what is heard does not depend on it", async () => {
    const { feed, tail, told, look } = await steppedOver();
    feed.insert({ number: 1, keyId: "late" });
    feed.interruptions = [{}, { fails: true }];
    await expect(tail.poll()).rejects.toSatisfy(isStoreUnavailable);
    expect(told.splice(0)).toEqual(["heard 1"]);
    expect(await look()).toEqual(["heard 1", "1 late"]);
  });

  it("and is drawn again, by a feed that fell back, is told once", async () => {
    const { feed, look } = await steppedOver();
    feed.head = 0;
    expect(await look()).toEqual(["doubted", "heard 0"]);
    feed.write("again");
    expect(await look()).toEqual(["1 again", "heard 1"]);
  });
});
