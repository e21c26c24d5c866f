// The feed in SQLite, as nodes follow it: the rows of `events`, without what they say beside who changed. It
// reads over the connection of the writers, which no load keeps waiting: each statement has its turn.
import type { Event } from "../../../domain/audit/event.ts";
import type { FeedEntry, FeedReader } from "../../store.ts";
import type { Statements } from "../statements.ts";

interface EntryRow {
  readonly number: number;
  readonly event: string;
}

export class SqliteFeed implements FeedReader {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  // Also of rows that are gone: AUTOINCREMENT remembers the highest number that was ever given.
  async readHead(): Promise<number> {
    const sql = "SELECT seq FROM sqlite_sequence WHERE name = 'events'";
    return this.#sql.get<{ readonly seq: number }>(sql)?.seq ?? 0;
  }

  async readAfter(after: number, limit: number): Promise<readonly FeedEntry[]> {
    const sql = "SELECT number, event FROM events WHERE number > ? ORDER BY number LIMIT ?";
    return this.#sql.all<EntryRow>(sql, after, limit).map(entryOf);
  }

  async readNumbers(numbers: readonly number[]): Promise<readonly FeedEntry[]> {
    const sql = "SELECT number, event FROM events WHERE number IN (SELECT value FROM json_each(?))";
    return this.#sql.all<EntryRow>(sql, JSON.stringify(numbers)).map(entryOf);
  }
}

function entryOf({ number, event }: EntryRow): FeedEntry {
  const { keyId, principalId } = JSON.parse(event) as Event;
  return { number, keyId, principalId };
}
