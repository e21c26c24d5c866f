// Runs SQL on one connection: prepared statements kept by their text, transactions, and the driver's errors
// turned into the contract's. All parts of the store share one of these.
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { StartRefused } from "../../domain/errors.ts";
import { storeUnavailable } from "../errors.ts";

/** How long a statement waits for another process that writes the same file. */
const BUSY_TIMEOUT_MS = 5_000;
/** SQLite's result code for a file that another process has locked. */
const SQLITE_BUSY = 5;

export class Statements {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  /** `path` is a file, made when it is missing, or `:memory:`. */
  constructor(path: string) {
    this.#database = open(path);
  }

  /** Several statements without values, for schema changes. */
  script(sql: string): void {
    guard(() => this.#database.exec(sql));
  }

  all<Row>(sql: string, ...values: readonly SQLInputValue[]): readonly Row[] {
    return guard(() => this.#prepare(sql).all(...values) as Row[]);
  }

  get<Row>(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return guard(() => this.#prepare(sql).get(...values) as Row | undefined);
  }

  /** How many rows it changed. */
  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return guard(() => Number(this.#prepare(sql).run(...values).changes));
  }

  /** Runs `write` in one transaction; what it returns is durable. An exception undoes all of it. */
  transaction<Result>(write: () => Result): Result {
    // One that could not be undone, because the disk failed, must not take this one into it.
    if (this.#isInTransaction()) this.run("ROLLBACK");
    this.run("BEGIN IMMEDIATE");
    try {
      const result = write();
      this.run("COMMIT");
      return result;
    } catch (error) {
      if (this.#isInTransaction()) this.run("ROLLBACK");
      throw error;
    }
  }

  /**
   * Brings the write-ahead log into the file and empties it, since it still holds the pages as they were
   * before a change. Only tries: a log that another process reads from at the moment is left to the next
   * time.
   */
  clearLog(): void {
    this.#setBusyTimeout(0);
    try {
      this.get("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      this.#setBusyTimeout(BUSY_TIMEOUT_MS);
    }
  }

  close(): void {
    this.#prepared.clear();
    this.#database.close();
  }

  #setBusyTimeout(ms: number): void {
    this.get(`PRAGMA busy_timeout = ${ms}`);
  }

  #isInTransaction(): boolean {
    return guard(() => this.#database.isTransaction);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }
}

function open(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    // FULL: a commit is on the disk before it is answered; NORMAL can lose the last ones of a WAL with the
    // power.
    // secure_delete: what was erased must not stay readable in the free pages of the file.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON");
    return database;
  } catch (error) {
    // Two processes that make a new file at once: the one that turns the log on shuts the other out for a
    // moment.
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY) throw storeUnavailable(error);
    throw new StartRefused(`cannot open the SQLite file ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

// SQLite's result codes that mean a mistake in this program: a bad statement, constraint, type, call or
// index.
const BUG_CODES = new Set([1, 19, 20, 21, 25]);

// Whatever else SQLite reports (locked, full, unreadable, closed) means that the store did not answer.
function guard<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    const { code, errcode } = error as { code?: unknown; errcode?: number };
    // The low byte is the primary code; the rest says more of the same.
    const isTrouble = code === "ERR_SQLITE_ERROR" && !BUG_CODES.has((errcode ?? 0) & 0xff);
    throw isTrouble || code === "ERR_INVALID_STATE" ? storeUnavailable(error) : error;
  }
}
