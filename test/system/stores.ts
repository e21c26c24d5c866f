// The stores that a service under test runs on: each suite here runs on an SQLite file and, where there is a
// server, on MongoDB, with a fresh and empty one per test.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe } from "vitest";
import { describeMongo, TestDatabase } from "../mongo-server.ts";
import { ROOT_KEY } from "../running-service.ts";
import type { CleanUp, Settings } from "./process.ts";

/** 32 bytes that are nobody's secret. */
export const PEPPER = Buffer.alloc(32, "pepper of the tests");

/** What every service under test has: any free port, the cheapest bcrypt, a short farewell, known secrets. */
export const COMMON_SETTINGS: Settings = {
  FLEETKEY_LISTEN: "127.0.0.1:0",
  FLEETKEY_BCRYPT_COST: "4",
  FLEETKEY_DRAIN_TIMEOUT: "1s",
  FLEETKEY_ROOT_KEY: ROOT_KEY,
  FLEETKEY_PEPPERS: `1:${PEPPER.toString("base64")}`,
};

/** A store of one test. */
export interface TestStore {
  readonly settings: Settings;
  /** Where the SQLite file is, if it is one. */
  readonly path?: string;
  /** The MongoDB database, if it is one. */
  readonly database?: TestDatabase;
}

/**
 * The suite, once on each kind of store. `fresh` gives an empty one, gone after the test (with afterAll:
 * after the suite).
 */
export function describeOnStores(
  title: string,
  body: (fresh: () => TestStore) => void,
  after: CleanUp = afterEach,
): void {
  describe(`${title}, on SQLite`, () => body(useSqlite(after)));
  describeMongo(`${title}, on MongoDB`, () => body(useMongo(after)));
}

function useSqlite(after: CleanUp): () => TestStore {
  const folders: string[] = [];
  after(async () => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    const folder = mkdtempSync(join(tmpdir(), "fleetkey-store-"));
    folders.push(folder);
    const path = join(folder, "fleetkey.db");
    return { path, settings: { ...COMMON_SETTINGS, FLEETKEY_STORE: `sqlite:${path}` } };
  };
}

/** Gives fresh MongoDB databases. */
export function useMongo(after: CleanUp = afterEach): () => Required<Omit<TestStore, "path">> {
  const databases: TestDatabase[] = [];
  after(async () => {
    await Promise.all(databases.splice(0).map((database) => database.drop()));
  });
  return () => {
    const database = new TestDatabase();
    databases.push(database);
    return { database, settings: { ...COMMON_SETTINGS, FLEETKEY_STORE: database.uri } };
  };
}
