// The contract of KeyStore.insertBatch: each key for itself, one event for those that were written, and none
// when none was.
import { expect } from "vitest";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import type { Store } from "../../../src/store/store.ts";
import { START } from "../../domain/build.ts";
import { countOf, importOf, keyAt, keyIdAt, refreshOf } from "../build.ts";
import {
  allSettled,
  expectFeed,
  expectFeedHolds,
  insertKeys,
  type StoreCase,
  times,
  WRITERS,
} from "./case.ts";

const MANY = countOf(120, 1_000);

/** Keys of all types, one behind the other. */
function keysOf(count: number, firstSeed = 0) {
  return times(count, (index) => keyAt(firstSeed + index, { type: KEY_TYPES[index % KEY_TYPES.length] }));
}

async function expectKeys(store: Store, keys: ReturnType<typeof keysOf>): Promise<void> {
  for (const key of keys) expect(await store.keys.read(key.keyId)).toEqual(key);
}

const wholes: readonly StoreCase[] = [
  {
    title: `insertBatch of ${MANY} keys of all types: true for each, each is there, the event once`,
    run: async (store) => {
      const keys = keysOf(MANY);
      const event = importOf(keys);
      expect(await store.keys.insertBatch(keys, event)).toEqual(keys.map(() => true));
      await expectKeys(store, keys);
      await expectFeed(store, [event]);
    },
  },
  {
    title: "insertBatch of one key: as an insert",
    run: async (store) => {
      const key = keyAt(1, { expireTime: START + 5_000, metadata: '{"a":1}' });
      const event = importOf([key]);
      expect(await store.keys.insertBatch([key], event)).toEqual([true]);
      expect(await store.keys.read(key.keyId)).toEqual(key);
      await expectFeed(store, [event]);
    },
  },
  {
    title: "insertBatch of none: none, and no event",
    run: async (store) => {
      expect(await store.keys.insertBatch([], importOf([]))).toEqual([]);
      await expectFeed(store, []);
    },
  },
  {
    title: "insertBatch: its keys are found in every way and change as others do",
    run: async (store) => {
      const [slot, request] = [
        { id: "slot-1", number: 1 },
        { key: "request-1", digest: "digest-1" },
      ];
      const keys = [keyAt(1), keyAt(2, { slot }), keyAt(3, { request, name: "third" })];
      const event = importOf(keys);
      expect(await store.keys.insertBatch(keys, event)).toEqual([true, true, true]);
      expect(await store.keys.readSlotHolder("user", slot.id)).toEqual(keys[1]);
      expect(await store.keys.readRequest(request.key)).toEqual(keys[2]);
      const query = { types: KEY_TYPES, owner: keyAt(3).owner, name: "third", limit: 9 };
      expect(await store.keys.list(query)).toEqual([keys[2]]);
      const changes = keys.map((key) => refreshOf(key));
      for (const { next, event: changed } of changes) {
        expect(await store.keys.confirm(next.keyId, 1)).toBe(true);
        expect(await store.keys.update(next, changed)).toBe("written");
      }
      await expectFeed(store, [event, ...changes.map((change) => change.event)]);
    },
  },
];

const partials: readonly StoreCase[] = [
  ...([[0], [1], [2], [0, 1], [0, 2], [1, 2]].map((taken) => ({
    title: `insertBatch of three keys with ${taken} taken: those stay, the others are there, the event once`,
    run: async (store) => {
      const [keys, held] = [keysOf(3), keysOf(3).map((key) => ({ ...key, name: "held" }))];
      const events = await insertKeys(store, ...held.filter((_, index) => taken.includes(index)));
      const event = importOf(keys);
      expect(await store.keys.insertBatch(keys, event)).toEqual(
        keys.map((_, index) => !taken.includes(index)),
      );
      await expectKeys(
        store,
        keys.map((key, index) => (taken.includes(index) ? { ...key, name: "held" } : key)),
      );
      await expectFeed(store, [...events, event]);
    },
  })) satisfies readonly StoreCase[]),
  {
    title: "insertBatch with all taken: false for each, nothing is written, not even the event",
    run: async (store) => {
      const keys = keysOf(7);
      const event = importOf(keys);
      await store.keys.insertBatch(keys, event);
      const others = keys.map((key) => ({ ...key, name: "another" }));
      expect(await store.keys.insertBatch(others, importOf(others))).toEqual(keys.map(() => false));
      await expectKeys(store, keys);
      await expectFeed(store, [event]);
    },
  },
  ...([
    [1, 1, 2],
    [2, 1, 1],
    [1, 2, 1, 3, 1],
  ].map((seeds) => ({
    title: `insertBatch with equal key_ids at ${seeds}: one of the equal ones is written, and the others`,
    run: async (store) => {
      const keys = seeds.map((seed, index) => keyAt(seed, { name: `name ${index}` }));
      const event = importOf(keys);
      const areWritten = await store.keys.insertBatch(keys, event);
      for (const seed of new Set(seeds)) {
        const written = keys.filter((key, index) => areWritten[index] && key.keyId === keyIdAt(seed));
        expect(written).toHaveLength(1);
        expect(await store.keys.read(keyIdAt(seed))).toEqual(written[0]);
      }
      await expectFeed(store, [event]);
    },
  })) satisfies readonly StoreCase[]),
];

const races: readonly StoreCase[] = [
  {
    title: `${WRITERS} batches of equal keys at once: each key is one's, each event that of a batch with one`,
    run: async (store) => {
      const batches = times(WRITERS, (writer) =>
        keysOf(WRITERS).map((key) => ({ ...key, name: `name ${writer}` })),
      );
      // Each begins elsewhere, so that several get some.
      const turned = batches.map((keys, writer) => [...keys.slice(writer), ...keys.slice(0, writer)]);
      const events = turned.map((keys) => importOf(keys));
      const answers = await allSettled(
        turned.map((keys, writer) => store.keys.insertBatch(keys, events[writer] ?? importOf(keys))),
      );
      const written = turned.flatMap((keys, writer) => keys.filter((_, index) => answers[writer]?.[index]));
      expect(written.map(({ keyId }) => keyId).sort()).toEqual(
        keysOf(WRITERS)
          .map(({ keyId }) => keyId)
          .sort(),
      );
      await expectKeys(store, written);
      await expectFeedHolds(
        store,
        events.filter((_, writer) => answers[writer]?.includes(true)),
      );
    },
  },
];

export const insertBatchCases: readonly StoreCase[] = [...wholes, ...partials, ...races];
