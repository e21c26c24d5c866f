// The contract of KeyStore.remove: guarded as a change is, whole, and without a trace but in the feed. That a
// key with waiting events stays is shown where events can wait.
import { expect } from "vitest";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { creationOf, keyAt, keyIdAt, refreshOf, revocationOf } from "../build.ts";
import {
  allSettled,
  expectFeed,
  insertKeys,
  readFeed,
  type StoreCase,
  times,
  WRITERS,
  withoutNumber,
} from "./case.ts";

const removals: readonly StoreCase[] = [
  ...(KEY_TYPES.map((type) => ({
    title: `remove of a ${type} key at its revision: nothing finds it any more, the feed stays as it is`,
    run: async (store) => {
      const slot = { id: "slot-1", number: 1 };
      const request = { key: "request-1", digest: "digest-1" };
      const key = keyAt(1, { type, slot, request, name: "removed" });
      const other = keyAt(2, { type });
      const events = await insertKeys(store, key, other);
      expect(await store.keys.remove(key.keyId, 1)).toBe(true);
      expect(await store.keys.read(key.keyId)).toBeUndefined();
      expect(await store.keys.list({ types: KEY_TYPES, owner: {}, limit: 9 })).toEqual([other]);
      expect(await store.keys.readSlotHolder(type, slot.id)).toBeUndefined();
      expect(await store.keys.readRequest(request.key)).toBeUndefined();
      expect(await store.keys.read(other.keyId)).toEqual(other);
      await expectFeed(store, events);
    },
  })) satisfies readonly StoreCase[]),
  {
    title: "remove of a changed key: only at the revision that it is at",
    run: async (store) => {
      const key = keyAt(1);
      await insertKeys(store, key);
      const { next, event } = revocationOf(key);
      expect(await store.keys.update(next, event)).toBe("written");
      for (const revision of [0, 1, 3]) expect(await store.keys.remove(key.keyId, revision)).toBe(false);
      expect(await store.keys.read(key.keyId)).toEqual(next);
      expect(await store.keys.remove(key.keyId, 2)).toBe(true);
      expect(await store.keys.read(key.keyId)).toBeUndefined();
    },
  },
  {
    title: "remove: false for a key that is not there, that was removed, and for what is no key_id",
    run: async (store) => {
      const key = keyAt(1);
      await insertKeys(store, key);
      expect(await store.keys.remove(keyIdAt(2), 1)).toBe(false);
      expect(await store.keys.remove("user-1", 1)).toBe(false);
      expect(await store.keys.remove("", 1)).toBe(false);
      expect(await store.keys.read(key.keyId)).toEqual(key);
      expect(await store.keys.remove(key.keyId, 1)).toBe(true);
      expect(await store.keys.remove(key.keyId, 1)).toBe(false);
    },
  },
  {
    title: "remove: every write to the key is refused afterwards, and nothing of it is written",
    run: async (store) => {
      const key = keyAt(1);
      const events = await insertKeys(store, key);
      expect(await store.keys.remove(key.keyId, 1)).toBe(true);
      const { next, event } = refreshOf(key);
      const mac = key.generations[0].mac;
      expect(await store.keys.update(next, event)).toBe("conflict");
      expect(await store.keys.confirm(key.keyId, 1)).toBe(false);
      expect(await store.keys.replaceMac(key.keyId, 1, mac, { version: 2, value: "mac" })).toBe(false);
      expect(await store.keys.read(key.keyId)).toBeUndefined();
      await expectFeed(store, events);
    },
  },
  {
    title: "remove: the key_id is free again, and what was removed is not in the new key",
    run: async (store) => {
      const key = keyAt(1, { name: "former", expireTime: 1, metadata: "{}" });
      await insertKeys(store, key);
      expect(await store.keys.remove(key.keyId, 1)).toBe(true);
      const again = keyAt(1, { name: "latter" });
      const created = creationOf(again);
      expect(await store.keys.insert(again, created)).toBe(true);
      expect(await store.keys.read(key.keyId)).toEqual(again);
      const { next, event } = refreshOf(again);
      expect(await store.keys.update(next, event)).toBe("written");
      expect((await readFeed(store)).map(withoutNumber).slice(1)).toEqual([created, event]);
    },
  },
];

const races: readonly StoreCase[] = [
  {
    title: `${WRITERS} removals of one key at once: one is true`,
    run: async (store) => {
      const key = keyAt(1);
      await insertKeys(store, key);
      const removed = await allSettled(times(WRITERS, () => store.keys.remove(key.keyId, 1)));
      expect(removed.filter(Boolean)).toHaveLength(1);
      expect(await store.keys.read(key.keyId)).toBeUndefined();
    },
  },
  {
    title: `a removal and a change at one revision, ${WRITERS} times at once: one of the two happens`,
    run: async (store) => {
      const keys = times(WRITERS, (index) => keyAt(index));
      await insertKeys(store, ...keys);
      await allSettled(
        keys.map(async (key) => {
          const { next, event } = refreshOf(key);
          const [outcome, isRemoved] = await Promise.all([
            store.keys.update(next, event),
            store.keys.remove(key.keyId, 1),
          ]);
          expect(outcome).toBe(isRemoved ? "conflict" : "written");
          expect(await store.keys.read(key.keyId)).toEqual(isRemoved ? undefined : next);
        }),
      );
    },
  },
];

export const removeCases: readonly StoreCase[] = [...removals, ...races];
