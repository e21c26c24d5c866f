// The contract of QuotaStore: over all nodes no more than the limit is ever granted, and what comes back
// comes back once.
import { expect } from "vitest";
import { QUOTA_LIMIT_MAX } from "../../../src/domain/grant/quota.ts";
import type { QuotaCount, Store } from "../../../src/store/store.ts";
import { START } from "../../domain/build.ts";
import { keyIdAt } from "../build.ts";
import { allSettled, type StoreCase, times, WRITERS } from "./case.ts";

const PERIOD = { id: "2030-01", endTime: START + 1_000 };
const COUNT: QuotaCount = { keyId: keyIdAt(1), period: PERIOD };
const OTHER_KEY: QuotaCount = { keyId: keyIdAt(2), period: PERIOD };
const OTHER_PERIOD: QuotaCount = { keyId: keyIdAt(1), period: { id: "2030-02", endTime: START + 2_000 } };
const ENDLESS: QuotaCount = { keyId: keyIdAt(1), period: { id: "all" } };

const lease = (leaseId: string, size: number) => ({ leaseId, size });
const granted = (count: number) => ({ isGranted: true, granted: count });
const refused = (count: number) => ({ isGranted: false, granted: count });

/** How many uses are granted, by asking for one more than none. */
async function grantedOf(store: Store, count = COUNT): Promise<number> {
  const answer = await store.quotas.grant(count, lease("probe", 1), 0);
  expect(answer.isGranted).toBe(false);
  return answer.granted;
}

const grants: readonly StoreCase[] = [
  {
    title: "grant: counts up to the limit exactly; what would pass it changes nothing",
    run: async (store) => {
      expect(await store.quotas.grant(COUNT, lease("a", 4), 10)).toEqual(granted(4));
      expect(await store.quotas.grant(COUNT, lease("b", 7), 10)).toEqual(refused(4));
      expect(await store.quotas.grant(COUNT, lease("c", 6), 10)).toEqual(granted(10));
      expect(await store.quotas.grant(COUNT, lease("d", 1), 10)).toEqual(refused(10));
      expect(await grantedOf(store)).toBe(10);
    },
  },
  {
    title: "grant: the first one can take all, and one that is larger than the limit takes nothing",
    run: async (store) => {
      expect(await store.quotas.grant(COUNT, lease("a", 11), 10)).toEqual(refused(0));
      expect(await store.quotas.giveBack(COUNT, "a", 1)).toBe(false);
      expect(await store.quotas.grant(COUNT, lease("b", 10), 10)).toEqual(granted(10));
    },
  },
  {
    title: "grant: keys and periods are counted each for itself",
    run: async (store) => {
      const counts = [COUNT, OTHER_KEY, OTHER_PERIOD, ENDLESS];
      for (const [index, count] of counts.entries()) {
        expect(await store.quotas.grant(count, lease("a", index + 1), 5)).toEqual(granted(index + 1));
      }
      for (const [index, count] of counts.entries()) expect(await grantedOf(store, count)).toBe(index + 1);
    },
  },
  {
    title: "grant: the limit is that of the call, be it lower than what is granted",
    run: async (store) => {
      expect(await store.quotas.grant(COUNT, lease("a", 10), 10)).toEqual(granted(10));
      expect(await store.quotas.grant(COUNT, lease("b", 1), 5)).toEqual(refused(10));
      expect(await store.quotas.grant(COUNT, lease("c", 1), 11)).toEqual(granted(11));
    },
  },
  {
    title: `grant: counts up to a limit of ${QUOTA_LIMIT_MAX}`,
    run: async (store) => {
      const half = 2_147_483_647;
      expect(await store.quotas.grant(COUNT, lease("a", half), QUOTA_LIMIT_MAX)).toEqual(granted(half));
      expect(await store.quotas.grant(COUNT, lease("b", half), QUOTA_LIMIT_MAX)).toEqual(granted(2 * half));
      expect(await store.quotas.grant(COUNT, lease("c", 2), QUOTA_LIMIT_MAX)).toEqual(refused(2 * half));
      expect(await store.quotas.grant(COUNT, lease("d", 1), QUOTA_LIMIT_MAX)).toEqual(
        granted(QUOTA_LIMIT_MAX),
      );
      expect(await store.quotas.giveBack(COUNT, "a", half)).toBe(true);
      expect(await grantedOf(store)).toBe(QUOTA_LIMIT_MAX - half);
    },
  },
];

