// However nodes take, rest, crash, stall and lose answers, they never admit more uses of a key in a period
// than its quota; and when nothing fails they admit exactly that many. Covers app/limits/quota-leases.ts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MEMORY_PATH, openSqliteStore } from "../../../src/store/sqlite/sqlite-store.ts";
import type { QuotaStore } from "../../../src/store/store.ts";
import { propertyRuns } from "../../domain/build.ts";
import { Cluster, calmSteps, LIMITS, type Mistake, type Step, wildSteps } from "./cluster.ts";
import { MemoryQuotas } from "./memory-quotas.ts";

const SOUND = { tooMany: [], others: [] };
/** Fewer than elsewhere: a run is some thousand uses. */
const numRuns = propertyRuns(50);
const limits = fc.constantFrom(...LIMITS);

function neverTooMany(openQuotas: () => QuotaStore, mistake: Mistake) {
  return fc.asyncProperty(limits, wildSteps, async (limit, steps) => {
    const { tooMany } = await new Cluster(openQuotas(), limit, mistake).play(steps);
    expect(tooMany.join("; ")).toBe("");
  });
}

/** Plays on the embedded store, and hands over the nodes as they are at the end. */
function playedOnSqlite(steps: fc.Arbitrary<readonly Step[]>, check: (limit: number, end: Cluster) => void) {
  return fc.asyncProperty(limits, steps, async (limit, played) => {
    const store = await openSqliteStore(MEMORY_PATH);
    try {
      const cluster = new Cluster(store.quotas, limit);
      expect(await cluster.play(played)).toEqual(SOUND);
      check(limit, cluster);
    } finally {
      await store.close();
    }
  });
}

describe("Nodes that share a quota", () => {
  it("never admit more than the limit, whatever fails", async () => {
    const property = playedOnSqlite(wildSteps, () => {});
    await fc.assert(property, { numRuns });
  });

  it("admit exactly the limit when nothing fails", async () => {
    const steps = calmSteps.map((all) => all.filter((step) => step.do !== "learn limit"));
    const property = playedOnSqlite(steps, (limit, { admitted }) => {
      expect(admitted).toEqual([limit, limit]);
    });
    await fc.assert(property, { numRuns });
  });

  it("admit all of a limit that was changed when nothing fails", async () => {
    const property = playedOnSqlite(calmSteps, (_limit, { admitted, limits: last }) => {
      expect(admitted.filter((count, key) => count < (last[key] ?? 0))).toEqual([]);
    });
    await fc.assert(property, { numRuns });
  });
});

/** A node that takes an unanswered grant for one. */
const usesDoubtfulGrants: Mistake = (link) => ({
  ...link,
  grant: (...call) => link.grant(...call).catch(() => ({ isGranted: true, granted: call[1].size })),
});

/** A node that uses a block on after it was given back. */
const usesWhatItGaveBack: Mistake = (link) => ({
  ...link,
  async grant(...call) {
    const answer = await link.grant(...call);
    const [count, { leaseId, size }] = call;
    if (answer.isGranted) await link.giveBack(count, leaseId, size);
    return answer;
  },
});

/** A node that tries again to give back what it has no answer for. */
const repeatsGivingBack: Mistake = (link) => ({
  ...link,
  giveBack: (...call) => link.giveBack(...call).catch(() => link.giveBack(...call)),
});

/** Nodes that give back whatever was leased last, by whomever. */
function reclaimsOthers(): Mistake {
  let last: Parameters<QuotaStore["giveBack"]> | undefined;
  return (link) => ({
    ...link,
    async grant(...call) {
      const answer = await link.grant(...call);
      const [count, { leaseId, size }] = call;
      if (answer.isGranted && size > 1) last = [count, leaseId, size];
      return answer;
    },
    giveBack: (...call) => link.giveBack(...(last ?? call)),
  });
}

describe("The model finds", () => {
  it.each<[string, () => QuotaStore, () => Mistake]>([
    ["an unanswered grant that is used", () => new MemoryQuotas(), () => usesDoubtfulGrants],
    ["a block that is used after it was given back", () => new MemoryQuotas(), () => usesWhatItGaveBack],
    ["a node that gives back another's block", () => new MemoryQuotas(), reclaimsOthers],
    [
      "uses that are given back twice",
      () => new MemoryQuotas({ checksLeases: false }),
      () => repeatsGivingBack,
    ],
  ])("%s", async (_what, openQuotas, mistake) => {
    const { failed, errorInstance } = await fc.check(neverTooMany(openQuotas, mistake()), {
      numRuns: 1_000,
      seed: 1,
      endOnFailure: true,
    });
    expect(failed).toBe(true);
    expect(String(errorInstance)).toMatch(/\d+ admitted/);
  });

  it("nothing wrong with giving back twice under one lease id", async () => {
    const property = neverTooMany(() => new MemoryQuotas(), repeatsGivingBack);
    await fc.assert(property, { numRuns });
  });
});
