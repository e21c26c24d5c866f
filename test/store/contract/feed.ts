// The contract of FeedReader: a head that covers whatever was answered, and the entries up to it, in order,
// with what changed and nothing else.
import { expect } from "vitest";
import { OWNER_FIELDS } from "../../../src/domain/principal.ts";
import type { FeedEntry, Store } from "../../../src/store/store.ts";
import { START } from "../../domain/build.ts";
import {
  creationOf,
  FAR_FUTURE,
  firstRaiseOf,
  importOf,
  keyAt,
  raiseOf,
  refreshOf,
  revocationOf,
} from "../build.ts";
import { allSettled, expectAscending, readFeed, type StoreCase, times, WRITERS } from "./case.ts";

const ALL = 100_000;

/** One write of each kind that has an event; the head is looked at behind each. */
async function writeEachKind(store: Store, answered: () => Promise<void>): Promise<void> {
  const [key, ...batch] = [1, 2, 3].map((seed) => keyAt(seed));
  if (key === undefined) throw new RangeError("there is a first one");
  expect(await store.keys.insert(key, creationOf(key))).toBe(true);
  await answered();
  const refresh = refreshOf(key);
  expect(await store.keys.update(refresh.next, refresh.event)).toBe("written");
  await answered();
  const raise = firstRaiseOf();
  expect(await store.principals.write(raise.next, raise.event)).toBe("written");
  await answered();
  const second = raiseOf(raise.next);
  expect(await store.principals.write(second.next, second.event)).toBe("written");
  await answered();
  expect(await store.keys.insertBatch(batch, importOf(batch))).toEqual([true, true]);
  await answered();
  const revocation = revocationOf(refresh.next);
  expect(await store.keys.update(revocation.next, revocation.event)).toBe("written");
  await answered();
}

const ignoreAnswer = async () => {};

/** What entries must say, by the events themselves. */
async function expectedEntries(store: Store): Promise<readonly FeedEntry[]> {
  return (await readFeed(store)).map(({ number, keyId, principalId }) => ({ number, keyId, principalId }));
}

async function insertAt(store: Store, seconds: readonly number[]): Promise<void> {
  for (const [seed, second] of seconds.entries()) {
    const key = keyAt(seed);
    expect(await store.keys.insert(key, creationOf(key, { time: START + second * 1_000 }))).toBe(true);
  }
}

const heads: readonly StoreCase[] = [
  {
    title: "an empty feed: the head is 0 and there are no entries",
    run: async ({ feed }) => {
      expect(await feed.readHead()).toBe(0);
      expect(await feed.readAfter(0, ALL)).toEqual([]);
      expect(await feed.readNumbers([1, 2])).toEqual([]);
      expect(await feed.readNumbers([])).toEqual([]);
    },
  },
  {
    title: "readHead: the number of the event of each kind of write, as soon as that is answered",
    run: async (store) => {
      let writes = 0;
      await writeEachKind(store, async () => {
        const head = await store.feed.readHead();
        const feed = await readFeed(store);
        expect(feed).toHaveLength(++writes);
        expect(head).toBe(feed.at(-1)?.number);
      });
    },
  },
  {
    title: `readHead: ${WRITERS} write at once, and each finds its own event at or below the head`,
    run: async (store) => {
      const write = async (seed: number) => {
        const key = keyAt(seed);
        await store.keys.insert(key, creationOf(key));
        const head = await store.feed.readHead();
        const [event] = await readFeed(store, { keyId: key.keyId });
        expect(event?.number).toBeLessThanOrEqual(head);
        const entries = await store.feed.readAfter((event?.number ?? 0) - 1, 1);
        expect(entries).toMatchObject([{ number: event?.number, keyId: key.keyId }]);
      };
      await allSettled(times(WRITERS, write));
      expect(await store.feed.readHead()).toBe((await readFeed(store)).at(-1)?.number);
    },
  },
  {
    title: "readHead: what changes nothing (a conflict, a taken key_id, a relay) draws no number",
    run: async (store) => {
      const key = keyAt(1);
      await store.keys.insert(key, creationOf(key));
      const head = await store.feed.readHead();
      const refresh = refreshOf(refreshOf(key).next);
      expect(await store.keys.update(refresh.next, refresh.event)).toBe("conflict");
      expect(await store.keys.insert(key, creationOf(key))).toBe(false);
      expect(await store.events.relayPending(FAR_FUTURE)).toBe(0);
      expect(await store.feed.readHead()).toBe(head);
    },
  },
];

