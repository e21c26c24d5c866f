// Stores that count wrong what of a quota is granted.
import type { QuotaCount, QuotaLease, QuotaStore } from "../../../src/store/store.ts";
import { type Breakage, breakPart } from "./breakage.ts";

function brokenQuotas(
  cases: readonly (readonly [title: string, overrides: (quotas: QuotaStore) => Partial<QuotaStore>])[],
): readonly Breakage[] {
  return cases.map(([title, overrides]) => ({
    title,
    noun: "quotas",
    breakStore: breakPart("quotas", (target) => overrides(target)),
  }));
}

const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** Changes a count whatever is granted and leased. */
async function countUp(quotas: QuotaStore, count: QuotaCount, by: number): Promise<void> {
  await quotas.grant(count, { leaseId: "bare", size: by }, NO_LIMIT);
  // It is no lease.
  await quotas.giveBack(count, "bare", 0);
}

async function grantedOf(quotas: QuotaStore, count: QuotaCount): Promise<number> {
  return (await quotas.grant(count, { leaseId: "probe", size: 1 }, 0)).granted;
}

/** Grants of another count, lease or limit than what is asked for. */
function granting(
  change: (asked: { count: QuotaCount; lease: QuotaLease; limit: number; finished?: string }) => {
    count?: QuotaCount;
    limit?: number;
    finished?: string;
  },
) {
  return (quotas: QuotaStore): Partial<QuotaStore> => ({
    grant: (count, lease, limit, finished) => {
      const asked = { count, limit, ...(finished === undefined ? {} : { finished }) };
      const done = { ...asked, ...change({ ...asked, lease }) };
      return quotas.grant(done.count, lease, done.limit, done.finished);
    },
  });
}

const grants = brokenQuotas([
  ["grant ignores the limit", granting(() => ({ limit: NO_LIMIT }))],
  ["grant lets one use too many through", granting(({ limit }) => ({ limit: limit && limit + 1 }))],
  ["grant refuses the last use", granting(({ limit }) => ({ limit: limit - 1 }))],
  [
    "grant has one count for all keys",
    granting(({ count }) => ({ count: { ...count, keyId: "flk_uaaaaaaaaaaa" } })),
  ],
  [
    "grant has one count for all periods",
    granting(({ count }) => ({ count: { ...count, period: { id: "all" } } })),
  ],
  ["grant leaves the finished lease there", granting(() => ({ finished: undefined }))],
  [
    "grant takes a period without an end for one that is over",
    granting(({ count: { keyId, period } }) => ({ count: { keyId, period: { endTime: 0, ...period } } })),
  ],
  [
    "grant looks first and counts afterwards",
    (quotas) => ({
      grant: async (count, lease, limit, finished) => {
        const before = await grantedOf(quotas, count);
        if (before + lease.size > limit) return { isGranted: false, granted: before };
        return quotas.grant(count, lease, NO_LIMIT, finished);
      },
    }),
  ],
  [
    "grant forgets the finished lease even when it refuses",
    (quotas) => ({
      grant: async (count, lease, limit, finished) => {
        const answer = await quotas.grant(count, lease, limit, finished);
        if (finished !== undefined) await quotas.giveBack(count, finished, 0);
        return answer;
      },
    }),
  ],
  [
    "grant remembers leases of one use",
    (quotas) => ({
      grant: async (count, lease, limit, finished) => {
        const answer = await quotas.grant(count, lease, limit, finished);
        if (!answer.isGranted || lease.size > 1) return answer;
        await quotas.grant(count, { ...lease, size: 2 }, NO_LIMIT);
        await countUp(quotas, count, -2);
        return answer;
      },
    }),
  ],
  [
    "grant answers a refusal with the limit",
    (quotas) => ({
      grant: async (count, lease, limit, finished) => {
        const answer = await quotas.grant(count, lease, limit, finished);
        return answer.isGranted || limit === 0 ? answer : { ...answer, granted: limit };
      },
    }),
  ],
  [
    "grant counts what it refuses",
    (quotas) => ({
      grant: async (count, lease, limit, finished) => {
        const answer = await quotas.grant(count, lease, limit, finished);
        if (!answer.isGranted && limit > 0) await countUp(quotas, count, lease.size);
        return answer;
      },
    }),
  ],
]);

