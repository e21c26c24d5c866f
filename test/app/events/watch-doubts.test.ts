// Covers app/events/watch-events.ts where something may be missing: a client is told to forget everything
// before it is told anything that comes after, and a cursor that cannot be followed any more is refused.
import { describe, expect, it } from "vitest";
import { WATCH_PAGE, type WatchPorts } from "../../../src/app/events/watch-events.ts";
import { FAR_FUTURE } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf } from "../outcomes.ts";
import { openWorld, ROOT, type World } from "../world.ts";
import { change, numbersOf, range, watchingIn } from "./watching.ts";

/** The world's store as who cannot see these numbers yet reads it. */
function storeWithout({ store }: World, missing: ReadonlySet<number>): WatchPorts["store"] {
  const seen = <Entry extends { readonly number: number }>(entries: readonly Entry[]) =>
    entries.filter(({ number }) => !missing.has(number));
  return {
    events: { list: async (query) => seen(await store.events.list(query)) },
    feed: {
      readHead: () => store.feed.readHead(),
      readAfter: async (after, limit) => seen(await store.feed.readAfter(after, limit)),
      readNumbers: async (numbers) => seen(await store.feed.readNumbers(numbers)),
    },
  };
}

onEachStore("Watch", (open) => {
  it("tells a doubt before the position behind it, and goes on", async () => {
    const world = await open();
    const { news, hear, watch } = watchingIn(world);
    const first = await hear();
    const watched = watch();
    await watched.next();
    news.doubted();
    expect(await watched.news()).toEqual({ events: [], cursor: `w1.${first}`, isReset: true });
    await change(world, WATCH_PAGE + 1);
    news.doubted();
    const last = await hear();
    const responses = [await watched.news(), await watched.news()];
    expect(responses.map(({ isReset }) => isReset)).toEqual([true, false]);
    expect(responses.flatMap(numbersOf)).toEqual(range(first + 1, last));
  });

  it("tells of numbers that come late, under the cursor that it had", async () => {
    const world = await open();
    const missing = new Set<number>();
    const { news, hear, watch } = watchingIn(world, storeWithout(world, missing));
    const first = await hear();
    for (const number of range(first + 1, first + 3)) missing.add(number);
    const watched = watch();
    await watched.next();
    await change(world, 4);
    news.doubted();
    const last = await hear();
    expect(await watched.news()).toMatchObject({ events: [{ number: last }], isReset: true });
    for (const numbers of [[first + 2], [first + 3, first + 1]]) {
      for (const number of numbers) missing.delete(number);
      news.changed(numbers.map((number) => ({ number })));
      const response = await watched.news();
      expect(numbersOf(response)).toEqual(numbers);
      expect(response).toMatchObject({ cursor: `w1.${last}`, isReset: false });
    }
    expect(numbersOf(await watched.next())).toEqual([]);
  });

  it("tells a bound caller nothing of what comes late outside its bounds", async () => {
    const world = await open();
    const { news, hear, watch } = watchingIn(world);
    await change(world, 2);
    const head = await hear();
    const watched = watch({ caller: async () => ({ ...ROOT, bounds: { organizationId: "org-1" } }) });
    await watched.next();
    news.changed([{ number: head }, { number: head - 1 }]);
    for (let beats = 0; beats < 3; beats++) expect(numbersOf(await watched.next())).toEqual([]);
  });

  it("refuses a cursor whose following events were removed, and takes one that has all of them", async () => {
    const world = await open();
    const { hear, watch } = watchingIn(world);
    await change(world, 5);
    const last = await hear();
    await world.store.events.removeOld(FAR_FUTURE, 3);
    const [oldest] = await world.store.feed.readAfter(0, 1);
    const kept = (oldest?.number ?? 0) - 1;
    expect(kept).toBe(last - 2);
    expect(await codeOf(watch({ cursor: `w1.${kept - 1}` }).next())).toBe(
      "failed_precondition CURSOR_EXPIRED",
    );
    const watched = watch({ cursor: `w1.${kept}` });
    expect(await watched.next()).toMatchObject({ events: [{}, {}], isReset: false });
    await watched.leave();
  });

  it("refuses a cursor that nobody has given, and waits for one that another node has given", async () => {
    const world = await open();
    const { news, hear, watch } = watchingIn(world);
    await change(world, 3);
    const head = await world.store.feed.readHead();
    news.heard(head - 2);
    expect(await codeOf(watch({ cursor: `w1.${head + 1}` }).next())).toBe(
      "failed_precondition CURSOR_EXPIRED",
    );
    const ahead = watch({ cursor: `w1.${head - 1}` });
    expect(await ahead.next()).toEqual({ events: [], cursor: `w1.${head - 1}`, isReset: false });
    await hear();
    expect(await ahead.numbers(1)).toEqual([head]);
  });
});

