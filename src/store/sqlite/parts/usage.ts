// The last use of keys in SQLite: a row each, apart from the keys' own.
import { setImmediate } from "node:timers/promises";
import { type KeyUse, type LastUse, USE_COUNT_MAX } from "../../../domain/usage.ts";
import type { UsageStore } from "../../store.ts";
import type { Statements } from "../statements.ts";

/** How many uses one transaction writes, so that other calls get their turn between two. */
const ADDED_MAX = 1_000;

interface UsageRow {
  readonly key_id: string;
  readonly time: number;
  readonly address: string;
  readonly user_agent: string;
  readonly count: number;
}

// On the right of an assignment a column has its value of before the statement.
const ADD_SQL = `INSERT INTO usage (key_id, time, address, user_agent, count)
  VALUES (?, ?, ?, ?, min(?, ${USE_COUNT_MAX}))
  ON CONFLICT (key_id) DO UPDATE SET
    count = min(count + excluded.count, ${USE_COUNT_MAX}),
    time = max(time, excluded.time),
    address = iif(excluded.time > time, excluded.address, address),
    user_agent = iif(excluded.time > time, excluded.user_agent, user_agent)`;

export class SqliteUsage implements UsageStore {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  async add(uses: readonly KeyUse[]): Promise<void> {
    for (let start = 0; start < uses.length; start += ADDED_MAX) {
      if (start > 0) await setImmediate();
      this.#addSome(uses.slice(start, start + ADDED_MAX));
    }
  }

  async readMany(keyIds: readonly string[]): Promise<ReadonlyMap<string, LastUse>> {
    const sql = "SELECT * FROM usage WHERE key_id IN (SELECT value FROM json_each(?))";
    const rows = this.#sql.all<UsageRow>(sql, JSON.stringify(keyIds));
    return new Map(
      rows.map(({ key_id, time, address, user_agent: userAgent, count }) => [
        key_id,
        { time, address, userAgent, count },
      ]),
    );
  }

  async remove(keyId: string): Promise<void> {
    this.#sql.run("DELETE FROM usage WHERE key_id = ?", keyId);
  }

  #addSome(uses: readonly KeyUse[]): void {
    this.#sql.transaction(() => {
      for (const { keyId, time, address, userAgent, count } of uses) {
        this.#sql.run(ADD_SQL, keyId, time, address, userAgent, count);
      }
    });
  }
}
