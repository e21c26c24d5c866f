// The contract of EventStore.eraseUser and removeOld: what is taken out of the feed, and what of it stays.
import { expect } from "vitest";
import type { Event } from "../../../src/domain/audit/event.ts";
import type { Owner } from "../../../src/domain/principal.ts";
import type { Store } from "../../../src/store/store.ts";
import { START } from "../../domain/build.ts";
import { creationOf, firstRaiseOf, keyAt, revocationOf } from "../build.ts";
import { allSettled, expectFeed, readFeed, type StoreCase, times } from "./case.ts";

const USER = { userId: "user-1" };
const OWNERS: readonly Owner[] = [
  USER,
  { userId: "user-2" },
  { userId: "user-1", organizationId: "org-1", serviceAccountId: "account-1" },
  {},
  // Another user's, however much it looks like the first one.
  { organizationId: "user-1" },
  { userId: "user-10" },
];
const PERSONAL: Partial<Event> = {
  address: "192.0.2.1",
  reason: "found by the user",
  url: "https://example.com/user-1",
  source: "scanner-1",
  requestId: "request-1",
};

/** A creation and a revocation of keys of each owner, each with all that an event can hold, and a raise. */
async function writePersonal(store: Store): Promise<readonly Event[]> {
  const events: Event[] = [];
  for (const [seed, owner] of OWNERS.entries()) {
    const key = keyAt(seed, { owner, name: `name of ${seed}` });
    const created = creationOf(key, PERSONAL);
    expect(await store.keys.insert(key, created)).toBe(true);
    const { next, event } = revocationOf(key);
    const revoked = { ...event, ...PERSONAL, count: 7 };
    expect(await store.keys.update(next, revoked)).toBe("written");
    events.push(created, revoked);
  }
  const raise = firstRaiseOf({ ...USER, organizationId: "org-2" });
  expect(await store.principals.write(raise.next, raise.event)).toBe("written");
  return [...events, raise.event];
}

function erased(event: Event): Event {
  if (event.owner.userId !== USER.userId) return event;
  const { address: _, reason: __, url: ___, changes: ____, ...rest } = event;
  const { userId: _____, ...owner } = event.owner;
  return { ...rest, owner };
}

const erasures: readonly StoreCase[] = [
  {
    title: "eraseUser: takes the five fields out of the user's events, leaves the rest and all others",
    run: async (store) => {
      const events = await writePersonal(store);
      const numbers = (await readFeed(store)).map(({ number }) => number);
      expect(await store.events.eraseUser(USER.userId)).toBe(5);
      await expectFeed(store, events.map(erased));
      expect((await readFeed(store)).map(({ number }) => number)).toEqual(numbers);
    },
  },
  {
    title: "eraseUser: no filter finds the user, the others still find their events",
    run: async (store) => {
      const events = await writePersonal(store);
      await store.events.eraseUser(USER.userId);
      expect(await readFeed(store, { owner: USER })).toEqual([]);
      expect(await readFeed(store, { owner: { ...USER, organizationId: "org-1" } })).toEqual([]);
      const found = await readFeed(store, {
        owner: { organizationId: "org-1", serviceAccountId: "account-1" },
      });
      expect(found.map(({ eventId }) => eventId)).toEqual(
        events.filter(({ owner }) => owner.organizationId === "org-1").map(({ eventId }) => eventId),
      );
      expect(await readFeed(store, { owner: { userId: "user-10" } })).toHaveLength(2);
      expect(await readFeed(store, { keyId: keyAt(0).keyId, kind: "key_created" })).toHaveLength(1);
    },
  },
  {
    title: "eraseUser: 0 for a user without events, for one that is erased already, and in an empty store",
    run: async (store) => {
      expect(await store.events.eraseUser(USER.userId)).toBe(0);
      const events = await writePersonal(store);
      expect(await store.events.eraseUser("nobody")).toBe(0);
      await expectFeed(store, events);
      expect(await store.events.eraseUser(USER.userId)).toBe(5);
      expect(await store.events.eraseUser(USER.userId)).toBe(0);
    },
  },
  {
    title: "eraseUser: the feed goes on, and a later event of the user is erased by the next one",
    run: async (store) => {
      const events = await writePersonal(store);
      await store.events.eraseUser(USER.userId);
      const key = keyAt(50, { owner: USER });
      const created = creationOf(key, PERSONAL);
      expect(await store.keys.insert(key, created)).toBe(true);
      await expectFeed(store, [...events.map(erased), created]);
      expect(await store.events.eraseUser(USER.userId)).toBe(1);
      await expectFeed(store, [...events, created].map(erased));
    },
  },
];

