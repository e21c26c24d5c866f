// The tables of the SQLite store and the steps that lead to them. Steps are only ever appended; the file
// remembers in `user_version` how many it has seen.

import { StartRefused } from "../../domain/errors.ts";
import { KEY_TYPES, type KeyType } from "../../domain/key-type.ts";
import type { Statements } from "./statements.ts";

/** The table of a key type. */
export function keyTable(type: KeyType): string {
  return `${type}_keys`;
}

const MIGRATIONS: readonly string[] = [
  `${KEY_TYPES.map((type) => keyTableSql(keyTable(type))).join("")}
  CREATE TABLE principals (
    principal_id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    confirmations INTEGER NOT NULL DEFAULT 0,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    time INTEGER NOT NULL,
    caller TEXT NOT NULL,
    key_id TEXT,
    user_id TEXT,
    organization_id TEXT,
    service_account_id TEXT,
    event TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_key ON events (key_id, number) WHERE key_id IS NOT NULL;
  CREATE INDEX events_user ON events (user_id, number) WHERE user_id IS NOT NULL;
  CREATE INDEX events_organization ON events (organization_id, number) WHERE organization_id IS NOT NULL;
  CREATE INDEX events_service_account ON events (service_account_id, number)
    WHERE service_account_id IS NOT NULL;
  CREATE INDEX events_caller ON events (caller, number);
  CREATE TABLE pepper_checks (
    version INTEGER PRIMARY KEY,
    check_value TEXT NOT NULL
  ) STRICT;`,
  `${KEY_TYPES.map((type) => keySearchSql(keyTable(type))).join("")}
  ALTER TABLE principals ADD COLUMN user_id TEXT;
  UPDATE principals SET user_id = json_extract(record, '$.owner.userId');
  CREATE INDEX principals_user ON principals (user_id) WHERE user_id IS NOT NULL;
  CREATE TABLE usage (
    key_id TEXT PRIMARY KEY,
    time INTEGER NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    count INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE quotas (
    key_id TEXT NOT NULL,
    period_id TEXT NOT NULL,
    granted INTEGER NOT NULL,
    end_time INTEGER,
    PRIMARY KEY (key_id, period_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX quotas_end ON quotas (end_time) WHERE end_time IS NOT NULL;
  CREATE TABLE quota_leases (
    key_id TEXT NOT NULL,
    period_id TEXT NOT NULL,
    lease_id TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (key_id, period_id, lease_id)
  ) STRICT, WITHOUT ROWID;`,
];

/** Brings a database to the newest schema; refuses one that a newer program has been at. */
export function migrate(sql: Statements): void {
  const seen = () => sql.get<{ readonly user_version: number }>("PRAGMA user_version")?.user_version ?? 0;
  if (seen() > MIGRATIONS.length) {
    throw new StartRefused(
      `the database has schema version ${seen()}, this program knows ${MIGRATIONS.length}: ` +
        "start the program version that last used it, or a newer one",
    );
  }
  for (const [index, step] of MIGRATIONS.entries()) {
    // Asked again inside the transaction: two processes can open a new file at once.
    sql.transaction(() => {
      if (seen() > index) return;
      sql.script(`${step} PRAGMA user_version = ${index + 1}`);
    });
  }
}

function keyTableSql(table: string): string {
  return `
  CREATE TABLE ${table} (
    key_id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    confirmations INTEGER NOT NULL DEFAULT 0,
    create_time INTEGER NOT NULL,
    user_id TEXT,
    organization_id TEXT,
    service_account_id TEXT,
    slot_id TEXT,
    slot_number INTEGER,
    request_key TEXT,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX ${table}_order ON ${table} (create_time, key_id);
  CREATE INDEX ${table}_user ON ${table} (user_id, create_time, key_id) WHERE user_id IS NOT NULL;
  CREATE INDEX ${table}_organization ON ${table} (organization_id, create_time, key_id)
    WHERE organization_id IS NOT NULL;
  CREATE INDEX ${table}_service_account ON ${table} (service_account_id, create_time, key_id)
    WHERE service_account_id IS NOT NULL;
  CREATE INDEX ${table}_request ON ${table} (request_key) WHERE request_key IS NOT NULL;
  CREATE INDEX ${table}_slot ON ${table} (slot_id, slot_number) WHERE slot_id IS NOT NULL;
`;
}

function keySearchSql(table: string): string {
  return `
  ALTER TABLE ${table} ADD COLUMN name TEXT NOT NULL DEFAULT '';
  ALTER TABLE ${table} ADD COLUMN expire_time INTEGER;
  UPDATE ${table} SET name = json_extract(record, '$.name'),
    expire_time = json_extract(record, '$.expireTime');
  CREATE INDEX ${table}_name ON ${table} (name, create_time, key_id);
  CREATE INDEX ${table}_expiry ON ${table} (expire_time) WHERE expire_time IS NOT NULL;
`;
}
