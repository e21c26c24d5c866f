// Guarantees that a process on SQLite can fail or die at any statement of any write: the change and its
// event stand or fall together, and a store whose disk works again goes on working.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isStoreUnavailable } from "../../src/store/errors.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import type { Store } from "../../src/store/store.ts";
import { creationOf, keyAt, refreshOf } from "./build.ts";
import { expectAscending, insertKeys, readFeed } from "./contract/case.ts";
import { failAtStep, readPragma, repair } from "./crash/faulty-database.ts";
import { ENDINGS } from "./crash/fuse.ts";
import { type Attempt, WRITE_OPERATIONS } from "./crash/write-operations.ts";

vi.mock(import("node:sqlite"), async (load) => {
  const { FaultyDatabase } = await import("./crash/faulty-database.ts");
  return { ...(await load()), DatabaseSync: FaultyDatabase };
});

/** No write takes as many statements. */
const STEPS_MAX = 20;

// In SQLite no event ever waits, so there is nothing to arrange for those that tidy up after a dead writer.
const OPERATIONS = WRITE_OPERATIONS.filter(({ title }) => !title.includes("waits"));
const CASES = OPERATIONS.flatMap((operation) => ENDINGS.map((ending) => ({ operation, ending })));

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleetkey-test-"));
  path = join(folder, "fleetkey.db");
});
afterEach(() => {
  repair();
  rmSync(folder, { recursive: true });
});

const dieAfterWriting = () => Promise.reject(new Error("in SQLite a write has its event in the feed"));

async function expectWhole(store: Store, { filter, earlier, own, isDone }: Attempt): Promise<void> {
  const happened = (await isDone(store)) && own !== undefined ? [...earlier, own] : earlier;
  const feed = await readFeed(store, filter);
  expect(feed.map(({ eventId }) => eventId)).toEqual(happened.map(({ eventId }) => eventId));
  expectAscending(await readFeed(store));
}

async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("a process on SQLite", () => {
  it.each(CASES)(
    "that dies in $operation.title, at each statement that $ending: change and event stand or fall together",
    async ({ operation, ending }) => {
      let isAnswered = false;
      for (let at = 1; !isAnswered; at++) {
        expect(at).toBeLessThan(STEPS_MAX);
        const dying = await openSqliteStore(path);
        const attempt = await operation.arrange({ sound: dying, dieAfterWriting }, at);
        failAtStep(at, ending, true);
        const trouble = await outcomeOf(attempt.act(dying));
        isAnswered = !repair();
        if (isAnswered) expect(trouble).toBeUndefined();
        else expect(trouble).toSatisfy(isStoreUnavailable);
        // The end of a process closes its files, which undoes what was not committed.
        await dying.close();
        const next = await openSqliteStore(path);
        if (isAnswered) expect(await attempt.isDone(next)).toBe(true);
        await expectWhole(next, attempt);
        await next.close();
      }
    },
  );

  it.each(CASES)(
    "that sees one fault in $operation.title, at each statement that $ending, goes on working",
    async ({ operation, ending }) => {
      const store = await openSqliteStore(path);
      let isAnswered = false;
      // A BEGIN that reports a failure has not begun anything, so the first statement has no answer to lose.
      for (let at = ending === "is not sent" ? 1 : 2; !isAnswered; at++) {
        expect(at).toBeLessThan(STEPS_MAX);
        const attempt = await operation.arrange({ sound: store, dieAfterWriting }, at);
        failAtStep(at, ending, false);
        const trouble = await outcomeOf(attempt.act(store));
        isAnswered = !repair();
        if (!isAnswered) expect(trouble).toSatisfy(isStoreUnavailable);
        await expectWhole(store, attempt);
        await insertKeys(store, keyAt(1_000 + at));
      }
      await store.close();
    },
  );
});

