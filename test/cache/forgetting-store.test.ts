// Covers cache/forgetting-store.ts: whatever changes a key or a principal is forgotten before its answer.
import { describe, expect, it } from "vitest";
import { type Changed, forgettingStore } from "../../src/cache/forgetting-store.ts";
import { storeUnavailable } from "../../src/store/errors.ts";
import type { Store } from "../../src/store/store.ts";
import { creationOf, firstRaiseOf, importOf, keyAt, refreshOf } from "../store/build.ts";
import { PART_METHODS } from "../store/contract/recorded-store.ts";

const KEY = keyAt(1);
const { keyId } = KEY;
const REFRESH = refreshOf(KEY);
const RAISE = firstRaiseOf();
const { principalId } = RAISE.next;
const MAC = { version: 1, value: "mac" };

/** A write, and what it must be forgotten of. */
type Row = readonly [name: string, call: (store: Store) => Promise<unknown>, changed: Changed];

const CHANGES: readonly Row[] = [
  ["keys.update", ({ keys }) => keys.update(REFRESH.next, REFRESH.event), { keyId }],
  ["keys.confirm", ({ keys }) => keys.confirm(keyId, 1), { keyId }],
  ["keys.replaceMac", ({ keys }) => keys.replaceMac(keyId, 1, undefined, MAC), { keyId }],
  ["keys.remove", ({ keys }) => keys.remove(keyId, 1), { keyId }],
  ["principals.write", ({ principals }) => principals.write(RAISE.next, RAISE.event), { principalId }],
  ["principals.confirm", ({ principals }) => principals.confirm(principalId, 1), { principalId }],
];

const OTHERS: readonly (readonly [name: string, call: (store: Store) => Promise<unknown>])[] = [
  ["keys.insert", ({ keys }) => keys.insert(KEY, creationOf(KEY))],
  ["keys.insertBatch", ({ keys }) => keys.insertBatch([KEY], importOf([KEY]))],
  ["keys.read", ({ keys }) => keys.read(keyId)],
  ["keys.list", ({ keys }) => keys.list({ types: ["user"], owner: {}, limit: 1 })],
  ["keys.readSlotHolder", ({ keys }) => keys.readSlotHolder("user", "slot")],
  ["keys.readRequest", ({ keys }) => keys.readRequest("request")],
  ["principals.read", ({ principals }) => principals.read([principalId])],
  ["principals.readMany", ({ principals }) => principals.readMany([principalId])],
  ["principals.listOfUser", ({ principals }) => principals.listOfUser("user-1", 1)],
];

/** A store whose every call is answered by hand; what happens is noted in order. */
function fresh() {
  const notes: (string | Changed)[] = [];
  const asked: unknown[] = [];
  const answer = Promise.withResolvers<unknown>();
  const forgotten = Promise.withResolvers<void>();
  const call =
    (name: string) =>
    (...values: unknown[]) => {
      notes.push(name);
      asked.push(values);
      return answer.promise;
    };
  const partOf = (part: string) => new Proxy({}, { get: (_, name) => call(`${part}.${String(name)}`) });
  const store = { keys: partOf("keys"), principals: partOf("principals") } as unknown as Store;
  const forgetting = forgettingStore(store, (changed) => {
    notes.push(changed);
    return forgotten.promise;
  });
  return { notes, asked, answer, forgotten, store, forgetting };
}

async function isPending(call: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setImmediate(() => resolve("pending")));
  return (await Promise.race([call.catch(() => {}), turn])) === "pending";
}

describe.each(CHANGES)("%s", (name, run, changed) => {
  it("is answered with what the store says, once it is forgotten, and not before", async () => {
    const { notes, answer, forgotten, forgetting } = fresh();
    const call = run(forgetting);
    expect(await isPending(call)).toBe(true);
    // What is read before the write has happened would be remembered again.
    expect(notes).toEqual([name]);
    answer.resolve("the answer");
    expect(await isPending(call)).toBe(true);
    expect(notes).toEqual([name, changed]);
    forgotten.resolve();
    expect(await call).toBe("the answer");
  });

  it("that rejects is forgotten before that is told: it may have happened", async () => {
    const { notes, answer, forgotten, forgetting } = fresh();
    const call = run(forgetting);
    const error = storeUnavailable(new Error("cut off"));
    answer.reject(error);
    expect(await isPending(call)).toBe(true);
    expect(notes).toEqual([name, changed]);
    forgotten.resolve();
    await expect(call).rejects.toBe(error);
  });

  it("hands on what it is asked", () => {
    const { asked, store, forgetting } = fresh();
    run(store);
    run(forgetting);
    expect(asked[1]).toEqual(asked[0]);
  });
});

it.each(OTHERS)("%s changes nothing that is remembered", async (name, run) => {
  const { notes, answer, forgetting } = fresh();
  const call = run(forgetting);
  answer.resolve("the answer");
  expect(await call).toBe("the answer");
  expect(notes).toEqual([name]);
});

it("A write that throws before it rejects is forgotten, too", async () => {
  const notes: Changed[] = [];
  const throwing = {
    confirm() {
      throw new Error("thrown");
    },
  };
  const store = { keys: throwing, principals: throwing } as unknown as Store;
  const forgetting = forgettingStore(store, async (changed) => void notes.push(changed));
  await expect(forgetting.keys.confirm(keyId, 1)).rejects.toThrow("thrown");
  expect(notes).toEqual([{ keyId }]);
});

it("the tables have every method of keys and principals", () => {
  const methods = (["keys", "principals"] as const).flatMap((part) =>
    Object.keys(PART_METHODS[part]).map((name) => `${part}.${name}`),
  );
  expect([...CHANGES, ...OTHERS].map(([name]) => name).sort()).toEqual(methods.sort());
});
