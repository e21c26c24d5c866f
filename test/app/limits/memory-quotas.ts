// The counts of quotas in memory, by the contract of the store and nothing else. Tests look into it, and make
// it break the contract.
import type { Period } from "../../../src/domain/grant/quota.ts";
import type { QuotaCount, QuotaLease, QuotaStore } from "../../../src/store/store.ts";

interface Count {
  readonly period: Period;
  granted: number;
  /** Sizes by lease_id. */
  readonly leases: Map<string, number>;
}

export class MemoryQuotas implements QuotaStore {
  readonly #counts = new Map<string, Count>();
  readonly #checksLeases: boolean;

  /** Without checks of leases, whatever is given back is taken out of the count: the mistake to be found. */
  constructor({ checksLeases = true } = {}) {
    this.#checksLeases = checksLeases;
  }

  async grant(count: QuotaCount, { leaseId, size }: QuotaLease, limit: number, finishedLeaseId?: string) {
    const found = this.#count(count);
    const isGranted = found.granted + size <= limit;
    if (isGranted) {
      found.granted += size;
      if (size > 1) found.leases.set(leaseId, size);
      if (finishedLeaseId !== undefined) found.leases.delete(finishedLeaseId);
    }
    return { isGranted, granted: found.granted };
  }

  async giveBack(count: QuotaCount, leaseId: string, unused: number): Promise<boolean> {
    const found = this.#count(count);
    const isThere = (found.leases.get(leaseId) ?? -1) >= unused;
    if (this.#checksLeases && !isThere) return false;
    found.leases.delete(leaseId);
    found.granted -= unused;
    return true;
  }

  async removeEnded(before: number, limit: number): Promise<number> {
    const ended = [...this.#counts].filter(([, { period }]) => (period.endTime ?? before) < before);
    for (const [name] of ended.slice(0, limit)) this.#counts.delete(name);
    return Math.min(ended.length, limit);
  }

  async remove(keyId: string): Promise<void> {
    for (const name of this.#counts.keys()) {
      if (name.startsWith(`${keyId} `)) this.#counts.delete(name);
    }
  }

  /** How many uses are granted. */
  granted(keyId: string, periodId = "all"): number {
    return this.#counts.get(`${keyId} ${periodId}`)?.granted ?? 0;
  }

  /** How many leases are remembered. */
  leases(keyId: string, periodId = "all"): number {
    return this.#counts.get(`${keyId} ${periodId}`)?.leases.size ?? 0;
  }

  #count({ keyId, period }: QuotaCount): Count {
    const name = `${keyId} ${period.id}`;
    const found = this.#counts.get(name) ?? { period, granted: 0, leases: new Map() };
    this.#counts.set(name, found);
    return found;
  }
}