const returns: readonly StoreCase[] = [
  {
    title: "giveBack: what is left of a lease can be granted again; a second time changes nothing",
    run: async (store) => {
      await store.quotas.grant(COUNT, lease("a", 8), 10);
      expect(await store.quotas.giveBack(COUNT, "a", 5)).toBe(true);
      expect(await grantedOf(store)).toBe(3);
      expect(await store.quotas.giveBack(COUNT, "a", 5)).toBe(false);
      expect(await store.quotas.giveBack(COUNT, "a", 0)).toBe(false);
      expect(await grantedOf(store)).toBe(3);
      expect(await store.quotas.grant(COUNT, lease("b", 7), 10)).toEqual(granted(10));
    },
  },
  {
    title: "giveBack of a whole lease, and of nothing: the lease is forgotten either way",
    run: async (store) => {
      await store.quotas.grant(COUNT, lease("a", 4), 10);
      await store.quotas.grant(COUNT, lease("b", 3), 10);
      expect(await store.quotas.giveBack(COUNT, "b", 0)).toBe(true);
      expect(await store.quotas.giveBack(COUNT, "b", 0)).toBe(false);
      expect(await grantedOf(store)).toBe(7);
      expect(await store.quotas.giveBack(COUNT, "a", 4)).toBe(true);
      expect(await store.quotas.giveBack(COUNT, "a", 4)).toBe(false);
      expect(await grantedOf(store)).toBe(3);
    },
  },
  {
    title: "giveBack of more than the lease: false, nothing changes, and the lease is still there",
    run: async (store) => {
      await store.quotas.grant(COUNT, lease("a", 8), 10);
      await store.quotas.grant(COUNT, lease("b", 2), 10);
      expect(await store.quotas.giveBack(COUNT, "b", 3)).toBe(false);
      expect(await grantedOf(store)).toBe(10);
      expect(await store.quotas.giveBack(COUNT, "b", 2)).toBe(true);
      expect(await grantedOf(store)).toBe(8);
    },
  },
  {
    title: "giveBack: false for a lease that nobody has, or of another key or period, or that was refused",
    run: async (store) => {
      expect(await store.quotas.giveBack(COUNT, "a", 1)).toBe(false);
      await store.quotas.grant(COUNT, lease("a", 8), 10);
      await store.quotas.grant(OTHER_KEY, lease("b", 8), 10);
      await store.quotas.grant(OTHER_PERIOD, lease("c", 8), 10);
      await store.quotas.grant(COUNT, lease("d", 8), 10);
      for (const leaseId of ["b", "c", "d", "aa", "A", "constructor"]) {
        expect(await store.quotas.giveBack(COUNT, leaseId, 1)).toBe(false);
        expect(await store.quotas.giveBack(COUNT, leaseId, 0)).toBe(false);
      }
      expect(await grantedOf(store)).toBe(8);
      expect(await grantedOf(store, OTHER_KEY)).toBe(8);
    },
  },
  {
    title: "giveBack: a lease of one use is not remembered, whether its id is of letters or of digits",
    run: async (store) => {
      for (const leaseId of ["a", "0"]) await store.quotas.grant(COUNT, lease(leaseId, 1), 10);
      for (const leaseId of ["b", "1"]) await store.quotas.grant(COUNT, lease(leaseId, 2), 10);
      for (const leaseId of ["a", "0"]) expect(await store.quotas.giveBack(COUNT, leaseId, 1)).toBe(false);
      for (const leaseId of ["b", "1"]) expect(await store.quotas.giveBack(COUNT, leaseId, 1)).toBe(true);
      expect(await grantedOf(store)).toBe(4);
    },
  },
  {
    title: "grant: forgets the finished lease when it grants, not when it refuses",
    run: async (store) => {
      await store.quotas.grant(COUNT, lease("a", 4), 10);
      expect(await store.quotas.grant(COUNT, lease("b", 7), 10, "a")).toEqual(refused(4));
      expect(await store.quotas.grant(COUNT, lease("c", 2), 10, "a")).toEqual(granted(6));
      expect(await store.quotas.giveBack(COUNT, "a", 1)).toBe(false);
      expect(await store.quotas.grant(COUNT, lease("d", 1), 10, "c")).toEqual(granted(7));
      expect(await store.quotas.giveBack(COUNT, "c", 1)).toBe(false);
      await store.quotas.grant(COUNT, lease("e", 2), 10, "unknown");
      expect(await store.quotas.grant(COUNT, lease("f", 9), 10, "e")).toEqual(refused(9));
      expect(await store.quotas.giveBack(COUNT, "e", 2)).toBe(true);
      expect(await grantedOf(store)).toBe(7);
    },
  },
];

