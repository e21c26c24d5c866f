// The contract under concurrent writers: one wins, the others learn that they lost, and the feed has the
// event of each write that happened and of no other.
import { expect } from "vitest";
import type { Event } from "../../../src/domain/audit/event.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { newPrincipal, RAISES_KEPT_MAX } from "../../../src/domain/principal.ts";
import type { Store, WriteOutcome } from "../../../src/store/store.ts";
import { OWNER } from "../../domain/build.ts";
import {
  countOf,
  creationOf,
  FAR_FUTURE,
  firstRaiseOf,
  keyAt,
  type PrincipalChange,
  raiseOf,
  refreshOf,
} from "../build.ts";
import {
  allSettled,
  expectFeed,
  expectFeedHolds,
  insertKeys,
  readFeed,
  type StoreCase,
  times,
  WRITERS,
} from "./case.ts";

/** With each lost race another writer has won, and there are so many wins to be had. */
const ATTEMPTS_MAX = WRITERS + 1;

/** Which one wrote; fails unless exactly one did and all others had a conflict. */
function winnerOf(outcomes: readonly WriteOutcome[]): number {
  expect([...outcomes].sort()).toEqual([...times(outcomes.length - 1, () => "conflict"), "written"]);
  return outcomes.indexOf("written");
}

/**
 * Refreshes the key upon its newest revision, again after each conflict. Returns the event that was
 * written.
 */
async function refreshUntilWritten(store: Store, keyId: string): Promise<Event> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const key = await store.keys.read(keyId);
    if (key === undefined) throw new Error(`${keyId} is gone`);
    const { next, event } = refreshOf(key);
    const outcome = await store.keys.update(next, event);
    if (outcome === "written") return event;
    expect(outcome).toBe("conflict");
  }
  throw new Error("every attempt lost, which cannot be");
}

async function raiseUntilWritten(store: Store, principalId: string): Promise<Event> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const found = (await store.principals.read([principalId])).get(principalId);
    const { next, event } = raiseOf(found ?? newPrincipal(OWNER));
    const outcome = await store.principals.write(next, event);
    if (outcome === "written") return event;
    expect(outcome).toBe("conflict");
  }
  throw new Error("every attempt lost, which cannot be");
}

const oneWinner: readonly StoreCase[] = [
  {
    title: `${WRITERS} inserts of one key_id: one is true, its record and event stand alone`,
    run: async (store) => {
      const keys = times(WRITERS, (index) => keyAt(1, { name: `name ${index}` }));
      const events = keys.map((key) => creationOf(key));
      const inserted = await allSettled(
        keys.map((key, index) => store.keys.insert(key, events[index] as Event)),
      );
      expect(inserted.filter(Boolean)).toHaveLength(1);
      const winner = inserted.indexOf(true);
      expect(await store.keys.read(keyAt(1).keyId)).toEqual(keys[winner]);
      await expectFeed(store, events.slice(winner, winner + 1));
    },
  },
  {
    title: `${WRITERS} updates at one revision: one is written, the others are conflicts`,
    run: async (store) => {
      const key = keyAt(1);
      const [created] = await insertKeys(store, key);
      const changes = times(WRITERS, (index) => refreshOf({ ...key, name: `name ${index}` }));
      const outcomes = await allSettled(changes.map(({ next, event }) => store.keys.update(next, event)));
      const winner = changes[winnerOf(outcomes)];
      expect(await store.keys.read(key.keyId)).toEqual(winner?.next);
      await expectFeed(store, [created, winner?.event] as Event[]);
    },
  },
  {
    title: `${WRITERS} first writes of one principal: one is written, the others are conflicts`,
    run: async (store) => {
      const changes: readonly PrincipalChange[] = times(WRITERS, (index) =>
        firstRaiseOf(OWNER, `reason ${index}`),
      );
      const outcomes = await allSettled(
        changes.map(({ next, event }) => store.principals.write(next, event)),
      );
      const winner = changes[winnerOf(outcomes)];
      const { principalId } = newPrincipal(OWNER);
      expect((await store.principals.read([principalId])).get(principalId)).toEqual(winner?.next);
      await expectFeed(store, [winner?.event] as Event[]);
    },
  },
  {
    title: `${WRITERS} replacements of one MAC: one is true, its MAC stands`,
    run: async (store) => {
      const key = keyAt(1);
      await insertKeys(store, key);
      const from = key.generations[0].mac;
      const macs = times(WRITERS, (index) => ({ version: index + 2, value: `mac ${index}` }));
      const replaced = await allSettled(macs.map((to) => store.keys.replaceMac(key.keyId, 1, from, to)));
      expect(replaced.filter(Boolean)).toHaveLength(1);
      expect((await store.keys.read(key.keyId))?.generations[0].mac).toEqual(macs[replaced.indexOf(true)]);
    },
  },
  {
    title: `${WRITERS} first MACs of one imported generation: one is true and stands`,
    run: async (store) => {
      const { mac: _, ...imported } = keyAt(1).generations[0];
      const key = keyAt(1, { generations: [imported] });
      await insertKeys(store, key);
      const macs = times(WRITERS, (index) => ({ version: index + 2, value: `mac ${index}` }));
      const set = await allSettled(macs.map((to) => store.keys.replaceMac(key.keyId, 1, undefined, to)));
      expect(set.filter(Boolean)).toHaveLength(1);
      expect((await store.keys.read(key.keyId))?.generations[0].mac).toEqual(macs[set.indexOf(true)]);
    },
  },
  {
    title: `${WRITERS} check values of one pepper version: one is true and stays`,
    run: async (store) => {
      const inserted = await allSettled(
        times(WRITERS, (index) => store.pepperChecks.insert(1, `check-${index}`)),
      );
      expect(inserted.filter(Boolean)).toHaveLength(1);
      expect(await store.pepperChecks.read()).toEqual(new Map([[1, `check-${inserted.indexOf(true)}`]]));
    },
  },
];

