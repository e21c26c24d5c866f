// Covers app/events/watch-events.ts: changes come once, in order, and only what the caller may see; a watch
// goes on where another one ended; and it ends when its caller, its signal or the store ends it. Doubts are
// in watch-doubts.test.ts.
import { setImmediate } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { WATCH_PAGE, WATCHERS_MAX } from "../../../src/app/events/watch-events.ts";
import { FleetkeyError, unavailable } from "../../../src/domain/errors.ts";
import { onEachStore } from "../backends.ts";
import { KINDS } from "../callers/tenants.ts";
import { importOne, openImports, plainKey, plainRecord } from "../imports.ts";
import { errorOf, violatedFields } from "../outcomes.ts";
import { create, feedOf, openWorld, ROOT } from "../world.ts";
import { change, numbersOf, range, watchingIn } from "./watching.ts";

onEachStore("Watch", (open) => {
  it("begins with where it is, and tells what changes from then on", async () => {
    const world = await open();
    const { hear, watch } = watchingIn(world);
    await change(world, 2);
    const head = await hear();
    const watched = watch();
    expect(await watched.next()).toEqual({ events: [], cursor: `w1.${head}`, isReset: false });
    await change(world);
    await hear();
    const [event] = (await feedOf(world.ports)).slice(-1);
    expect(await watched.news()).toEqual({ events: [event], cursor: `w1.${head + 1}`, isReset: false });
  });

  it("tells nothing above the position: what lies below it may still come", async () => {
    const world = await open();
    const { news, hear, watch } = watchingIn(world);
    const head = await hear();
    const watched = watch();
    await change(world, 3);
    for (let beats = 0; beats < 3; beats++) expect(numbersOf(await watched.next())).toEqual([]);
    news.heard(head + 2);
    expect(await watched.news()).toMatchObject({ events: [{}, {}], cursor: `w1.${head + 2}` });
    expect(numbersOf(await watched.next())).toEqual([]);
    news.heard(head + 3);
    expect(await watched.news()).toMatchObject({ events: [{}], cursor: `w1.${head + 3}` });
  });

  it("tells many by pages, and goes on from the cursor of each without a gap or a repeat", async () => {
    const world = await open();
    const { hear, watch } = watchingIn(world);
    const first = await hear();
    const watched = watch();
    await watched.next();
    await change(world, 2 * WATCH_PAGE + 7);
    const last = await hear();
    const cursors = [`w1.${first}`];
    const told: number[] = [];
    while (told.length < last - first) {
      const response = await watched.news();
      expect(response.events.length).toBeLessThanOrEqual(WATCH_PAGE);
      told.push(...numbersOf(response));
      cursors.push(response.cursor);
    }
    expect(told).toEqual(range(first + 1, last));
    expect(cursors).toHaveLength(4);
    for (const cursor of cursors) {
      const after = Number(cursor.slice(3));
      const resumed = watch({ cursor });
      expect(await resumed.numbers(last - after)).toEqual(range(after + 1, last));
      expect(await resumed.next()).toEqual({ events: [], cursor: `w1.${last}`, isReset: false });
    }
  });

  it("says by an empty response that all is told, not before", async () => {
    const world = await open();
    const { hear, watch } = watchingIn(world);
    const first = await hear();
    await change(world, WATCH_PAGE + 1);
    await hear();
    const watched = watch({ cursor: `w1.${first}` });
    const sizes = [await watched.next(), await watched.next(), await watched.next()].map(
      ({ events }) => events.length,
    );
    expect(sizes).toEqual([WATCH_PAGE, 1, 0]);
  });

  it.each(KINDS)("tells a caller that is bound to $kind of what lies inside", async (kind) => {
    const world = await openImports(open);
    const { hear, watch } = watchingIn(world);
    const first = await hear();
    const caller = async () => ({ ...ROOT, bounds: kind.bounds });
    const watched = watch({ caller });
    await watched.next();
    const expected: string[] = [];
    for (const [owners, isInside] of [
      [kind.outside, false],
      [kind.inside, true],
      [kind.outside, false],
    ] as const) {
      for (const owner of owners) {
        const type = owner.serviceAccountId === undefined ? "publishable" : "service";
        const { key } = await create(world.ports, { type, userId: "", ...owner });
        if (isInside) expected.push(key.keyId);
      }
    }
    // The event of a batch has no owner, since its keys can have several.
    await importOne(world.ports, plainRecord(plainKey(), { ...kind.bounds }));
    const last = await hear();
    const told: (string | undefined)[] = [];
    for (const cursor of [undefined, `w1.${first}`]) {
      const one = cursor === undefined ? watched : watch({ caller, cursor });
      let response = await one.news();
      do {
        told.push(...response.events.map(({ keyId }) => keyId));
        response = await one.next();
      } while (response.events.length > 0);
      expect(response).toEqual({ events: [], cursor: `w1.${last}`, isReset: false });
    }
    expect(told).toEqual([...expected, ...expected]);
  });
});

