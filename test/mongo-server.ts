// The MongoDB server of the run, for the tests that need one: whether there is one, and databases on it that
// nobody else uses. global-setup.ts finds the server.
import { randomUUID } from "node:crypto";
import { type Db, MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, inject } from "vitest";

const SERVER = inject("mongoServer");

/**
 * The options of the store's own client that change what it writes; mongoStoreOn gets a handle made with
 * them.
 */
const STORE_OPTIONS = {
  readPreference: "primary",
  writeConcern: { w: "majority", journal: true },
} as const;

/** A suite that needs a server. Without one it is skipped, with the reason in its title. */
export function describeMongo(title: string, body: () => void): void {
  if ("uri" in SERVER) describe(title, body);
  else describe.skip(`${title} (skipped: ${SERVER.missing})`, body);
}

/** The URI of a database that does not exist yet. */
export function freshDatabaseUri(): string {
  if ("missing" in SERVER) throw new Error(SERVER.missing);
  const uri = new URL(SERVER.uri);
  uri.pathname = `/fleetkey_test_${randomUUID()}`;
  return uri.href;
}

/** A database of one test file's own. */
export class TestDatabase {
  readonly uri = freshDatabaseUri();
  readonly client = new MongoClient(this.uri, { ...STORE_OPTIONS, monitorCommands: true });
  readonly db: Db = this.client.db();

  /** Removes all documents. Indexes stay: they are what opening a store makes anew, at 400 ms a time. */
  async empty(): Promise<void> {
    const collections = await this.db.collections();
    await Promise.all(collections.map((collection) => collection.deleteMany({}, { writeConcern: { w: 1 } })));
  }

  async drop(): Promise<void> {
    await this.db.dropDatabase();
    await this.client.close();
  }
}

/** Gives each case of the suite around it the same database; call `empty` at the start of a case. */
export function useTestDatabase(): () => TestDatabase {
  let database: TestDatabase | undefined;
  beforeAll(() => {
    database = new TestDatabase();
  });
  afterAll(async () => database?.drop());
  return () => {
    if (database === undefined) throw new Error("there is no database outside the cases of the suite");
    return database;
  };
}
