// A SQLite file that the first version of the program wrote: every step of the schema leaves what is there
// as it is, and finds it in the ways that came later.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KEY_TYPES } from "../../src/domain/key-type.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import { START } from "../domain/build.ts";
import { erasureOf, firstRaiseOf, keyAt, refreshOf } from "./build.ts";
import { expectFeed, insertKeys } from "./contract/case.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleetkey-test-"));
  path = join(folder, "fleetkey.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Takes the schema back to its first version. */
function goBack(): void {
  const tables = KEY_TYPES.map((type) => `${type}_keys`);
  const keySteps = tables.flatMap((table) => [
    `DROP INDEX ${table}_name`,
    `DROP INDEX ${table}_expiry`,
    `ALTER TABLE ${table} DROP COLUMN name`,
    `ALTER TABLE ${table} DROP COLUMN expire_time`,
  ]);
  const others = ["DROP INDEX principals_user", "ALTER TABLE principals DROP COLUMN user_id"];
  const dropped = ["usage", "quotas", "quota_leases"].map((table) => `DROP TABLE ${table}`);
  const database = new DatabaseSync(path);
  database.exec([...keySteps, ...others, ...dropped, "PRAGMA user_version = 1"].join(";"));
  database.close();
}

describe("a SQLite file of the first version", () => {
  it("keeps keys, principals and events, and finds them by name, end and user", async () => {
    const keys = KEY_TYPES.map((type, index) =>
      keyAt(index, { type, name: index === 0 ? "" : `be\0fore ${index}`, createTime: START + index }),
    );
    const [first, second, ...endless] = keys;
    if (first === undefined || second === undefined) throw new Error("there are more types than one");
    const ending = { ...second, expireTime: START + 5_000 };
    const raise = firstRaiseOf({ userId: "user-1" });
    const former = await openSqliteStore(path);
    const events = await insertKeys(former, first, ending, ...endless);
    await former.principals.write(raise.next, raise.event);
    await former.close();
    goBack();

    const store = await openSqliteStore(path);
    const query = { types: KEY_TYPES, owner: {}, limit: 9 };
    expect(await store.keys.list(query)).toEqual([first, ending, ...endless]);
    expect(await store.keys.list({ ...query, name: "" })).toEqual([first]);
    expect(await store.keys.list({ ...query, name: ending.name })).toEqual([ending]);
    expect(await store.keys.list({ ...query, expireBefore: START + 5_001 })).toEqual([ending]);
    expect(await store.principals.listOfUser("user-1", 9)).toEqual([raise.next]);
    await expectFeed(store, [...events, raise.event]);
    const { next, event } = refreshOf(first);
    expect(await store.keys.update(next, event)).toBe("written");
    const count = { keyId: first.keyId, period: { id: "all" } };
    expect(await store.quotas.grant(count, { leaseId: "a", size: 1 }, 1)).toMatchObject({ isGranted: true });
    await store.usage.add([{ keyId: first.keyId, time: 1, address: "", userAgent: "", count: 1 }]);
    await store.close();
  });

  it("is brought up to date once by two processes that open it at once", async () => {
    const former = await openSqliteStore(path);
    await insertKeys(former, keyAt(1, { name: "build" }));
    await former.close();
    goBack();
    const stores = await Promise.all([openSqliteStore(path), openSqliteStore(path)]);
    for (const store of stores) {
      expect(await store.keys.list({ types: ["user"], owner: {}, name: "build", limit: 9 })).toHaveLength(1);
    }
    await Promise.all(stores.map((store) => store.close()));
  });

  it("lets its keys be erased", async () => {
    const former = await openSqliteStore(path);
    const key = keyAt(1);
    await insertKeys(former, key);
    await former.close();
    goBack();
    const store = await openSqliteStore(path);
    const { next, event } = erasureOf(key);
    expect(await store.keys.update(next, event)).toBe("written");
    expect(await store.keys.list({ types: ["user"], owner: { userId: "user-1" }, limit: 9 })).toEqual([]);
    await store.close();
  });
});
