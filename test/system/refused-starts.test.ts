// What the program does not start with: it ends with status 78, says which setting or file is wrong and what
// to do, in words and without a stack, and never quotes a secret.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import { describeMongo } from "../mongo-server.ts";
import { ROOT_KEY, runService } from "../running-service.ts";
import { type Settings, useProcesses } from "./process.ts";
import { COMMON_SETTINGS, useMongo } from "./stores.ts";

const EXIT_CONFIG = 78;
const PASSWORD = "word-of-the-tests";
const OTHER_PEPPER = `1:${Buffer.alloc(32, "another one").toString("base64")}`;

const processes = useProcesses();

interface Row {
  readonly title: string;
  /** Brings the folder into the state that is refused. */
  readonly prepare?: (folder: string) => unknown;
  readonly settings: (folder: string) => Settings;
  /** What the message must name, and what it must tell to do. */
  readonly says: readonly RegExp[];
}

const onFile = (folder: string): Settings => ({ FLEETKEY_STORE: `sqlite:${folder}/fleetkey.db` });
const onMongo = (uri: string): Settings => ({ ...COMMON_SETTINGS, FLEETKEY_STORE: uri });

/** Runs the service once, so that the database knows its peppers. */
async function runOnce(settings: Settings): Promise<void> {
  await (await runService(settings)).stop();
}

/** A database whose pepper version 1 is known and whose pepper file is gone. */
async function withoutPeppersFile(folder: string): Promise<void> {
  await runOnce({ ...onFile(folder), FLEETKEY_PEPPERS: OTHER_PEPPER });
}

async function newerDatabase(folder: string): Promise<void> {
  await (await openSqliteStore(join(folder, "fleetkey.db"))).close();
  const database = new DatabaseSync(join(folder, "fleetkey.db"));
  database.exec("PRAGMA user_version = 4711");
  database.close();
}

const ROWS: readonly Row[] = [
  {
    title: "a variable that is no setting",
    settings: () => ({ FLEETKEY_LISTN: "127.0.0.1:0" }),
    says: [/FLEETKEY_LISTN: is not a setting/],
  },
  {
    title: "MongoDB without peppers and root key",
    settings: () => ({ FLEETKEY_STORE: `mongodb://user:${PASSWORD}@127.0.0.1:1/db` }),
    says: [/FLEETKEY_PEPPERS: .*openssl rand -base64 32/, /FLEETKEY_ROOT_KEY: .*openssl rand -hex 32/],
  },
  {
    title: "a MongoDB option that there is none of",
    settings: () => onMongo(`mongodb://user:${PASSWORD}@127.0.0.1:1/db?colour=red`),
    says: [/FLEETKEY_STORE/, /colour/],
  },
  {
    title: "a MongoDB address that cannot be read",
    settings: () => onMongo(`mongodb://user%zz:${PASSWORD}@127.0.0.1:1/db`),
    says: [/FLEETKEY_STORE/],
  },
  {
    title: "a pepper with another secret under a version that the database knows",
    prepare: (folder) => runOnce(onFile(folder)),
    settings: (folder) => ({ ...onFile(folder), FLEETKEY_PEPPERS: OTHER_PEPPER }),
    says: [/FLEETKEY_PEPPERS: version 1/, /give the right one, or a new secret a new version/],
  },
  {
    title: "a pepper file that is gone",
    prepare: withoutPeppersFile,
    settings: onFile,
    says: [/peppers is missing/, /put the file back/, /FLEETKEY_PEPPERS_LOST=1/],
  },
  {
    title: "a pepper file that holds something else",
    prepare: (folder) => writeFileSync(join(folder, "peppers"), PASSWORD, { mode: 0o600 }),
    settings: onFile,
    says: [/peppers does not hold what it should: put a copy of the right file back/],
  },
  {
    title: "a root key that others can read",
    prepare: (folder) => writeFileSync(join(folder, "root.key"), ROOT_KEY, { mode: 0o644 }),
    settings: onFile,
    says: [/root\.key can be read by others: run chmod 600 .*root\.key/],
  },
  {
    title: "a database of a newer program",
    prepare: newerDatabase,
    settings: onFile,
    says: [/schema version 4711/, /start the program version that last used it, or a newer one/],
  },
  {
    title: "a file that is no database",
    prepare: (folder) => writeFileSync(join(folder, "fleetkey.db"), "not a database ".repeat(100)),
    settings: onFile,
    says: [/fleetkey\.db: file is not a database/],
  },
  {
    title: "a folder in the place of the database",
    prepare: (folder) => mkdirSync(join(folder, "fleetkey.db")),
    settings: onFile,
    says: [/cannot open the SQLite file .*fleetkey\.db: /],
  },
  {
    title: "a database in a folder that cannot be made",
    prepare: (folder) => writeFileSync(join(folder, "data"), ""),
    settings: (folder) => ({ FLEETKEY_STORE: `sqlite:${folder}/data/fleetkey.db` }),
    says: [/data\/?(fleetkey\.db)?\b/, /SQLite|FLEETKEY_STORE/],
  },
  {
    title: "a certificate that is not there",
    settings: (folder) => ({
      ...onFile(folder),
      FLEETKEY_TLS_CERT: `${folder}/cert.pem`,
      FLEETKEY_TLS_KEY: `${folder}/key.pem`,
    }),
    says: [/FLEETKEY_TLS_CERT/, /cert\.pem/],
  },
  {
    title: "a certificate that is none",
    prepare: (folder) => {
      for (const name of ["cert.pem", "key.pem"]) writeFileSync(join(folder, name), PASSWORD);
    },
    settings: (folder) => ({
      ...onFile(folder),
      FLEETKEY_TLS_CERT: `${folder}/cert.pem`,
      FLEETKEY_TLS_KEY: `${folder}/key.pem`,
    }),
    says: [/FLEETKEY_TLS_(CERT|KEY)/],
  },
];

