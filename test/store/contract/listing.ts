// The contract of KeyStore.list: one order over all types, owner filters, pages without gap or repeat. A
// walk under concurrent inserts is held against what was there before its first page.
import { expect } from "vitest";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { OWNER_FIELDS, type Owner } from "../../../src/domain/principal.ts";
import type { KeyPosition, KeyQuery, Store } from "../../../src/store/store.ts";
import { START, seededBytes } from "../../domain/build.ts";
import { countOf, keyAt, keyIdAt, revocationOf } from "../build.ts";
import { insertKeys, type StoreCase } from "./case.ts";

const OWNERS: readonly Owner[] = [
  {},
  { userId: "user-1" },
  { organizationId: "org-1" },
  { serviceAccountId: "account-1" },
  { userId: "user-1", organizationId: "org-1" },
  { userId: "user-1", organizationId: "org-2" },
  { userId: "org-1" },
  { userId: "user-1", organizationId: "org-1", serviceAccountId: "account-1" },
];
const LIMIT = 1_000;
/** Few enough for a small pool of connections. */
const INSERTS_AT_ONCE = 12;
/** A walk that needs more pages goes in circles. */
const PAGES_MAX = 1_000;

/** Keys of all types and owners whose creation times often coincide, in no order. */
function variedKeys(count: number, seed = 1): readonly KeyRecord[] {
  const bytes = seededBytes(seed);
  const below = (bound: number) => (bytes(1)[0] ?? 0) % bound;
  return Array.from({ length: count }, (_, index) => {
    const type = KEY_TYPES[below(KEY_TYPES.length)] ?? "user";
    const owner = OWNERS[index % OWNERS.length] ?? {};
    return keyAt(seed * 10_000 + index, { type, owner, createTime: START + below(4) });
  });
}

/** Many at once: their order must not come from the order of the inserts. */
export async function insertAll(store: Store, keys: readonly KeyRecord[]): Promise<void> {
  for (let start = 0; start < keys.length; start += INSERTS_AT_ONCE) {
    const batch = keys.slice(start, start + INSERTS_AT_ONCE);
    await Promise.all(batch.map((key) => insertKeys(store, key)));
  }
}

/** What List must answer, from the definition of its order and filters. */
export function expected(keys: readonly KeyRecord[], query: Partial<KeyQuery>): readonly string[] {
  const { types = KEY_TYPES, owner = {}, name, after, limit = LIMIT } = query;
  const { expireFrom = Number.NEGATIVE_INFINITY, expireBefore = Number.POSITIVE_INFINITY } = query;
  const mayBeEndless = query.expireFrom === undefined && query.expireBefore === undefined;
  const isBehind = ({ createTime, keyId }: KeyRecord) =>
    after === undefined ||
    createTime > after.createTime ||
    (createTime === after.createTime && keyId > after.keyId);
  return keys
    .filter((key) => types.includes(key.type) && isBehind(key))
    .filter((key) => name === undefined || key.name === name)
    .filter(({ expireTime }) =>
      expireTime === undefined ? mayBeEndless : expireTime >= expireFrom && expireTime < expireBefore,
    )
    .filter((key) =>
      OWNER_FIELDS.every((field) => owner[field] === undefined || owner[field] === key.owner[field]),
    )
    .sort((a, b) => a.createTime - b.createTime || (a.keyId < b.keyId ? -1 : 1))
    .slice(0, limit)
    .map(({ keyId }) => keyId);
}

export async function listed(store: Store, query: Partial<KeyQuery>): Promise<readonly string[]> {
  const keys = await store.keys.list({ types: KEY_TYPES, owner: {}, limit: LIMIT, ...query });
  return keys.map(({ keyId }) => keyId);
}

/** Reads page by page until one is not full. `between` runs after each page. */
async function walk(
  store: Store,
  limit: number,
  between: () => Promise<void> = async () => {},
): Promise<readonly string[]> {
  const seen: string[] = [];
  let after: KeyPosition | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const keys: readonly KeyRecord[] = await store.keys.list({ types: KEY_TYPES, owner: {}, after, limit });
    expect(keys.length).toBeLessThanOrEqual(limit);
    seen.push(...keys.map(({ keyId }) => keyId));
    if (keys.length < limit) return seen;
    after = keys.at(-1);
    await between();
  }
  throw new Error(`the walk does not end: ${seen.slice(0, 20)}`);
}

