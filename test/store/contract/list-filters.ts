// The contract of KeyStore.list as to names and ends: exact, at their bounds, together with owner and page,
// and as the key is now.
import { expect } from "vitest";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import type { KeyQuery, Store } from "../../../src/store/store.ts";
import { START } from "../../domain/build.ts";
import { erasureOf, keyAt, keyIdAt } from "../build.ts";
import { type StoreCase, times } from "./case.ts";
import { expected, insertAll, listed } from "./listing.ts";

const NAMES = ["build", "builds", "Build", "build ", "buil", "", "b*", "be\0fore"];
const OWNERS = [{ userId: "user-1" }, { userId: "user-1", organizationId: "org-1" }, { userId: "user-2" }];
/** An end in the past is as good as any: the store knows no present. */
const ENDS = [undefined, START, START + 1_000, START + 1_001, START + 2_000, 0];

/** Keys of every name, end and owner, whose creation times often coincide. */
function variedKeys(): readonly KeyRecord[] {
  return times(NAMES.length * ENDS.length, (index) => {
    const expireTime = ENDS[Math.floor(index / NAMES.length)];
    return keyAt(index, {
      type: KEY_TYPES[index % KEY_TYPES.length],
      name: NAMES[index % NAMES.length] ?? "",
      owner: OWNERS[index % OWNERS.length] ?? {},
      createTime: START + (index % 4),
      ...(expireTime === undefined ? {} : { expireTime }),
    });
  });
}

const BOUNDS = [-1, 0, 1, START, START + 1_000, START + 1_001, START + 1_002, START + 9_000];

const QUERIES: readonly Partial<KeyQuery>[] = [
  ...[...NAMES, "nobody's"].map((name) => ({ name })),
  ...BOUNDS.map((expireFrom) => ({ expireFrom })),
  ...BOUNDS.map((expireBefore) => ({ expireBefore })),
  { expireFrom: START, expireBefore: START + 1_001 },
  { expireFrom: START + 1_000, expireBefore: START + 1_000 },
  { expireFrom: START + 2_000, expireBefore: START },
  { name: "build", expireFrom: START },
  { name: "build", expireBefore: START + 1_001 },
  { name: "", expireFrom: START + 1, expireBefore: START + 9_000 },
  ...OWNERS.flatMap((owner) => [
    { owner, name: "build" },
    { owner, expireFrom: START + 1_000 },
    { owner, name: "builds", expireBefore: START + 2_000 },
  ]),
  { types: ["user", "service"], name: "build" },
  { types: ["integration"], expireBefore: START + 2_000 },
];

const filters: readonly StoreCase[] = [
  {
    title: `list by each of ${QUERIES.length} names and ends: those keys in order, no others`,
    run: async (store) => {
      const keys = variedKeys();
      await insertAll(store, keys);
      for (const query of QUERIES) {
        expect(await listed(store, query), JSON.stringify(query)).toEqual(expected(keys, query));
      }
    },
  },
  {
    title: "list by name and end in pages of two: each key once",
    run: async (store) => {
      const keys = variedKeys();
      await insertAll(store, keys);
      for (const query of [
        { name: "build" },
        { expireFrom: START + 1_000 },
        { expireBefore: START + 1_001 },
      ]) {
        expect(await pagesOf(store, query), JSON.stringify(query)).toEqual(expected(keys, query));
      }
    },
  },
];

async function pagesOf(store: Store, query: Partial<KeyQuery>): Promise<readonly string[]> {
  const seen: KeyRecord[] = [];
  // Each page but the last brings two keys.
  while (seen.length % 2 === 0 && seen.length < 100) {
    const after = seen.at(-1);
    const page = await store.keys.list({ types: KEY_TYPES, owner: {}, ...query, after, limit: 2 });
    if (page.length === 0) break;
    seen.push(...page);
  }
  return seen.map(({ keyId }) => keyId);
}

/** Writes the key as it is to be from now on. */
async function change(store: Store, key: KeyRecord, changes: Partial<KeyRecord>): Promise<KeyRecord> {
  const { event } = erasureOf(key);
  const next = { ...key, ...changes, revision: key.revision + 1 };
  expect(await store.keys.update(next, event)).toBe("written");
  return next;
}

const changes: readonly StoreCase[] = [
  {
    title: "list by name after a change of the name: by the new one only",
    run: async (store) => {
      const keys = [keyAt(1, { name: "former" }), keyAt(2, { name: "former" })];
      await insertAll(store, keys);
      await change(store, keyAt(1, { name: "former" }), { name: "latter" });
      expect(await listed(store, { name: "former" })).toEqual([keyIdAt(2)]);
      expect(await listed(store, { name: "latter" })).toEqual([keyIdAt(1)]);
      await change(store, keyAt(2, { name: "former" }), { name: "" });
      expect(await listed(store, { name: "former" })).toEqual([]);
      expect(await listed(store, { name: "" })).toEqual([keyIdAt(2)]);
    },
  },
  {
    title: "list by end after the end was moved, removed and given: as it is now",
    run: async (store) => {
      const key = keyAt(1, { expireTime: START + 1_000 });
      await insertAll(store, [key]);
      const query = { expireFrom: START, expireBefore: START + 1_001 };
      expect(await listed(store, query)).toEqual([key.keyId]);
      const later = await change(store, key, { expireTime: START + 1_001 });
      expect(await listed(store, query)).toEqual([]);
      expect(await listed(store, { expireFrom: START + 1_001 })).toEqual([key.keyId]);
      const { expireTime: _, ...endless } = later;
      const freed = await change(store, endless as KeyRecord, {});
      expect(await listed(store, { expireFrom: 0 })).toEqual([]);
      expect(await listed(store, { expireBefore: START + 9_000 })).toEqual([]);
      await change(store, freed, { expireTime: START });
      expect(await listed(store, query)).toEqual([key.keyId]);
    },
  },
  {
    title: "list after an erasure: the user's keys are found by no user and no name, by their type still",
    run: async (store) => {
      const [user, other] = [
        { userId: "user-1", organizationId: "org-1" },
        { userId: "user-2", organizationId: "org-1" },
      ];
      const keys = [keyAt(1, { owner: user, name: "mine" }), keyAt(2, { owner: other, name: "mine" })];
      await insertAll(store, keys);
      const { next, event } = erasureOf(keyAt(1, { owner: user, name: "mine" }));
      expect(await store.keys.update(next, event)).toBe("written");
      expect(await listed(store, { owner: { userId: "user-1" } })).toEqual([]);
      expect(await listed(store, { owner: user })).toEqual([]);
      expect(await listed(store, { name: "mine" })).toEqual([keyIdAt(2)]);
      expect(await listed(store, { owner: { organizationId: "org-1" } })).toEqual(expected(keys, {}));
      expect(await store.keys.read(keyIdAt(1))).toEqual(next);
    },
  },
];

export const listFilterCases: readonly StoreCase[] = [...filters, ...changes];
