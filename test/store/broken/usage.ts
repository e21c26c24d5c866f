// Stores that count uses of keys wrong.
import { type KeyUse, type LastUse, USE_COUNT_MAX } from "../../../src/domain/usage.ts";
import type { UsageStore } from "../../../src/store/store.ts";
import { type Breakage, breakPart } from "./breakage.ts";

function brokenUsage(
  cases: readonly (readonly [title: string, overrides: (usage: UsageStore) => Partial<UsageStore>])[],
): readonly Breakage[] {
  return cases.map(([title, overrides]) => ({
    title,
    noun: "usage",
    breakStore: breakPart("usage", (target) => overrides(target)),
  }));
}

/** Reads what is there and writes something else in its place, in two steps. */
function rewriting(combine: (before: LastUse, use: KeyUse) => KeyUse) {
  return (usage: UsageStore): Partial<UsageStore> => ({
    add: async (uses) => {
      const found = await usage.readMany(uses.map(({ keyId }) => keyId));
      for (const use of uses) {
        const before = found.get(use.keyId);
        await usage.remove(use.keyId);
        await usage.add([before === undefined ? use : combine(before, use)]);
      }
    },
  });
}

export const brokenUsages: readonly Breakage[] = brokenUsage([
  [
    "usage lets the older win that comes later",
    rewriting((before, use) => ({ ...use, count: before.count + use.count })),
  ],
  [
    "usage keeps the first",
    rewriting((before, use) => ({ ...use, ...before, count: before.count + use.count })),
  ],
  [
    "usage replaces the count",
    rewriting((before, use) => ({ ...(before.time > use.time ? before : use), keyId: use.keyId, count: 1 })),
  ],
  [
    "usage keeps an address when a newer use tells none",
    rewriting((before, use) => ({
      ...(before.time > use.time ? before : use),
      keyId: use.keyId,
      address: before.time > use.time ? before.address : use.address || before.address,
      count: before.count + use.count,
    })),
  ],
  [
    "usage loses what another node writes between a read and a write",
    (target) => {
      const known = new Map<string, LastUse>();
      return {
        add: async (uses) => {
          for (const { keyId, ...use } of uses) {
            const before = known.get(keyId);
            await target.readMany([keyId]);
            const newest = before !== undefined && before.time > use.time ? before : use;
            known.set(keyId, { ...newest, count: Math.min(USE_COUNT_MAX, use.count + (before?.count ?? 0)) });
          }
        },
        readMany: async (keyIds) => new Map([...known].filter(([keyId]) => keyIds.includes(keyId))),
        remove: async (keyId) => void known.delete(keyId),
      };
    },
  ],
  [
    "usage counts on and on",
    (target) => {
      const counts = new Map<string, number>();
      return {
        add: async (uses) => {
          for (const { keyId, count } of uses) counts.set(keyId, (counts.get(keyId) ?? 0) + count);
          return target.add(uses);
        },
        readMany: async (keyIds) =>
          new Map(
            [...(await target.readMany(keyIds))].map(([keyId, use]) => [
              keyId,
              { ...use, count: counts.get(keyId) ?? 0 },
            ]),
          ),
      };
    },
  ],
  ["usage writes the first of many", (target) => ({ add: (uses) => target.add(uses.slice(0, 1)) })],
  ["usage reads the first of many", (target) => ({ readMany: (ids) => target.readMany(ids.slice(0, 1)) })],
  [
    "usage.remove keeps the count",
    (target) => ({
      remove: async (keyId) => {
        const before = (await target.readMany([keyId])).get(keyId);
        await target.remove(keyId);
        if (before !== undefined) await target.add([{ keyId, ...before, time: 0 }]);
      },
    }),
  ],
]);