const orders: readonly StoreCase[] = [
  {
    title: "list of an empty store: nothing",
    run: async (store) => {
      expect(await listed(store, {})).toEqual([]);
      expect(await listed(store, { after: { createTime: START, keyId: keyIdAt(1) } })).toEqual([]);
    },
  },
  {
    title: "list: the keys of five types in one order, by createTime and then keyId, as whole records",
    run: async (store) => {
      const keys = variedKeys(countOf(20, 500));
      await insertAll(store, keys);
      expect(await listed(store, {})).toEqual(expected(keys, {}));
      const [first] = await store.keys.list({ types: KEY_TYPES, owner: {}, limit: 1 });
      expect(first).toEqual(keys.find(({ keyId }) => keyId === first?.keyId));
    },
  },
  {
    title: "list: only the types that are asked for, in one order",
    run: async (store) => {
      const keys = variedKeys(20);
      await insertAll(store, keys);
      for (const types of [...KEY_TYPES.map((type) => [type]), ["service", "user"] as const]) {
        expect(await listed(store, { types })).toEqual(expected(keys, { types }));
      }
    },
  },
  {
    title: "list: behind a position, be it a key's or none's",
    run: async (store) => {
      const keys = variedKeys(16);
      await insertAll(store, keys);
      const nobody = [START - 1, START, START + 1, START + 9].flatMap((createTime) => [
        { createTime, keyId: "" },
        { createTime, keyId: "flk_p" },
        { createTime, keyId: "~" },
      ]);
      for (const { createTime, keyId } of [...keys, ...nobody]) {
        const after = { createTime, keyId };
        expect(await listed(store, { after, limit: 5 })).toEqual(expected(keys, { after, limit: 5 }));
      }
    },
  },
  {
    title: "list: a changed key keeps its place and comes as it is now",
    run: async (store) => {
      const keys = variedKeys(6);
      await insertAll(store, keys);
      const before = await listed(store, {});
      for (const key of keys) {
        const { next, event } = revocationOf(key);
        expect(await store.keys.update(next, event)).toBe("written");
      }
      const after = await store.keys.list({ types: KEY_TYPES, owner: {}, limit: LIMIT });
      expect(after.map(({ keyId }) => keyId)).toEqual(before);
      expect(
        after.every(({ revision, revocation }) => revision === 2 && revocation?.reason === "leaked"),
      ).toBe(true);
    },
  },
];

const filters: readonly StoreCase[] = [
  {
    title: `list of each of ${OWNERS.length} owners: the keys that carry all of it, behind a position too`,
    run: async (store) => {
      const keys = variedKeys(3 * OWNERS.length, 2);
      await insertAll(store, keys);
      for (const owner of OWNERS) {
        const name = JSON.stringify(owner);
        const whole = expected(keys, { owner });
        expect(await listed(store, { owner }), name).toEqual(whole);
        const middle = keys.find(({ keyId }) => keyId === whole[1]);
        if (middle === undefined) throw new Error(`too few keys of ${name} to page through`);
        const query = { owner, after: { createTime: middle.createTime, keyId: middle.keyId }, limit: 2 };
        expect(await listed(store, query), name).toEqual(expected(keys, query));
        expect(await listed(store, { owner: { ...owner, userId: "nobody" } }), name).toEqual([]);
      }
    },
  },
];

const walks: readonly StoreCase[] = [
  {
    title: "list: pages of any size bring 12 keys without gap or repeat",
    run: async (store) => {
      const keys = variedKeys(12, 3);
      await insertAll(store, keys);
      for (const limit of [1, 2, 3, 7, 11, 12, 13]) {
        expect(await walk(store, limit), `pages of ${limit}`).toEqual(expected(keys, {}));
      }
    },
  },
  {
    title: "list: while keys are inserted before, at and behind the walk, the earlier ones come exactly once",
    run: async (store) => {
      const keys = variedKeys(countOf(12, 200), 4);
      const newcomers = [...variedKeys(countOf(12, 200), 5)];
      await insertAll(store, keys);
      const seen = await walk(store, 2, async () => {
        const [newcomer] = newcomers.splice(0, 1);
        if (newcomer !== undefined) await insertAll(store, [newcomer]);
      });
      expect(new Set(seen).size).toBe(seen.length);
      const known = new Set(keys.map(({ keyId }) => keyId));
      expect(seen.filter((keyId) => known.has(keyId))).toEqual(expected(keys, {}));
    },
  },
];

export const listingCases: readonly StoreCase[] = [...orders, ...filters, ...walks];
