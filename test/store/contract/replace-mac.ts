// The contract of KeyStore.replaceMac: guarded on the MAC itself, one generation only, and invisible to
// everybody else.
import { expect } from "vitest";
import type { Mac } from "../../../src/domain/api-key/digests.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import type { Store } from "../../../src/store/store.ts";
import { START } from "../../domain/build.ts";
import { creationOf, keyAt, keyIdAt, refreshOf, revocationOf } from "../build.ts";
import { expectFeed, insertKeys, type StoreCase } from "./case.ts";

const TO: Mac = { version: 2, value: "mac-under-the-second-pepper" };

/** A key within its grace, so with two generations, newest first. */
async function writeTwoGenerations(store: Store): Promise<KeyRecord> {
  const key = keyAt(1);
  await insertKeys(store, key);
  const { next, event } = refreshOf(key);
  expect(await store.keys.update(next, event)).toBe("written");
  expect(next.generations.map(({ number }) => number)).toEqual([2, 1]);
  return next;
}

function withMac(key: KeyRecord, number: number, mac: Mac): KeyRecord {
  const [newest, ...older] = key.generations;
  const replace = (generation: typeof newest) =>
    generation.number === number ? { ...generation, mac } : generation;
  return { ...key, generations: [replace(newest), ...older.map(replace)] };
}

function macAt(key: KeyRecord, number: number): Mac {
  const mac = key.generations.find((generation) => generation.number === number)?.mac;
  if (mac === undefined) throw new Error(`generation ${number} of the key has no MAC`);
  return mac;
}

/** A key within its grace whose older generation was imported and not used yet. */
async function writeImported(store: Store): Promise<KeyRecord> {
  const imported = { format: "acme", algorithm: "sha256", digest: "digest-1" } as const;
  const key = keyAt(1, { generations: [{ number: 1, createTime: START, imported }] });
  await insertKeys(store, key);
  const { next, event } = refreshOf(key);
  expect(await store.keys.update(next, event)).toBe("written");
  expect(next.generations.map(({ mac }) => mac === undefined)).toEqual([false, true]);
  return next;
}

export const replaceMacCases: readonly StoreCase[] = [
  ...([1, 2].map((number) => ({
    title: `replaceMac of generation ${number} of two: that MAC alone changes`,
    run: async (store) => {
      const key = await writeTwoGenerations(store);
      expect(await store.keys.replaceMac(key.keyId, number, macAt(key, number), TO)).toBe(true);
      expect(await store.keys.read(key.keyId)).toEqual(withMac(key, number, TO));
      expect(await store.keys.confirm(key.keyId, key.revision)).toBe(true);
    },
  })) satisfies readonly StoreCase[]),
  {
    title: "replaceMac: the feed gets nothing, and a change that was read before still fits",
    run: async (store) => {
      const key = keyAt(1);
      const created = creationOf(key);
      expect(await store.keys.insert(key, created)).toBe(true);
      expect(await store.keys.replaceMac(key.keyId, 1, macAt(key, 1), TO)).toBe(true);
      await expectFeed(store, [created]);
      const { next, event } = revocationOf(key);
      expect(await store.keys.update(next, event)).toBe("written");
      expect(await store.keys.read(key.keyId)).toEqual(next);
    },
  },
  {
    title: "replaceMac: false when the MAC is not `from`, and nothing changes",
    run: async (store) => {
      const key = await writeTwoGenerations(store);
      const { version, value } = macAt(key, 2);
      const others: readonly (readonly [number: number, from: Mac])[] = [
        [2, { version: version + 1, value }],
        [2, { version, value: `${value}x` }],
        [2, macAt(key, 1)],
        [1, { version, value }],
        [3, { version, value }],
        [0, { version, value }],
      ];
      for (const [number, from] of others) {
        expect(await store.keys.replaceMac(key.keyId, number, from, TO)).toBe(false);
      }
      expect(await store.keys.read(key.keyId)).toEqual(key);
    },
  },
  {
    title: "replaceMac: a second time is false, since the MAC is not `from` any more",
    run: async (store) => {
      const key = await writeTwoGenerations(store);
      expect(await store.keys.replaceMac(key.keyId, 2, macAt(key, 2), TO)).toBe(true);
      expect(await store.keys.replaceMac(key.keyId, 2, macAt(key, 2), { ...TO, version: 3 })).toBe(false);
      expect(await store.keys.replaceMac(key.keyId, 2, TO, { ...TO, version: 3 })).toBe(true);
      expect(await store.keys.read(key.keyId)).toEqual(withMac(key, 2, { ...TO, version: 3 }));
    },
  },
  {
    title: "replaceMac by the same MAC: true, since it was `from`",
    run: async (store) => {
      const key = await writeTwoGenerations(store);
      expect(await store.keys.replaceMac(key.keyId, 2, macAt(key, 2), macAt(key, 2))).toBe(true);
      expect(await store.keys.read(key.keyId)).toEqual(key);
    },
  },
  {
    title: "replaceMac: both generations that share a MAC are told apart by their number",
    run: async (store) => {
      const key = await writeTwoGenerations(store);
      const shared = macAt(key, 1);
      expect(await store.keys.replaceMac(key.keyId, 2, macAt(key, 2), shared)).toBe(true);
      expect(await store.keys.replaceMac(key.keyId, 1, shared, TO)).toBe(true);
      expect(await store.keys.read(key.keyId)).toEqual(withMac(withMac(key, 2, shared), 1, TO));
    },
  },
  {
    title: "replaceMac from none: sets the MAC of a generation that has none, once, and nothing else",
    run: async (store) => {
      const key = await writeImported(store);
      expect(await store.keys.replaceMac(key.keyId, 1, undefined, TO)).toBe(true);
      expect(await store.keys.read(key.keyId)).toEqual(withMac(key, 1, TO));
      expect(await store.keys.replaceMac(key.keyId, 1, undefined, { ...TO, version: 3 })).toBe(false);
      expect(await store.keys.read(key.keyId)).toEqual(withMac(key, 1, TO));
      expect(await store.keys.confirm(key.keyId, key.revision)).toBe(true);
      expect(await store.keys.replaceMac(key.keyId, 1, TO, { ...TO, version: 3 })).toBe(true);
    },
  },
  {
    title:
      "replaceMac: false from none when there is one, from one when there is none, and without generation",
    run: async (store) => {
      const key = await writeImported(store);
      expect(await store.keys.replaceMac(key.keyId, 2, undefined, TO)).toBe(false);
      expect(await store.keys.replaceMac(key.keyId, 1, macAt(key, 2), TO)).toBe(false);
      expect(await store.keys.replaceMac(key.keyId, 3, undefined, TO)).toBe(false);
      expect(await store.keys.replaceMac(keyIdAt(2), 1, undefined, TO)).toBe(false);
      expect(await store.keys.read(key.keyId)).toEqual(key);
    },
  },
  {
    title: "replaceMac: false for a key that is not there and for what is no key_id",
    run: async (store) => {
      const key = keyAt(1);
      await insertKeys(store, key);
      expect(await store.keys.replaceMac(keyIdAt(2), 1, macAt(key, 1), TO)).toBe(false);
      expect(await store.keys.replaceMac("user-1", 1, macAt(key, 1), TO)).toBe(false);
      expect(await store.keys.read(key.keyId)).toEqual(key);
    },
  },
];