describe("A watch beats", () => {
  it("as long as the position is known, and again when it is", async () => {
    const world = await openWorld();
    const { hear, lease, watch } = watchingIn(world);
    const head = await hear();
    const watched = watch();
    for (let beats = 0; beats < 3; beats++) {
      expect(await watched.next()).toEqual({ events: [], cursor: `w1.${head}`, isReset: false });
    }
    lease.live = false;
    await change(world);
    await hear();
    // Whatever it takes for other watches to have had their beats.
    const other = watchingIn(world);
    await other.hear();
    const beating = other.watch();
    let isTold = false;
    const told = watched.next().finally(() => {
      isTold = true;
    });
    for (let beats = 0; beats < 5; beats++) await beating.next();
    expect(isTold).toBe(false);
    lease.live = true;
    expect(numbersOf(await told)).toEqual([head + 1]);
    expect(numbersOf(await watched.next())).toEqual([]);
  });

  it("twice a second, however long the lease is", async () => {
    const { hear, watch } = watchingIn(await openWorld());
    await hear();
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const controller = new AbortController();
    const watched = watch({ leaseMs: 60_000, signal: controller.signal });
    await watched.next();
    for (let beats = 0; beats < 3; beats++) {
      const beat = watched.next();
      vi.advanceTimersByTime(500);
      expect(await beat).toMatchObject({ events: [] });
    }
    // Its signal does not wait for a beat.
    const ended = watched.end();
    await setImmediate();
    const stopping = unavailable("stopping", "NODE_STOPPING");
    controller.abort(stopping);
    expect(await ended).toBe(stopping);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("not before it knows where it is; and it gives up", async () => {
    const world = await openWorld();
    const { news: begun, hear, watch } = watchingIn(world);
    const waiting = watch();
    const first = waiting.next();
    // As a tail finds its place: nobody has remembered anything before.
    begun.doubted();
    const head = await hear();
    expect(await first).toEqual({ events: [], cursor: `w1.${head}`, isReset: false });
    const { news, watch: watchUnheard } = watchingIn(world);
    for (const cursor of ["", `w1.${head}`]) {
      const error = await errorOf(watchUnheard({ cursor }).next());
      expect(error).toMatchObject({ code: "unavailable", details: { reason: "CHANGES_NOT_HEARD" } });
    }
    expect(news.followers).toBe(0);
  });
});

describe("A watch ends", () => {
  it("with what its caller is refused with, which is asked before each response", async () => {
    const world = await openWorld();
    const { news, hear, watch } = watchingIn(world);
    await hear();
    const refused = new FleetkeyError("unauthenticated", "no more", { reason: "CREDENTIAL_INVALID" });
    let isEnded = false;
    let asked = 0;
    const caller = async () => {
      asked += 1;
      if (isEnded) throw refused;
      return ROOT;
    };
    const watched = watch({ caller });
    for (let count = 1; count <= 3; count++) {
      await watched.next();
      expect(asked).toBeGreaterThanOrEqual(count);
    }
    isEnded = true;
    await change(world);
    await hear();
    await expect(watched.next()).rejects.toBe(refused);
    expect(news.followers).toBe(0);
  });

  it("with the reason of its signal, whether it waits for news or for its beginning", async () => {
    const world = await openWorld();
    const stopping = unavailable("stopping", "NODE_STOPPING");
    for (const isHeard of [true, false]) {
      const { news, hear, watch } = watchingIn(world);
      if (isHeard) await hear();
      const controller = new AbortController();
      const ended = watch({ signal: controller.signal }).end();
      controller.abort(stopping);
      expect(await ended).toBe(stopping);
      expect(news.followers).toBe(0);
    }
  });

  it("with the reason of its signal also while there is always more to tell", async () => {
    const world = await openWorld();
    await change(world, WATCH_PAGE);
    const events = await feedOf(world.ports);
    const list = async () => events;
    const { news, watch } = watchingIn(world, { feed: world.store.feed, events: { list } });
    news.heard(0);
    const controller = new AbortController();
    const watched = watch({ signal: controller.signal });
    await watched.next();
    news.heard(1_000_000);
    await watched.next();
    const stopping = unavailable("stopping", "NODE_STOPPING");
    controller.abort(stopping);
    await expect(watched.next()).rejects.toBe(stopping);
  });

  it("with the store that does not answer", async () => {
    const world = await openWorld();
    const down = unavailable("down", "STORE_UNAVAILABLE");
    const list = async () => {
      throw down;
    };
    const { hear, watch } = watchingIn(world, { feed: world.store.feed, events: { list } });
    await hear();
    const watched = watch();
    await watched.next();
    await change(world);
    await hear();
    expect(await watched.end()).toBe(down);
  });

  it("when there are too many, and not when one of them has left", async () => {
    const { hear, watch } = watchingIn(await openWorld());
    await hear();
    const many = Array.from({ length: WATCHERS_MAX }, () => watch());
    for (const watched of many) await watched.next();
    const error = await errorOf(watch().next());
    expect(error).toMatchObject({ code: "resource_exhausted", details: { reason: "TOO_MANY_WATCHERS" } });
    await many[0]?.leave();
    expect(await watch().next()).toMatchObject({ events: [] });
  });
});

it.each(["w1.", "w1.-1", "w1.01", "w1.1.0", "w2.1", "1", " w1.1", "w1.9007199254740992", "w1.1\n"])(
  "%j is no cursor",
  async (cursor) => {
    const { hear, watch } = watchingIn(await openWorld());
    await hear();
    expect(await violatedFields(watch({ cursor }).next())).toEqual(["cursor"]);
  },
);
