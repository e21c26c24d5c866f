// The contract of UsageStore: counts add up and stop at their bound, and of all that is told of a use the
// newest stays, whatever the order in which nodes bring it.
import { expect } from "vitest";
import { erasedUse, type KeyUse, type LastUse, USE_COUNT_MAX } from "../../../src/domain/usage.ts";
import type { Store } from "../../../src/store/store.ts";
import { START } from "../../domain/build.ts";
import { keyIdAt } from "../build.ts";
import { allSettled, type StoreCase, times, WRITERS } from "./case.ts";

const KEY_ID = keyIdAt(1);
/** More than one write of any backend takes. */
const MANY = 1_001;

/** A use of this second, told by texts of its own. */
function useAt(second: number, overrides: Partial<KeyUse> = {}): KeyUse {
  const texts = { address: `192.0.2.${second}`, userAgent: `agent/${second}` };
  return { keyId: KEY_ID, time: START + second * 1_000, ...texts, count: 1, ...overrides };
}

function lastUse({ keyId: _, ...use }: KeyUse, count = use.count): LastUse {
  return { ...use, count };
}

async function readOne(store: Store, keyId = KEY_ID): Promise<LastUse | undefined> {
  return (await store.usage.readMany([keyId])).get(keyId);
}

async function addEach(store: Store, ...uses: readonly KeyUse[]): Promise<void> {
  for (const use of uses) await store.usage.add([use]);
}

const reads: readonly StoreCase[] = [
  {
    title: "usage: a key that was never used is missing, and so are all in an empty store",
    run: async (store) => {
      expect(await store.usage.readMany([KEY_ID, keyIdAt(2)])).toEqual(new Map());
      expect(await store.usage.readMany([])).toEqual(new Map());
      await addEach(store, useAt(1));
      expect(await store.usage.readMany([keyIdAt(2)])).toEqual(new Map());
      expect(await store.usage.readMany([])).toEqual(new Map());
    },
  },
  {
    title: "usage: those that are asked for, by key_id, even when asked twice",
    run: async (store) => {
      const uses = times(4, (seed) => useAt(seed, { keyId: keyIdAt(seed), count: seed + 1 }));
      await store.usage.add(uses);
      const ids = [keyIdAt(2), keyIdAt(9), keyIdAt(0), keyIdAt(2)];
      const found = [uses[0], uses[2]].flatMap((use) => (use ? [[use.keyId, lastUse(use)] as const] : []));
      expect(await store.usage.readMany(ids)).toEqual(new Map(found));
    },
  },
  {
    title: `usage: ${MANY} keys in one go, twice`,
    run: async (store) => {
      const uses = times(MANY, (seed) => useAt(seed, { keyId: keyIdAt(seed) }));
      await store.usage.add(uses);
      await store.usage.add(uses.map((use) => ({ ...use, time: use.time + 1 })));
      const found = await store.usage.readMany(uses.map(({ keyId }) => keyId));
      const expected = uses.map((use) => [use.keyId, lastUse({ ...use, time: use.time + 1 }, 2)] as const);
      expect(found).toEqual(new Map(expected));
    },
  },
];

const newest: readonly StoreCase[] = [
  ...([
    [1, 2, 3],
    [1, 3, 2],
    [2, 1, 3],
    [2, 3, 1],
    [3, 1, 2],
    [3, 2, 1],
  ].map((seconds) => ({
    title: `usage: uses of seconds ${seconds}: the newest stays whole, and they are three`,
    run: async (store) => {
      await addEach(store, ...seconds.map((second) => useAt(second)));
      expect(await readOne(store)).toEqual(lastUse(useAt(3), 3));
    },
  })) satisfies readonly StoreCase[]),
  {
    title: "usage: the newest one stays even when it was not told from where and by what",
    run: async (store) => {
      const silent = useAt(2, { address: "", userAgent: "" });
      await addEach(store, useAt(1), silent);
      expect(await readOne(store)).toEqual(lastUse(silent, 2));
      await addEach(store, useAt(1));
      expect(await readOne(store)).toEqual(lastUse(silent, 3));
    },
  },
  {
    title: "usage: the mark of an erasure stays before any use, and takes no count away",
    run: async (store) => {
      await addEach(store, useAt(1, { count: 5 }), erasedUse(KEY_ID), useAt(9, { count: 2 }));
      expect(await readOne(store)).toEqual(lastUse(erasedUse(KEY_ID), 7));
      await addEach(store, erasedUse(keyIdAt(2)), useAt(1, { keyId: keyIdAt(2) }), erasedUse(keyIdAt(2)));
      expect(await readOne(store, keyIdAt(2))).toEqual(lastUse(erasedUse(keyIdAt(2)), 1));
    },
  },
  {
    title: "usage: texts stay as they are",
    run: async (store) => {
      for (const [seed, userAgent] of ["$where", "a\0b", "x'; --", "😀\u0301 ", '{"$gt":""}'].entries()) {
        const use = useAt(seed, { keyId: keyIdAt(seed), userAgent, address: userAgent });
        await store.usage.add([use]);
        expect(await readOne(store, use.keyId)).toEqual(lastUse(use));
        const next = { ...use, time: use.time + 1, userAgent: `${userAgent}2` };
        await store.usage.add([next]);
        expect(await readOne(store, use.keyId)).toEqual(lastUse(next, 2));
      }
    },
  },
];

const counts: readonly StoreCase[] = [
  {
    title: `usage: the count stops at ${USE_COUNT_MAX}`,
    run: async (store) => {
      await addEach(store, useAt(1, { count: USE_COUNT_MAX - 2 }), useAt(2));
      expect((await readOne(store))?.count).toBe(USE_COUNT_MAX - 1);
      await addEach(store, useAt(3));
      expect((await readOne(store))?.count).toBe(USE_COUNT_MAX);
      await addEach(store, useAt(4), useAt(5, { count: USE_COUNT_MAX }));
      expect(await readOne(store)).toEqual(lastUse(useAt(5), USE_COUNT_MAX));
    },
  },
  {
    title: `usage: ${WRITERS} nodes bring the first uses of two keys at once: none is lost`,
    run: async (store) => {
      const writers = times(WRITERS, (index) =>
        store.usage.add([useAt(index, { count: index + 1 }), useAt(index, { keyId: keyIdAt(2) })]),
      );
      await allSettled(writers);
      const last = useAt(WRITERS - 1);
      expect(await readOne(store)).toEqual(lastUse(last, (WRITERS * (WRITERS + 1)) / 2));
      expect(await readOne(store, keyIdAt(2))).toEqual(lastUse(last, WRITERS));
    },
  },
  {
    title: "usage: to add none changes nothing",
    run: async (store) => {
      await addEach(store, useAt(1));
      await store.usage.add([]);
      expect(await readOne(store)).toEqual(lastUse(useAt(1)));
    },
  },
];

const removals: readonly StoreCase[] = [
  {
    title: "usage.remove: forgets one key, and its next use begins anew",
    run: async (store) => {
      await store.usage.add([useAt(5, { count: 9 }), useAt(5, { keyId: keyIdAt(2) })]);
      await store.usage.remove(KEY_ID);
      expect(await readOne(store)).toBeUndefined();
      expect(await readOne(store, keyIdAt(2))).toEqual(lastUse(useAt(5)));
      await store.usage.remove(KEY_ID);
      await addEach(store, useAt(1));
      expect(await readOne(store)).toEqual(lastUse(useAt(1)));
    },
  },
];

export const usageCases: readonly StoreCase[] = [...reads, ...newest, ...counts, ...removals];