/** Events of these seconds since START, in this order. */
async function writeAt(store: Store, seconds: readonly number[]): Promise<readonly Event[]> {
  const events = seconds.map((second, seed) => creationOf(keyAt(seed), { time: START + second * 1_000 }));
  for (const [seed, event] of events.entries()) {
    expect(await store.keys.insert(keyAt(seed), event)).toBe(true);
  }
  return events;
}

const at = (second: number) => START + second * 1_000;

const removals: readonly StoreCase[] = [
  {
    title: "removeOld: 0 in an empty store",
    run: async (store) => {
      expect(await store.events.removeOld(at(9), 10)).toBe(0);
      await expectFeed(store, []);
    },
  },
  {
    title: "removeOld: the older events go, the one of that time and all behind it stay as they are",
    run: async (store) => {
      const events = await writeAt(store, [1, 2, 3, 4, 5]);
      const feed = await readFeed(store);
      expect(await store.events.removeOld(at(1), 10)).toBe(0);
      await expectFeed(store, events);
      expect(await store.events.removeOld(at(3), 10)).toBe(2);
      expect(await readFeed(store)).toEqual(feed.slice(2));
      expect(await store.events.removeOld(at(3), 10)).toBe(0);
      expect(await store.events.removeOld(at(3) + 1, 10)).toBe(1);
      expect(await readFeed(store)).toEqual(feed.slice(3));
    },
  },
  {
    title: "removeOld: an event that is not older holds up the older ones behind it",
    run: async (store) => {
      const events = await writeAt(store, [1, 2, 7, 1, 2, 8]);
      expect(await store.events.removeOld(at(5), 10)).toBe(2);
      await expectFeed(store, events.slice(2));
      expect(await store.events.removeOld(at(5), 10)).toBe(0);
    },
  },
  {
    title: "removeOld: at most `limit` at a time, from the start of the feed",
    run: async (store) => {
      const events = await writeAt(store, [1, 1, 1, 1, 1, 9]);
      expect(await store.events.removeOld(at(5), 2)).toBe(2);
      await expectFeed(store, events.slice(2));
      expect(await store.events.removeOld(at(5), 3)).toBe(3);
      await expectFeed(store, events.slice(5));
      expect(await store.events.removeOld(at(5), 1)).toBe(0);
    },
  },
  {
    title: "removeOld: never the newest event, however old it is",
    run: async (store) => {
      const events = await writeAt(store, [1, 2, 3]);
      expect(await store.events.removeOld(at(9), 10)).toBe(2);
      await expectFeed(store, events.slice(2));
      expect(await store.events.removeOld(at(9), 10)).toBe(0);
      await expectFeed(store, events.slice(2));
    },
  },
  {
    title: "removeOld: no number comes twice afterwards, and the former newest event can go then",
    run: async (store) => {
      await writeAt(store, [1, 2]);
      await store.events.removeOld(at(9), 10);
      const [kept] = await readFeed(store);
      const key = keyAt(20);
      const created = creationOf(key, { time: at(3) });
      expect(await store.keys.insert(key, created)).toBe(true);
      const [, added] = await readFeed(store);
      expect(added?.number).toBeGreaterThan(kept?.number ?? Number.POSITIVE_INFINITY);
      expect(await store.events.removeOld(at(9), 10)).toBe(1);
      await expectFeed(store, [created]);
    },
  },
  {
    title: "removeOld by several at once: each old event goes, no other does",
    run: async (store) => {
      const events = await writeAt(store, [...times(12, () => 1), 5, 6]);
      await allSettled(times(4, () => store.events.removeOld(at(5), 5)));
      await store.events.removeOld(at(5), 20);
      await expectFeed(store, events.slice(12));
    },
  },
];

export const eventRemovalCases: readonly StoreCase[] = [...erasures, ...removals];
