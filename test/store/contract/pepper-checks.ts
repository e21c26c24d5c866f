// The contract of PepperCheckStore: the first value of a version stays.
import { expect } from "vitest";
import type { StoreCase } from "./case.ts";

export const pepperCheckCases: readonly StoreCase[] = [
  {
    title: "pepper checks: none in an empty store",
    run: async (store) => expect(await store.pepperChecks.read()).toEqual(new Map()),
  },
  {
    title: "pepper checks: each version keeps its own value, whatever the order of the inserts",
    run: async (store) => {
      for (const version of [10, 1, 2])
        expect(await store.pepperChecks.insert(version, `check-${version}`)).toBe(true);
      const checks = await store.pepperChecks.read();
      expect([...checks].sort(([a], [b]) => a - b)).toEqual([
        [1, "check-1"],
        [2, "check-2"],
        [10, "check-10"],
      ]);
    },
  },
  {
    title: "pepper checks: a second value of a version is refused, even the same one, and the first stays",
    run: async (store) => {
      expect(await store.pepperChecks.insert(1, "first")).toBe(true);
      expect(await store.pepperChecks.insert(1, "second")).toBe(false);
      expect(await store.pepperChecks.read()).toEqual(new Map([[1, "first"]]));
      expect(await store.pepperChecks.insert(1, "first")).toBe(false);
      expect(await store.pepperChecks.read()).toEqual(new Map([[1, "first"]]));
    },
  },
];