describe("the count of a quota on SQLite", () => {
  const COUNT = { keyId: keyAt(1).keyId, period: { id: "2030-01" } };
  const grantedOf = async (store: Store) =>
    (await store.quotas.grant(COUNT, { leaseId: "probe", size: 1 }, 0)).granted;

  /** Opens a store in which each step of the call in turn is the last one of its process. */
  async function dieIn(
    call: (store: Store) => Promise<unknown>,
    check: (store: Store, isAnswered: boolean) => Promise<void>,
  ): Promise<void> {
    let isAnswered = false;
    for (let at = 1; !isAnswered; at++) {
      expect(at).toBeLessThan(STEPS_MAX);
      const dying = await openSqliteStore(path);
      await dying.quotas.remove(COUNT.keyId);
      await dying.quotas.grant(COUNT, { leaseId: "a", size: 5 }, 10);
      failAtStep(at, "is not sent", true);
      await outcomeOf(call(dying));
      isAnswered = !repair();
      await dying.close();
      const next = await openSqliteStore(path);
      await check(next, isAnswered);
      await next.close();
    }
  }

  it("has what is granted and its lease, or neither, at whichever statement a process dies", async () => {
    await dieIn(
      (store) => store.quotas.grant(COUNT, { leaseId: "b", size: 4 }, 10, "a"),
      async (store, isAnswered) => {
        expect(await grantedOf(store)).toBe(isAnswered ? 9 : 5);
        expect(await store.quotas.giveBack(COUNT, "b", 4)).toBe(isAnswered);
        expect(await store.quotas.giveBack(COUNT, "a", 5)).toBe(!isAnswered);
      },
    );
  });

  it("gets back what is given back once, at whichever statement it dies before it repeats it", async () => {
    await dieIn(
      (store) => store.quotas.giveBack(COUNT, "a", 3),
      async (store, isAnswered) => {
        expect(await store.quotas.giveBack(COUNT, "a", 3)).toBe(!isAnswered);
        expect(await grantedOf(store)).toBe(2);
      },
    );
  });
});

describe("a SQLite connection", () => {
  it("has a commit on the disk before it is answered: a write-ahead log, synchronous in full", async () => {
    const store = await openSqliteStore(path);
    expect(readPragma("journal_mode")).toBe("wal");
    // 2 is FULL. NORMAL would lose the last commits of a write-ahead log with the power.
    expect(readPragma("synchronous")).toBe(2);
    await store.close();
  });
});

describe("a SQLite connection that has emptied its log", () => {
  it("waits for other writers as long as before", async () => {
    const store = await openSqliteStore(path);
    await store.events.eraseUser("user-1");
    expect(readPragma("busy_timeout")).toBe(5_000);
    await store.close();
  });

  it("does so even when the log could not be emptied, and the erasure is told as not done", async () => {
    const store = await openSqliteStore(path);
    // The erasure, the shorter wait, the log.
    failAtStep(3, "is not sent", false);
    await expect(store.events.eraseUser("user-1")).rejects.toSatisfy(isStoreUnavailable);
    expect(repair()).toBe(true);
    expect(readPragma("busy_timeout")).toBe(5_000);
    expect(await store.events.eraseUser("user-1")).toBe(0);
    await store.close();
  });
});

describe("a SQLite file that another process writes", () => {
  it("answers unavailable to writes until the other one is done, and reads go on", async () => {
    const [store, other] = [await openSqliteStore(path), await openSqliteStore(path)];
    const key = keyAt(1);
    await insertKeys(store, key);
    const { next, event } = refreshOf(key);
    // The other one is held up in the midst of its transaction: its second statement never comes.
    failAtStep(2, "is not sent", true);
    await expect(other.keys.update(next, event)).rejects.toSatisfy(isStoreUnavailable);
    repair();
    await expect(store.keys.update(next, event)).rejects.toSatisfy(isStoreUnavailable);
    await expect(store.keys.insert(keyAt(2), creationOf(keyAt(2)))).rejects.toSatisfy(isStoreUnavailable);
    await expect(store.keys.confirm(key.keyId, 1)).rejects.toSatisfy(isStoreUnavailable);
    expect(await store.keys.read(key.keyId)).toEqual(key);
    await other.close();
    expect(await store.keys.update(next, event)).toBe("written");
    await store.close();
  });
});
