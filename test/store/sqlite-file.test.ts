// The SQLite store as a file: what outlives a process, what two processes see of each other, and which
// files are refused instead of being written over.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { requestKeyOf } from "../../src/domain/api-key/key-id.ts";
import { StartRefused } from "../../src/domain/errors.ts";
import { KEY_TYPES } from "../../src/domain/key-type.ts";
import { isStoreUnavailable } from "../../src/store/errors.ts";
import { openStore } from "../../src/store/open-store.ts";
import { MEMORY_PATH, openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import type { Store } from "../../src/store/store.ts";
import { creationOf, FAR_FUTURE, firstRaiseOf, keyAt, refreshOf } from "./build.ts";
import { expectFeed, insertKeys, readFeed } from "./contract/case.ts";

const SLOT = { id: "slot-1", number: 3 };
const REQUEST = { key: requestKeyOf("caller-1", "request-1"), digest: "digest-1" };

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleetkey-test-"));
  path = join(folder, "fleetkey.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs SQL on the file as another program would. */
function runOnFile(sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function readFromFile(sql: string): Readonly<Record<string, unknown>> {
  const database = new DatabaseSync(path);
  const row = database.prepare(sql).get();
  database.close();
  return row ?? {};
}

async function withStore<Result>(use: (store: Store) => Promise<Result>): Promise<Result> {
  const store = await openSqliteStore(path);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

it("that another process has locked does not answer now, and is no reason to give up", async () => {
  const other = new DatabaseSync(path);
  other.exec("BEGIN EXCLUSIVE");
  await expect(openSqliteStore(path)).rejects.toSatisfy(isStoreUnavailable);
  other.exec("COMMIT");
  other.close();
  await (await openSqliteStore(path)).close();
});

describe("a SQLite file", () => {
  it("keeps everything when it is closed and opened again", async () => {
    const key = keyAt(1, { slot: SLOT, request: REQUEST, metadata: '{"a":1}' });
    const change = refreshOf(key);
    const raise = firstRaiseOf();
    const events = await withStore(async (store) => {
      const [created] = await insertKeys(store, key);
      await store.keys.update(change.next, change.event);
      await store.principals.write(raise.next, raise.event);
      await store.pepperChecks.insert(1, "check-1");
      return [created, change.event, raise.event].filter((event) => event !== undefined);
    });
    await withStore(async (store) => {
      expect(await store.keys.read(key.keyId)).toEqual(change.next);
      expect(await store.keys.list({ types: KEY_TYPES, owner: key.owner, limit: 9 })).toEqual([change.next]);
      expect(await store.keys.readSlotHolder("user", SLOT.id)).toEqual(change.next);
      expect(await store.keys.readRequest(REQUEST.key)).toEqual(change.next);
      const { principalId } = raise.next;
      expect(await store.principals.read([principalId])).toEqual(new Map([[principalId, raise.next]]));
      expect(await store.pepperChecks.read()).toEqual(new Map([[1, "check-1"]]));
      await expectFeed(store, events);
    });
  });

  it("numbers events on from where it was, even when all of them were removed", async () => {
    await withStore((store) => insertKeys(store, keyAt(1), keyAt(2)));
    runOnFile("DELETE FROM events");
    await withStore(async (store) => {
      await insertKeys(store, keyAt(3));
      expect((await readFeed(store)).map(({ number }) => number)).toEqual([3]);
    });
  });

  it("shows each of two handles at once what the other one wrote", async () => {
    const [first, second] = [await openSqliteStore(path), await openSqliteStore(path)];
    const key = keyAt(1);
    const created = creationOf(key);
    expect(await first.keys.insert(key, created)).toBe(true);
    expect(await second.keys.read(key.keyId)).toEqual(key);
    expect(await second.keys.insert(key, creationOf(key))).toBe(false);
    const { next, event } = refreshOf(key);
    expect(await second.keys.update(next, event)).toBe("written");
    expect(await first.keys.confirm(key.keyId, 1)).toBe(false);
    expect(await first.keys.read(key.keyId)).toEqual(next);
    await expectFeed(first, [created, event]);
    expect(await first.events.relayPending(FAR_FUTURE)).toBe(0);
    await Promise.all([first.close(), second.close()]);
  });

  it("is made when it is missing, with its folder, for its owner alone to enter", async () => {
    path = join(folder, "data", "deeper", "fleetkey.db");
    await withStore((store) => store.ping());
    expect(existsSync(path)).toBe(true);
    expect(statSync(join(folder, "data", "deeper")).mode & 0o777).toBe(0o700);
  });

  it("is what openStore opens for a sqlite address", async () => {
    const store = await openStore({ kind: "sqlite", path });
    await store.ping();
    await store.close();
    expect(existsSync(path)).toBe(true);
  });
});

describe("a SQLite file is refused", () => {
  it("when a newer program has been at it, and stays as it is", async () => {
    await withStore((store) => insertKeys(store, keyAt(1)));
    const version = readFromFile("PRAGMA user_version")["user_version"];
    runOnFile("PRAGMA user_version = 1000");
    await expect(openSqliteStore(path)).rejects.toThrow(StartRefused);
    await expect(openSqliteStore(path)).rejects.toThrow(/schema version 1000/);
    runOnFile(`PRAGMA user_version = ${version}`);
    expect(await withStore((store) => store.keys.read(keyAt(1).keyId))).toEqual(keyAt(1));
  });

  it("when it is not a database, and stays as it is", async () => {
    const text = "this is not a database, however long it is\n".repeat(100);
    writeFileSync(path, text);
    await expect(openSqliteStore(path)).rejects.toThrow(StartRefused);
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  it("when it is a folder", async () => {
    await expect(openSqliteStore(folder)).rejects.toThrow(StartRefused);
  });

  it("when its folder is a file", async () => {
    writeFileSync(path, "");
    await expect(openSqliteStore(join(path, "fleetkey.db"))).rejects.toThrow(StartRefused);
  });
});

describe("a closed SQLite store", () => {
  it("answers unavailable", async () => {
    const store = await openSqliteStore(MEMORY_PATH);
    await store.close();
    const key = keyAt(1);
    const { next, event } = refreshOf(key);
    await expect(store.ping()).rejects.toSatisfy(isStoreUnavailable);
    await expect(store.keys.read(key.keyId)).rejects.toSatisfy(isStoreUnavailable);
    await expect(store.keys.insert(key, creationOf(key))).rejects.toSatisfy(isStoreUnavailable);
    await expect(store.keys.update(next, event)).rejects.toSatisfy(isStoreUnavailable);
    await expect(store.events.list({ owner: {}, after: 0, limit: 1 })).rejects.toSatisfy(isStoreUnavailable);
  });
});
