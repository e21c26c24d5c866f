// The embedded store: one SQLite file, WAL with synchronous=FULL. The default, and in memory the fast test
// store.
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { StartRefused } from "../../domain/errors.ts";
import type { Store } from "../store.ts";
import { SqliteEvents } from "./parts/events.ts";
import { SqliteFeed } from "./parts/feed.ts";
import { SqliteKeys } from "./parts/keys.ts";
import { SqlitePepperChecks } from "./parts/pepper-checks.ts";
import { SqlitePrincipals } from "./parts/principals.ts";
import { SqliteQuotas } from "./parts/quotas.ts";
import { SqliteUsage } from "./parts/usage.ts";
import { migrate } from "./schema.ts";
import { Statements } from "./statements.ts";

/** The path that means a database without a file, gone with the process. */
export const MEMORY_PATH = ":memory:";

/** Opens the file, making it and its folder when missing, and brings it to the newest schema. */
export async function openSqliteStore(path: string): Promise<Store> {
  if (path !== MEMORY_PATH) makeFile(path);
  const sql = new Statements(path);
  try {
    migrate(sql);
  } catch (error) {
    sql.close();
    throw error;
  }
  return {
    keys: new SqliteKeys(sql),
    principals: new SqlitePrincipals(sql),
    events: new SqliteEvents(sql),
    feed: new SqliteFeed(sql),
    usage: new SqliteUsage(sql),
    quotas: new SqliteQuotas(sql),
    pepperChecks: new SqlitePepperChecks(sql),
    ping: async () => void sql.get("SELECT 1"),
    close: async () => sql.close(),
  };
}

// Made here rather than by SQLite, so that nobody else can read it, nor the files that SQLite puts beside it.
function makeFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "a", 0o600));
  } catch (error) {
    throw new StartRefused(`cannot open the SQLite file ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