const returns = brokenQuotas([
  [
    "giveBack is a bare decrement",
    (quotas) => ({
      giveBack: async (count, _, unused) => {
        await countUp(quotas, count, -unused);
        return true;
      },
    }),
  ],
  [
    "giveBack takes any part for one of the lease",
    (quotas) => ({
      giveBack: async (count, leaseId, unused) => {
        if (!(await quotas.giveBack(count, leaseId, 0))) return false;
        await countUp(quotas, count, -unused);
        return true;
      },
    }),
  ],
  [
    "giveBack looks first and takes out afterwards",
    (quotas) => {
      const sizes = new Map<string, number>();
      const idOf = ({ keyId, period }: QuotaCount, leaseId: string) => `${keyId}/${period.id}/${leaseId}`;
      return {
        grant: async (count, lease, limit, finished) => {
          const answer = await quotas.grant(count, lease, limit, finished);
          if (answer.isGranted && finished !== undefined) sizes.delete(idOf(count, finished));
          if (answer.isGranted && lease.size > 1) sizes.set(idOf(count, lease.leaseId), lease.size);
          return answer;
        },
        giveBack: async (count, leaseId, unused) => {
          if ((sizes.get(idOf(count, leaseId)) ?? -1) < unused) return false;
          await grantedOf(quotas, count);
          sizes.delete(idOf(count, leaseId));
          await countUp(quotas, count, -unused);
          return true;
        },
        removeEnded: async (before, limit) => {
          sizes.clear();
          return quotas.removeEnded(before, limit);
        },
        remove: async (keyId) => {
          sizes.clear();
          return quotas.remove(keyId);
        },
      };
    },
  ],
  [
    "giveBack forgets the lease without taking anything out",
    (quotas) => ({
      giveBack: async (count, leaseId, unused) => {
        const isThere = await quotas.giveBack(count, leaseId, unused);
        if (isThere) await countUp(quotas, count, unused);
        return isThere;
      },
    }),
  ],
  [
    "giveBack of nothing leaves the lease there",
    (quotas) => ({
      giveBack: async (count, leaseId, unused) => unused === 0 || quotas.giveBack(count, leaseId, unused),
    }),
  ],
  [
    "giveBack of too much forgets the lease",
    (quotas) => ({
      giveBack: async (count, leaseId, unused) => {
        const isThere = await quotas.giveBack(count, leaseId, unused);
        if (!isThere) await quotas.giveBack(count, leaseId, 0);
        return isThere;
      },
    }),
  ],
]);

const removals = brokenQuotas([
  [
    "removeEnded removes a period that ends at its time",
    (quotas) => ({ removeEnded: (before, limit) => quotas.removeEnded(before + 1, limit) }),
  ],
  [
    "removeEnded removes periods that are not over",
    (quotas) => ({ removeEnded: (_, limit) => quotas.removeEnded(NO_LIMIT, limit) }),
  ],
  [
    "removeEnded takes no heed of its limit",
    (quotas) => ({ removeEnded: (before) => quotas.removeEnded(before, 100_000) }),
  ],
  [
    "quotas.remove leaves counts of periods without an end",
    (quotas) => ({
      remove: async (keyId) => {
        const count = { keyId, period: { id: "all" } };
        const before = await grantedOf(quotas, count);
        await quotas.remove(keyId);
        if (before > 0) await countUp(quotas, count, before);
      },
    }),
  ],
]);

export const brokenQuotaCounts: readonly Breakage[] = [...grants, ...returns, ...removals];
