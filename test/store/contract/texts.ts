// The contract of values: whatever text a caller chose comes back as it was, is found by, and means nothing
// to the store. The texts are those that query languages, JavaScript objects and C strings trip over.
import { expect } from "vitest";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { OWNER_FIELDS } from "../../../src/domain/principal.ts";
import type { Store } from "../../../src/store/store.ts";
import { creationOf, firstRaiseOf, keyAt, refreshOf, revocationOf } from "../build.ts";
import { insertKeys, readFeed, type StoreCase, withoutNumber } from "./case.ts";

const TEXTS: readonly (readonly [name: string, text: string])[] = [
  ["a dollar operator", "$where"],
  ["a JSON operator", '{"$gt":""}'],
  ["dots", "key.owner.userId"],
  ["a prototype's name", "__proto__"],
  ["a NUL in it", "be\0fore"],
  ["SQL", "x' OR '1'='1'; DROP TABLE events; --"],
  ["a wildcard", "%_*"],
  ["characters of four bytes", "😀𐍈\u{10FFFF}"],
  ["combining characters, not normalized", "e\u0301 \u00e9"],
  ["spaces around", "  \t a \n "],
  ["digits alone", "0012"],
  ["a word of JSON", "null"],
];

const METADATA: readonly (readonly [name: string, json: string])[] = [
  ["a prototype key", '{"__proto__":{"admin":true},"constructor":1}'],
  ["operator keys", '{"$where":"sleep(1)","$set":{"a.b":1},"":0}'],
  ["doubled keys and spaces", '{ "a" : 1, "a" : 2 }'],
  ["numbers that would be rounded", '{"a":12345678901234567890,"b":1e400}'],
  ["characters of four bytes and NUL", '{"😀":"\\u0000","b":"𐍈"}'],
  ["the JSON null", "null"],
];

const LARGE = "metadata-of-a-large-record 😀 ".repeat(32 * 1_024);

/** A key that holds the text wherever a key can. */
async function writeEverywhere(store: Store, text: string): Promise<void> {
  const key = keyAt(1, { name: text, description: text, provider: text, createdBy: text });
  expect(await store.keys.insert(key, creationOf(key))).toBe(true);
  expect(await store.keys.read(key.keyId)).toEqual(key);
  const { next, event } = revocationOf(key, text);
  expect(await store.keys.update(next, event)).toBe("written");
  expect(await store.keys.read(key.keyId)).toEqual(next);
  const feed = await readFeed(store, { keyId: key.keyId });
  expect(feed.map(withoutNumber)[1]).toEqual(event);
}

/** A key is found by this text in each field of its owner, by its creator, slot and request. */
async function findByOwner(store: Store, text: string): Promise<void> {
  for (const [index, field] of OWNER_FIELDS.entries()) {
    const owner = { [field]: text };
    const request = { key: `${text}${field}`, digest: text };
    const slot = { id: `${text}${field}`, number: 1 };
    const type = KEY_TYPES[index + 1];
    const key = keyAt(index, { type, owner, createdBy: `${text}${field}`, slot, request });
    const other = keyAt(index + 10, { type, owner: { [field]: "somebody" } });
    const [event] = await insertKeys(store, key, other);
    expect(await store.keys.list({ types: KEY_TYPES, owner, limit: 10 })).toEqual([key]);
    expect((await readFeed(store, { owner })).map(withoutNumber)).toEqual([event]);
    expect((await readFeed(store, { caller: key.createdBy })).map(withoutNumber)).toEqual([event]);
    expect(await store.keys.readSlotHolder(key.type, slot.id)).toEqual(key);
    expect(await store.keys.readRequest(request.key)).toEqual(key);
  }
}

async function writePrincipal(store: Store, text: string): Promise<void> {
  const owner = { userId: text, organizationId: text };
  const { next, event } = firstRaiseOf(owner, text);
  expect(await store.principals.write(next, event)).toBe("written");
  expect(await store.principals.read([next.principalId])).toEqual(new Map([[next.principalId, next]]));
  expect((await readFeed(store, { owner })).map(withoutNumber)).toEqual([event]);
}

export const textCases: readonly StoreCase[] = [
  ...TEXTS.map(([name, text]) => ({
    title: `text with ${name}: keys and principals keep it as it is and are found by it, and nothing else is`,
    run: async (store: Store) => {
      await writeEverywhere(store, text);
      await findByOwner(store, text);
      await writePrincipal(store, text);
    },
  })),
  ...(METADATA.map(([name, metadata]) => ({
    title: `metadata with ${name} stays the same JSON text`,
    run: async (store) => {
      const key = keyAt(1, { metadata });
      expect(await store.keys.insert(key, creationOf(key))).toBe(true);
      const { next, event } = refreshOf(key);
      expect(await store.keys.update(next, event)).toBe("written");
      expect((await store.keys.read(key.keyId))?.metadata).toBe(metadata);
      const [listed] = await store.keys.list({ types: ["user"], owner: {}, limit: 1 });
      expect(listed?.metadata).toBe(metadata);
    },
  })) satisfies readonly StoreCase[]),
  {
    title: "a record of a megabyte and its event come back whole",
    run: async (store) => {
      expect(Buffer.byteLength(LARGE)).toBeGreaterThan(1_000_000);
      const key = keyAt(1, { metadata: JSON.stringify(LARGE), description: LARGE });
      expect(await store.keys.insert(key, creationOf(key))).toBe(true);
      expect(await store.keys.read(key.keyId)).toEqual(key);
      const { next, event } = revocationOf(key, LARGE);
      expect(await store.keys.update(next, event)).toBe("written");
      expect(await store.keys.read(key.keyId)).toEqual(next);
      expect((await readFeed(store))[1]?.reason === LARGE).toBe(true);
    },
  },
];
