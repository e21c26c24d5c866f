// Check values of pepper versions in SQLite.
import type { PepperCheckStore } from "../../store.ts";
import type { Statements } from "../statements.ts";

interface PepperCheckRow {
  readonly version: number;
  readonly check_value: string;
}

export class SqlitePepperChecks implements PepperCheckStore {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  async read(): Promise<ReadonlyMap<number, string>> {
    const rows = this.#sql.all<PepperCheckRow>("SELECT version, check_value FROM pepper_checks");
    return new Map(rows.map(({ version, check_value }) => [version, check_value]));
  }

  async insert(version: number, check: string): Promise<boolean> {
    const sql =
      "INSERT INTO pepper_checks (version, check_value) VALUES (?, ?) ON CONFLICT (version) DO NOTHING";
    return this.#sql.run(sql, version, check) === 1;
  }
}