const entries: readonly StoreCase[] = [
  {
    title: "readAfter: every entry in order, with the key or the principal that changed",
    run: async (store) => {
      await writeEachKind(store, ignoreAnswer);
      const found = await store.feed.readAfter(0, ALL);
      expect(found).toEqual(await expectedEntries(store));
      expect(found.map(({ keyId, principalId }) => [keyId !== undefined, principalId !== undefined])).toEqual(
        [
          [true, false],
          [true, false],
          [false, true],
          [false, true],
          // Of many new keys, which nobody remembers.
          [false, false],
          [true, false],
        ],
      );
    },
  },
  {
    title: "readAfter, readNumbers: an entry holds nothing of what its event says beside",
    run: async (store) => {
      await writeEachKind(store, ignoreAnswer);
      const numbers = (await readFeed(store)).map(({ number }) => number);
      const found = [...(await store.feed.readAfter(0, ALL)), ...(await store.feed.readNumbers(numbers))];
      for (const field of ["eventId", "kind", "time", "caller", "owner", "reason", ...OWNER_FIELDS]) {
        expect(found.filter((entry) => field in entry)).toEqual([]);
      }
    },
  },
  {
    title: "readAfter: pages of any size, each behind the number before it, bring every entry once",
    run: async (store) => {
      await writeEachKind(store, ignoreAnswer);
      const all = await expectedEntries(store);
      for (const limit of [1, 2, all.length, all.length + 1]) {
        const seen: FeedEntry[] = [];
        for (let page = 0; page <= all.length; page++) {
          const found = await store.feed.readAfter(seen.at(-1)?.number ?? 0, limit);
          expect(found.length).toBeLessThanOrEqual(limit);
          seen.push(...found);
          if (found.length < limit) break;
        }
        expect(seen, `pages of ${limit}`).toEqual(all);
      }
    },
  },
  {
    title: "readAfter: nothing behind the head, and the next write comes there",
    run: async (store) => {
      await insertAt(store, [1, 2]);
      const head = await store.feed.readHead();
      expect(await store.feed.readAfter(head, ALL)).toEqual([]);
      const key = keyAt(50);
      await store.keys.insert(key, creationOf(key));
      expect(await store.feed.readAfter(head, ALL)).toMatchObject([{ keyId: key.keyId }]);
    },
  },
  {
    title: "readNumbers: those that are there, each once, and no others",
    run: async (store) => {
      await writeEachKind(store, ignoreAnswer);
      const all = await expectedEntries(store);
      const [first, , third] = all;
      const head = await store.feed.readHead();
      const asked = [head + 7, third?.number ?? 0, head + 1, first?.number ?? 0];
      const found = await store.feed.readNumbers(asked);
      expect([...found].sort((a, b) => a.number - b.number)).toEqual([first, third]);
      expect(await store.feed.readNumbers([head + 1])).toEqual([]);
    },
  },
];

const removals: readonly StoreCase[] = [
  {
    title: "removeOld: the head stays, and the entries begin with the first event that is left",
    run: async (store) => {
      await insertAt(store, [1, 2, 3, 4]);
      const before = await store.feed.readAfter(0, ALL);
      const head = await store.feed.readHead();
      expect(await store.events.removeOld(START + 3_000, 10)).toBe(2);
      expect(await store.feed.readHead()).toBe(head);
      expect(await store.feed.readAfter(0, ALL)).toEqual(before.slice(2));
      const numbers = before.map(({ number }) => number);
      expect(await store.feed.readNumbers(numbers.slice(0, 2))).toEqual([]);
      expect(await store.feed.readNumbers(numbers)).toHaveLength(2);
    },
  },
  {
    title: "removeOld: the head goes on upward from where it was",
    run: async (store) => {
      await insertAt(store, [1, 2, 3]);
      const head = await store.feed.readHead();
      await store.events.removeOld(FAR_FUTURE, 10);
      expect(await store.feed.readHead()).toBe(head);
      const key = keyAt(50);
      await store.keys.insert(key, creationOf(key));
      expect(await store.feed.readHead()).toBeGreaterThan(head);
      expect(await store.feed.readAfter(head, ALL)).toMatchObject([{ keyId: key.keyId }]);
    },
  },
  {
    title: "eraseUser: the entries stay as they are",
    run: async (store) => {
      const key = keyAt(1, { owner: { userId: "user-1" } });
      const raise = firstRaiseOf({ userId: "user-1" });
      await store.keys.insert(key, creationOf(key));
      await store.principals.write(raise.next, raise.event);
      const before = await store.feed.readAfter(0, ALL);
      expect(await store.events.eraseUser("user-1")).toBe(2);
      expect(await store.feed.readAfter(0, ALL)).toEqual(before);
    },
  },
];

const concurrent: readonly StoreCase[] = [
  {
    title: `readAfter: who follows the feed while ${WRITERS} write sees each change, none twice`,
    run: async (store) => {
      let isOver = false;
      const seen: FeedEntry[] = [];
      const read = async () => {
        // Only up to the first number that is missing: what comes behind it may not be all there is.
        for (const entry of await store.feed.readAfter(seen.at(-1)?.number ?? 0, 3)) {
          if (entry.number !== (seen.at(-1)?.number ?? 0) + 1) return;
          seen.push(entry);
        }
      };
      const follow = async () => {
        while (!isOver) await read();
      };
      const following = follow();
      await allSettled(
        times(WRITERS, async (seed) => {
          const key = keyAt(seed);
          const refresh = refreshOf(key);
          await store.keys.insert(key, creationOf(key));
          await store.keys.update(refresh.next, refresh.event);
        }),
      );
      isOver = true;
      await following;
      for (let last = -1; last !== seen.length; ) {
        last = seen.length;
        await read();
      }
      expect(seen).toEqual(await expectedEntries(store));
      expectAscending(await readFeed(store));
    },
  },
];

export const feedCases: readonly StoreCase[] = [...heads, ...entries, ...removals, ...concurrent];
