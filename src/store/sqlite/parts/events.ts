// Events in SQLite: a row each, written in the transaction of its change, so its number is the row's and
// nothing is ever left to relay.
import type { Event, NumberedEvent } from "../../../domain/audit/event.ts";
import type { EventQuery, EventStore } from "../../store.ts";
import type { Statements } from "../statements.ts";

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
}