const noneLost: readonly StoreCase[] = [
  {
    title: `${WRITERS} writers of one key that try again: every change is there, every event once`,
    run: async (store) => {
      const key = keyAt(1);
      const created = await insertKeys(store, key);
      const events = await allSettled(times(WRITERS, () => refreshUntilWritten(store, key.keyId)));
      const final = await store.keys.read(key.keyId);
      expect(final?.revision).toBe(1 + WRITERS);
      expect(final?.generations[0].number).toBe(1 + WRITERS);
      await expectFeedHolds(store, [...created, ...events]);
    },
  },
  {
    title: `${WRITERS} raises of one principal that try again: every raise is there, every event once`,
    run: async (store) => {
      const { principalId } = newPrincipal(OWNER);
      const events = await allSettled(times(WRITERS, () => raiseUntilWritten(store, principalId)));
      const final = (await store.principals.read([principalId])).get(principalId);
      expect(final?.revision).toBe(WRITERS);
      expect(final?.raises).toHaveLength(Math.min(WRITERS, RAISES_KEPT_MAX));
      await expectFeedHolds(store, events);
    },
  },
  {
    title:
      "writers of many keys beside sweepers and confirmations: every event once, each key's in its order",
    run: async (store) => {
      const keys: readonly KeyRecord[] = KEY_TYPES.map((type, index) => keyAt(index, { type }));
      const written = await allSettled(
        keys.map(async (key) => {
          const created = await insertKeys(store, key);
          const changed: Event[] = [];
          for (let round = 0; round < countOf(3, 30); round++) {
            changed.push(await refreshUntilWritten(store, key.keyId));
            await Promise.all([
              store.events.relayPending(FAR_FUTURE),
              store.keys.confirm(key.keyId, round + 2),
              store.events.relayPending(FAR_FUTURE),
            ]);
          }
          return [...created, ...changed];
        }),
      );
      await expectFeedHolds(store, written.flat());
      for (const [index, key] of keys.entries()) {
        const feed = await readFeed(store, { keyId: key.keyId });
        expect(feed.map(({ eventId }) => eventId)).toEqual(written[index]?.map(({ eventId }) => eventId));
      }
    },
  },
];

export const concurrencyCases: readonly StoreCase[] = [...oneWinner, ...noneLost];