/** Starts the program and holds its refusal against what is expected of all refusals. */
async function expectRefusal(settings: Settings, cwd: string, says: readonly RegExp[]): Promise<void> {
  const run = processes.launch({ FLEETKEY_LISTEN: "127.0.0.1:0", ...settings }, { cwd });
  const { code } = await run.end();
  expect({ code, stdout: run.stdout }).toEqual({ code: EXIT_CONFIG, stdout: "" });
  expect(run.stderr).toMatch(/^fleetkey cannot start: /m);
  for (const pattern of says) expect(run.stderr).toMatch(pattern);
  expect(run.stderr).not.toMatch(/^ +at /m);
  for (const secret of [PASSWORD, ROOT_KEY, OTHER_PEPPER.slice(2)]) expect(run.stderr).not.toContain(secret);
}

describe("the program refuses to start with", () => {
  it.each(ROWS)("$title", async ({ prepare, settings, says }) => {
    const folder = processes.folder();
    await prepare?.(folder);
    await expectRefusal(settings(folder), folder, says);
  });
});

describeMongo("on MongoDB the program refuses to start with", () => {
  const fresh = useMongo();
  it("a pepper with another secret under a version that the database knows", async () => {
    const { settings } = fresh();
    await runOnce(settings);
    const changed = { ...settings, FLEETKEY_PEPPERS: OTHER_PEPPER };
    await expectRefusal(changed, processes.folder(), [/FLEETKEY_PEPPERS: version 1/]);
  });
});

describe("what was refused starts again when the message is followed:", () => {
  it("with the lost pepper declared so, new keys get a higher version", async () => {
    const folder = processes.folder();
    await withoutPeppersFile(folder);
    const settings = { ...COMMON_SETTINGS, ...onFile(folder), FLEETKEY_PEPPERS: "" };
    await processes.start({ ...settings, FLEETKEY_PEPPERS_LOST: "1" }, { cwd: folder });
    const database = new DatabaseSync(join(folder, "fleetkey.db"));
    const versions = database.prepare("SELECT version FROM pepper_checks ORDER BY version").all();
    database.close();
    expect(versions.map(({ version }) => version)).toEqual([1, 2]);
  });
});