describe("A client that comes back", () => {
  /** Ten changes of which some cannot be seen, and a watch from the cursor behind the first two. */
  async function comeBack(...missing: readonly number[]) {
    const world = await openWorld();
    const { hear, watch } = watchingIn(world, storeWithout(world, new Set(missing)));
    await change(world, 10);
    await hear();
    return watch({ cursor: "w1.2" });
  }

  it("is told to forget everything when numbers are missing that others may have been told", async () => {
    for (const missing of [[5], [3], [10], [4, 7]]) {
      const watched = await comeBack(...missing);
      const { isReset, ...response } = await watched.next();
      expect([missing, isReset]).toEqual([missing, true]);
      expect(numbersOf({ isReset, ...response })).toEqual(
        range(3, 10).filter((number) => !missing.includes(number)),
      );
      expect(await watched.next()).toMatchObject({ events: [], isReset: false });
    }
  });

  it("is not, when they are missing before its cursor", async () => {
    expect(await (await comeBack(2)).next()).toMatchObject({ isReset: false });
  });

  it.each([
    [10_000, false],
    [10_001, true],
  ])("is told so from %i behind, though nothing is missing: %s", async (head, isReset) => {
    const { store } = await openWorld();
    const feed = {
      ...store.feed,
      readAfter: async (after: number, limit: number) =>
        range(after + 1, Math.min(after + limit, head)).map((number) => ({ number })),
    };
    const { news, watch } = watchingIn({ store } as World, { feed, events: { list: async () => [] } });
    news.heard(head);
    const watched = watch({ cursor: "w1.0" });
    expect(await watched.next()).toEqual({ events: [], cursor: `w1.${head}`, isReset });
  });
});

describe("A number that comes late while a page is read", () => {
  /** A watch that waits for its page, which is read before or after number 2 is there. */
  async function readPageWith(isThere: boolean) {
    const world = await openWorld();
    await change(world, 3);
    const read = Promise.withResolvers<void>();
    const late = Promise.withResolvers<void>();
    let isRead = false;
    const list: WatchPorts["store"]["events"]["list"] = async (query) => {
      const events = await world.store.events.list(query);
      if (isRead) return events;
      isRead = true;
      read.resolve();
      await late.promise;
      return isThere ? events : events.filter(({ number }) => number !== 2);
    };
    const { news, watch } = watchingIn(world, { feed: world.store.feed, events: { list } });
    news.heard(0);
    const watched = watch();
    await watched.next();
    news.heard(3);
    const page = watched.news();
    await read.promise;
    news.changed([{ number: 2 }]);
    late.resolve();
    return { page: await page, watched };
  }

  it("is told after it, when it was not in it", async () => {
    const { page, watched } = await readPageWith(false);
    expect(numbersOf(page)).toEqual([1, 3]);
    expect(numbersOf(await watched.next())).toEqual([2]);
  });

  it("is told with its page, when that is still to be read", async () => {
    const world = await openWorld();
    await change(world, 3);
    const { news, watch } = watchingIn(world);
    news.heard(0);
    const watched = watch();
    await watched.next();
    news.heard(3);
    news.changed([{ number: 2 }]);
    expect(numbersOf(await watched.news())).toEqual([1, 2, 3]);
    expect(numbersOf(await watched.next())).toEqual([]);
  });

  it("is not told again, when it was", async () => {
    const { page, watched } = await readPageWith(true);
    expect(numbersOf(page)).toEqual([1, 2, 3]);
    expect(numbersOf(await watched.next())).toEqual([]);
  });
});

it("A watch ends when the numbers begin again below its cursor, as after a restored backup", async () => {
  const world = await openWorld();
  await change(world, 2);
  const head = { number: 9 };
  const feed = { ...world.store.feed, readAfter: async () => [], readNumbers: async () => [] };
  const { news, watch } = watchingIn(world, {
    events: world.store.events,
    feed: { ...feed, readHead: async () => head.number },
  });
  news.heard(9);
  const watched = watch();
  expect(await watched.next()).toMatchObject({ cursor: "w1.9" });
  head.number = 2;
  news.doubted();
  news.heard(2);
  expect(await codeOf(watched.next())).toBe("failed_precondition CURSOR_EXPIRED");
});