const removals: readonly StoreCase[] = [
  {
    title: "removeEnded: counts of periods that ended before the time, at most `limit`; no others",
    run: async (store) => {
      for (const count of [COUNT, OTHER_KEY, OTHER_PERIOD, ENDLESS]) {
        await store.quotas.grant(count, lease("a", 4), 10);
      }
      expect(await store.quotas.removeEnded(PERIOD.endTime, 10)).toBe(0);
      expect(await store.quotas.removeEnded(PERIOD.endTime + 1, 1)).toBe(1);
      expect(await store.quotas.removeEnded(PERIOD.endTime + 1, 10)).toBe(1);
      expect(await store.quotas.removeEnded(PERIOD.endTime + 1, 10)).toBe(0);
      for (const count of [COUNT, OTHER_KEY]) {
        expect(await store.quotas.giveBack(count, "a", 1)).toBe(false);
        expect(await grantedOf(store, count)).toBe(0);
      }
      for (const count of [OTHER_PERIOD, ENDLESS]) expect(await grantedOf(store, count)).toBe(4);
      expect(await store.quotas.removeEnded(Number.MAX_SAFE_INTEGER, 10)).toBe(1);
      expect(await grantedOf(store, ENDLESS)).toBe(4);
      expect(await store.quotas.giveBack(ENDLESS, "a", 4)).toBe(true);
    },
  },
  {
    title: "removeEnded: 0 in an empty store",
    run: async (store) => expect(await store.quotas.removeEnded(Number.MAX_SAFE_INTEGER, 10)).toBe(0),
  },
  {
    title: "quotas.remove: all counts and leases of a key, and of no other",
    run: async (store) => {
      for (const count of [COUNT, OTHER_KEY, OTHER_PERIOD, ENDLESS]) {
        await store.quotas.grant(count, lease("a", 4), 10);
      }
      await store.quotas.remove(COUNT.keyId);
      for (const count of [COUNT, OTHER_PERIOD, ENDLESS]) {
        expect(await store.quotas.giveBack(count, "a", 1)).toBe(false);
        expect(await grantedOf(store, count)).toBe(0);
      }
      await store.quotas.remove(COUNT.keyId);
      expect(await store.quotas.grant(COUNT, lease("b", 10), 10)).toEqual(granted(10));
      expect(await store.quotas.giveBack(OTHER_KEY, "a", 1)).toBe(true);
      expect(await grantedOf(store, OTHER_KEY)).toBe(3);
    },
  },
];

const races: readonly StoreCase[] = [
  {
    title: `${WRITERS} nodes ask for more than there is, from the first use on: the limit holds exactly`,
    run: async (store) => {
      const limit = 3 * WRITERS;
      const sizes = times(3 * WRITERS, (index) => (index % 3) + 1);
      const answers = await allSettled(
        sizes.map((size, index) => store.quotas.grant(COUNT, lease(`lease${index}`, size), limit)),
      );
      const sum = sizes.reduce((total, size, index) => total + (answers[index]?.isGranted ? size : 0), 0);
      expect(sum).toBeLessThanOrEqual(limit);
      expect(await grantedOf(store)).toBe(sum);
      expect(Math.max(...answers.map((answer) => answer.granted))).toBe(sum);
      for (let next = sum + 1; next <= limit; next++) {
        expect(await store.quotas.grant(COUNT, lease("last", 1), limit)).toEqual(granted(next));
      }
      expect(await store.quotas.grant(COUNT, lease("last", 1), limit)).toEqual(refused(limit));
    },
  },
  {
    title: `${WRITERS} nodes give back one lease at once: one is true, and it comes back once`,
    run: async (store) => {
      await store.quotas.grant(COUNT, lease("a", 9), 10);
      const answers = await allSettled(times(WRITERS, () => store.quotas.giveBack(COUNT, "a", 3)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await grantedOf(store)).toBe(6);
    },
  },
  {
    title: `${WRITERS} nodes take, use a part and give back the rest, again and again: the count is right`,
    run: async (store) => {
      const limit = 4 * WRITERS;
      const rounds = 4;
      const used = await allSettled(
        times(WRITERS, async (node) => {
          let uses = 0;
          for (let round = 0; round < rounds; round++) {
            const leaseId = `lease${node}x${round}`;
            const answer = await store.quotas.grant(COUNT, lease(leaseId, 4), limit);
            expect(answer.granted).toBeLessThanOrEqual(limit);
            if (!answer.isGranted) continue;
            uses += 1;
            expect(await store.quotas.giveBack(COUNT, leaseId, 3)).toBe(true);
          }
          return uses;
        }),
      );
      expect(await grantedOf(store)).toBe(used.reduce((sum, uses) => sum + uses, 0));
    },
  },
];

export const quotaCases: readonly StoreCase[] = [...grants, ...returns, ...removals, ...races];
