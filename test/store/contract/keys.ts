// The contract of single keys: insert, read, update, confirm. replace-mac.ts, slots-and-requests.ts and
// listing.ts have the rest of KeyStore.
import { expect } from "vitest";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { START } from "../../domain/build.ts";
import { creationOf, keyAt, keyIdAt, refreshOf, revocationOf } from "../build.ts";
import { expectFeed, insertKeys, type StoreCase } from "./case.ts";

/** Texts that are not key_ids, so that no key can have them. */
const NOT_KEY_IDS = ["", "flk_", "flk_x23456789012", "user-1", `${keyIdAt(1)}x`, "__proto__", "flk_u\0"];

const inserts: readonly StoreCase[] = [
  ...(KEY_TYPES.map((type) => ({
    title: `insert of a ${type} key: read gives the same record, the feed has its event once`,
    run: async (store) => {
      const key = keyAt(1, { type, provider: "provider-1", expireTime: START + 5_000 });
      const events = await insertKeys(store, key);
      expect(await store.keys.read(key.keyId)).toEqual(key);
      await expectFeed(store, events);
    },
  })) satisfies readonly StoreCase[]),
  {
    title: "insert at a taken key_id: false, record and feed stay as they are",
    run: async (store) => {
      const key = keyAt(1);
      const events = await insertKeys(store, key);
      const other = keyAt(1, { name: "another key", createdBy: "caller-2" });
      expect(await store.keys.insert(other, creationOf(other))).toBe(false);
      expect(await store.keys.read(key.keyId)).toEqual(key);
      await expectFeed(store, events);
    },
  },
  {
    title: "read: undefined for a key that is not there and for what is no key_id",
    run: async (store) => {
      await insertKeys(store, keyAt(1));
      for (const type of KEY_TYPES) expect(await store.keys.read(keyIdAt(2, type))).toBeUndefined();
      for (const keyId of NOT_KEY_IDS) expect(await store.keys.read(keyId)).toBeUndefined();
    },
  },
];

const updates: readonly StoreCase[] = [
  ...(KEY_TYPES.map((type) => ({
    title: `update of a ${type} key: the next record replaces the former one, the feed has its event once`,
    run: async (store) => {
      const key = keyAt(1, { type });
      const [created] = await insertKeys(store, key, keyAt(2, { type }));
      const { next, event } = revocationOf(key);
      expect(await store.keys.update(next, event)).toBe("written");
      expect(await store.keys.read(key.keyId)).toEqual(next);
      expect(await store.keys.read(keyIdAt(2, type))).toEqual(keyAt(2, { type }));
      const events = await store.events.list({ keyId: key.keyId, owner: {}, after: 0, limit: 10 });
      expect(events.map(({ eventId }) => eventId)).toEqual([created?.eventId, event.eventId]);
    },
  })) satisfies readonly StoreCase[]),
  {
    title: "update: a field that the next record lacks is gone",
    run: async (store) => {
      const key = keyAt(1, { expireTime: START + 5_000, metadata: "{}", provider: "provider-1" });
      await insertKeys(store, key);
      const { expireTime: _, metadata: __, provider: ___, ...bare } = key;
      const { next, event } = refreshOf({ ...bare, generations: key.generations });
      expect(await store.keys.update(next, event)).toBe("written");
      expect(await store.keys.read(key.keyId)).toEqual(next);
    },
  },
  {
    title: "update at a revision that is past: conflict, nothing is written",
    run: async (store) => {
      const key = keyAt(1);
      const [created] = await insertKeys(store, key);
      const first = refreshOf(key);
      expect(await store.keys.update(first.next, first.event)).toBe("written");
      const late = revocationOf(key);
      expect(await store.keys.update(late.next, late.event)).toBe("conflict");
      expect(await store.keys.read(key.keyId)).toEqual(first.next);
      await expectFeed(store, [created ?? first.event, first.event]);
    },
  },
  {
    title: "update at a revision that is not reached: conflict, nothing is written",
    run: async (store) => {
      const key = keyAt(1);
      const events = await insertKeys(store, key);
      const { next, event } = refreshOf(refreshOf(key).next);
      expect(await store.keys.update(next, event)).toBe("conflict");
      expect(await store.keys.read(key.keyId)).toEqual(key);
      await expectFeed(store, events);
    },
  },
  {
    title: "update of a key that is not there: conflict, nothing is written",
    run: async (store) => {
      const { next, event } = revocationOf(keyAt(1));
      expect(await store.keys.update(next, event)).toBe("conflict");
      expect(await store.keys.read(next.keyId)).toBeUndefined();
      await expectFeed(store, []);
    },
  },
];

const confirms: readonly StoreCase[] = [
  ...(KEY_TYPES.map((type) => ({
    title: `confirm of a ${type} key: true at its revision, and nothing is seen of it`,
    run: async (store) => {
      const key = keyAt(1, { type });
      const events = await insertKeys(store, key);
      expect(await store.keys.confirm(key.keyId, 1)).toBe(true);
      expect(await store.keys.confirm(key.keyId, 1)).toBe(true);
      expect(await store.keys.read(key.keyId)).toEqual(key);
      await expectFeed(store, events);
      const { next, event } = refreshOf(key);
      expect(await store.keys.update(next, event)).toBe("written");
      expect(await store.keys.confirm(key.keyId, 2)).toBe(true);
    },
  })) satisfies readonly StoreCase[]),
  {
    title: "confirm: false at another revision, for a key that is not there and for what is no key_id",
    run: async (store) => {
      const key = keyAt(1);
      await insertKeys(store, key);
      const { next, event } = refreshOf(key);
      await store.keys.update(next, event);
      for (const revision of [0, 1, 3]) expect(await store.keys.confirm(key.keyId, revision)).toBe(false);
      expect(await store.keys.confirm(keyIdAt(2), 1)).toBe(false);
      for (const keyId of NOT_KEY_IDS) expect(await store.keys.confirm(keyId, 1)).toBe(false);
      expect(await store.keys.read(key.keyId)).toEqual(next);
    },
  },
  {
    title: "ping resolves",
    run: async (store) => {
      expect(await store.ping()).toBeUndefined();
    },
  },
];

export const keyCases: readonly StoreCase[] = [...inserts, ...updates, ...confirms];
