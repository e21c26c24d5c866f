// Events in SQLite: a row each, written in the transaction of its change, so its number is the row's and
// nothing is ever left to relay.
import { setImmediate } from "node:timers/promises";
import type { Event, NumberedEvent } from "../../../domain/audit/event.ts";
import type { EventQuery, EventStore } from "../../store.ts";
import type { Statements } from "../statements.ts";

/** How many events one transaction erases, so that other calls get their turn between two. */
const ERASED_MAX = 500;

interface EventRow {
  readonly number: number;
  readonly event: string;
}

/** Writes an event; called inside the transaction of the change that it tells of. */
export function appendEvent(sql: Statements, event: Event): void {
  sql.run(
    `INSERT INTO events (kind, time, caller, key_id, user_id, organization_id, service_account_id, event)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    event.kind,
    event.time,
    event.caller,
    event.keyId ?? null,
    event.owner.userId ?? null,
    event.owner.organizationId ?? null,
    event.owner.serviceAccountId ?? null,
    JSON.stringify(event),
  );
}

export class SqliteEvents implements EventStore {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  async list(query: EventQuery): Promise<readonly NumberedEvent[]> {
    const conditions = ["number > ?"];
    const values: (string | number)[] = [query.after];
    const narrow = (condition: string, value: string | number | undefined) => {
      if (value === undefined) return;
      conditions.push(condition);
      values.push(value);
    };
    narrow("key_id = ?", query.keyId);
    narrow("user_id = ?", query.owner.userId || undefined);
    narrow("organization_id = ?", query.owner.organizationId || undefined);
    narrow("service_account_id = ?", query.owner.serviceAccountId || undefined);
    narrow("caller = ?", query.caller);
    narrow("kind = ?", query.kind);
    narrow("time >= ?", query.startTime);
    narrow("time < ?", query.endTime);
    const sql = `SELECT number, event FROM events WHERE ${conditions.join(" AND ")} ORDER BY number LIMIT ?`;
    const rows = this.#sql.all<EventRow>(sql, ...values, query.limit);
    return rows.map(({ number, event }) => ({ number, ...(JSON.parse(event) as Event) }));
  }

  async relayPending(): Promise<number> {
    return 0;
  }

  async eraseUser(userId: string): Promise<number> {
    // The paths are those of the JSON in `event`.
    const sql = `UPDATE events SET user_id = NULL, event = json_remove(event, '$.owner.userId', '$.address',
      '$.reason', '$.url', '$.changes')
      WHERE number IN (SELECT number FROM events WHERE user_id = ? LIMIT ${ERASED_MAX})`;
    let erased = 0;
    for (;;) {
      const count = this.#sql.run(sql, userId);
      erased += count;
      if (count < ERASED_MAX) break;
      await setImmediate();
    }
    this.#sql.clearLog();
    return erased;
  }

  async removeOld(before: number, limit: number): Promise<number> {
    const oldest = `SELECT number, time FROM events WHERE number < (SELECT max(number) FROM events)
      ORDER BY number LIMIT ?`;
    return this.#sql.transaction(() => {
      const rows = this.#sql.all<{ readonly number: number; readonly time: number }>(oldest, limit);
      const end = rows.findIndex(({ time }) => time >= before);
      const last = (end === -1 ? rows : rows.slice(0, end)).at(-1);
      return last === undefined ? 0 : this.#sql.run("DELETE FROM events WHERE number <= ?", last.number);
    });
  }
}
