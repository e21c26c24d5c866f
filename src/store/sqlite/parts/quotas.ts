// Counts of quotas in SQLite: a row for each key and period, and one for each lease that can be given back.
import type { QuotaCount, QuotaLease, QuotaStore } from "../../store.ts";
import type { Statements } from "../statements.ts";

interface GrantedRow {
  readonly granted: number;
}

interface CountRow {
  readonly key_id: string;
  readonly period_id: string;
}

export class SqliteQuotas implements QuotaStore {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  async grant(
    { keyId, period }: QuotaCount,
    { leaseId, size }: QuotaLease,
    limit: number,
    finishedLeaseId?: string,
  ): Promise<{ readonly isGranted: boolean; readonly granted: number }> {
    // Of several processes on one file only one at a time is in here.
    return this.#sql.transaction(() => {
      const granted = this.#granted(keyId, period.id);
      if (granted + size > limit) return { isGranted: false, granted };
      this.#sql.run(
        `INSERT INTO quotas (key_id, period_id, granted, end_time) VALUES (?, ?, ?, ?)
         ON CONFLICT (key_id, period_id) DO UPDATE SET granted = granted + ?`,
        keyId,
        period.id,
        size,
        period.endTime ?? null,
        size,
      );
      if (finishedLeaseId !== undefined) this.#forget(keyId, period.id, finishedLeaseId, 0);
      // A single use is used at once; there is nothing that could be given back.
      if (size > 1) {
        const sql = "INSERT INTO quota_leases (key_id, period_id, lease_id, size) VALUES (?, ?, ?, ?)";
        this.#sql.run(sql, keyId, period.id, leaseId, size);
      }
      return { isGranted: true, granted: granted + size };
    });
  }

  async giveBack({ keyId, period }: QuotaCount, leaseId: string, unused: number): Promise<boolean> {
    return this.#sql.transaction(() => {
      if (this.#forget(keyId, period.id, leaseId, unused) === 0) return false;
      const sql = "UPDATE quotas SET granted = granted - ? WHERE key_id = ? AND period_id = ?";
      this.#sql.run(sql, unused, keyId, period.id);
      return true;
    });
  }

  async removeEnded(before: number, limit: number): Promise<number> {
    return this.#sql.transaction(() => {
      const sql = "SELECT key_id, period_id FROM quotas WHERE end_time < ? LIMIT ?";
      const ended = this.#sql.all<CountRow>(sql, before, limit);
      for (const { key_id, period_id } of ended)
        this.#remove("key_id = ? AND period_id = ?", key_id, period_id);
      return ended.length;
    });
  }

  async remove(keyId: string): Promise<void> {
    this.#sql.transaction(() => this.#remove("key_id = ?", keyId));
  }

  #remove(where: string, ...values: readonly string[]): void {
    for (const table of ["quotas", "quota_leases"]) {
      this.#sql.run(`DELETE FROM ${table} WHERE ${where}`, ...values);
    }
  }

  #granted(keyId: string, period: string): number {
    const sql = "SELECT granted FROM quotas WHERE key_id = ? AND period_id = ?";
    return this.#sql.get<GrantedRow>(sql, keyId, period)?.granted ?? 0;
  }

  // How many leases it forgot: 0 when there is none of at least this size.
  #forget(keyId: string, period: string, leaseId: string, sizeMin: number): number {
    const sql = "DELETE FROM quota_leases WHERE key_id = ? AND period_id = ? AND lease_id = ? AND size >= ?";
    return this.#sql.run(sql, keyId, period, leaseId, sizeMin);
  }
}
