// Principals in SQLite: one row each, from its first raise on.
import type { Event } from "../../../domain/audit/event.ts";
import type { PrincipalRecord, Principals } from "../../../domain/principal.ts";
import type { PrincipalStore, WriteOutcome } from "../../store.ts";
import type { Statements } from "../statements.ts";
import { appendEvent } from "./events.ts";

interface PrincipalRow {
  readonly record: string;
}

export class SqlitePrincipals implements PrincipalStore {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  async read(principalIds: readonly string[]): Promise<Principals> {
    const principals = new Map<string, PrincipalRecord>();
    for (const principalId of principalIds) {
      const sql = "SELECT record FROM principals WHERE principal_id = ?";
      const row = this.#sql.get<PrincipalRow>(sql, principalId);
      if (row !== undefined) principals.set(principalId, recordOf(row));
    }
    return principals;
  }

  async readMany(principalIds: readonly string[]): Promise<Principals> {
    return this.read(principalIds);
  }

  async listOfUser(userId: string, limit: number): Promise<readonly PrincipalRecord[]> {
    const sql = "SELECT record FROM principals WHERE user_id = ? LIMIT ?";
    return this.#sql.all<PrincipalRow>(sql, userId, limit).map(recordOf);
  }

  async write(next: PrincipalRecord, event: Event): Promise<WriteOutcome> {
    const record = JSON.stringify(next);
    const userId = next.owner.userId ?? null;
    return this.#sql.transaction(() => {
      const written =
        next.revision === 1
          ? this.#sql.run(
              `INSERT INTO principals (principal_id, revision, user_id, record) VALUES (?, 1, ?, ?)
               ON CONFLICT (principal_id) DO NOTHING`,
              next.principalId,
              userId,
              record,
            )
          : this.#sql.run(
              `UPDATE principals SET revision = ?, user_id = ?, record = ?
               WHERE principal_id = ? AND revision = ?`,
              next.revision,
              userId,
              record,
              next.principalId,
              next.revision - 1,
            );
      if (written === 0) return "conflict";
      appendEvent(this.#sql, event);
      return "written";
    });
  }

  async confirm(principalId: string, revision: number): Promise<boolean> {
    const sql =
      "UPDATE principals SET confirmations = confirmations + 1 WHERE principal_id = ? AND revision = ?";
    return this.#sql.run(sql, principalId, revision) === 1;
  }
}

function recordOf({ record }: PrincipalRow): PrincipalRecord {
  return JSON.parse(record) as PrincipalRecord;
}
