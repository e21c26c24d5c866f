// Guarantees that what is erased can not be read from the SQLite file any more, nor from the log beside it,
// and that work on many rows leaves the process room for its calls.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { erasedUse } from "../../src/domain/usage.ts";
import { MEMORY_PATH, openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import type { Store } from "../../src/store/store.ts";
import { START } from "../domain/build.ts";
import { creationOf, erasureOf, firstRaiseOf, keyAt, keyIdAt, principalErasureOf } from "./build.ts";
import { readFeed, times } from "./contract/case.ts";

const PERSONAL = ["user-to-forget", "name-to-forget", "198.51.100.77", "agent-to-forget"];
const [USER_ID = "", NAME = "", ADDRESS = "", AGENT = ""] = PERSONAL;
const KEYS = 40;

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleetkey-test-"));
  path = join(folder, "fleetkey.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Which of the texts can be read in the file or in what lies beside it. */
function readable(): readonly string[] {
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  return PERSONAL.filter((text) => files.some((bytes) => bytes.includes(text)));
}

const keyOfUser = (seed: number) => keyAt(seed, { owner: { userId: USER_ID }, name: NAME });

async function writePersonal(store: Store): Promise<void> {
  for (let seed = 0; seed < KEYS; seed++) {
    const key = keyOfUser(seed);
    await store.keys.insert(key, creationOf(key, { address: ADDRESS }));
    const use = { keyId: key.keyId, time: START, address: ADDRESS, userAgent: AGENT, count: 1 };
    await store.usage.add([use]);
  }
  const raise = firstRaiseOf({ userId: USER_ID });
  await store.principals.write(raise.next, raise.event);
}

async function eraseRecords(store: Store): Promise<void> {
  for (let seed = 0; seed < KEYS; seed++) {
    const key = keyOfUser(seed);
    await store.usage.add([erasedUse(key.keyId)]);
    const { next, event } = erasureOf(key);
    expect(await store.keys.update(next, event)).toBe("written");
  }
  const principal = principalErasureOf(firstRaiseOf({ userId: USER_ID }).next);
  expect(await store.principals.write(principal.next, principal.event)).toBe("written");
}

describe("what is erased", () => {
  it("can not be read from the file or the log beside it, while the store is open", async () => {
    const store = await openSqliteStore(path);
    await writePersonal(store);
    expect(readable()).toEqual(PERSONAL);
    await eraseRecords(store);
    expect(await store.events.eraseUser(USER_ID)).toBe(KEYS + 1);
    expect(readable()).toEqual([]);
    expect(await readFeed(store)).toHaveLength(2 * KEYS + 2);
    await store.close();
  });

  it("is gone from the log with the next erasure when another process reads from it now", async () => {
    const store = await openSqliteStore(path);
    await writePersonal(store);
    const reader = new DatabaseSync(path);
    reader.exec("BEGIN; SELECT count(*) FROM events");
    await eraseRecords(store);
    const startedAt = performance.now();
    expect(await store.events.eraseUser(USER_ID)).toBe(KEYS + 1);
    // It is not waited for, as a writer would be for five seconds: the process has calls to answer.
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(readable()).toContain(USER_ID);
    reader.close();
    expect(await store.events.eraseUser(USER_ID)).toBe(0);
    expect(readable()).toEqual([]);
    await store.close();
  });
});

describe("work on many rows in SQLite", () => {
  /** Whether a call that comes just before gets its turn before the work is done. */
  async function leavesRoom(work: () => Promise<unknown>): Promise<boolean> {
    let isDone = false;
    const turn = setImmediate().then(() => !isDone);
    await work();
    isDone = true;
    return turn;
  }

  it.each([1_000, 1_001, 2_500])("adds %i uses in pieces", async (count) => {
    const store = await openSqliteStore(MEMORY_PATH);
    const uses = times(count, (seed) => ({ ...erasedUse(keyIdAt(seed)), count: 1 }));
    expect(await leavesRoom(() => store.usage.add(uses))).toBe(count > 1_000);
    expect((await store.usage.readMany(uses.map(({ keyId }) => keyId))).size).toBe(count);
    await store.close();
  });

  it.each([499, 500, 501, 1_250])("erases %i events in pieces", async (count) => {
    const store = await openSqliteStore(MEMORY_PATH);
    for (const key of times(count, (seed) => keyOfUser(seed))) {
      await store.keys.insert(key, creationOf(key));
    }
    let erased = 0;
    const erase = async () => {
      erased = await store.events.eraseUser(USER_ID);
    };
    expect(await leavesRoom(erase)).toBe(count >= 500);
    expect(erased).toBe(count);
    expect(await readFeed(store, { owner: { userId: USER_ID } })).toEqual([]);
    await store.close();
  });
});
