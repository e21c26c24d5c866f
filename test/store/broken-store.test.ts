// The suite itself under test: it calls every method of a store, a sound store passes it, and each of the
// broken ones fails in the part that is about what it breaks.
import { describe, expect, it } from "vitest";
import { MEMORY_PATH, openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import type { Store } from "../../src/store/store.ts";
import { BREAKAGES } from "./broken-store.ts";
import { PART_METHODS, recordedStore, STORE_METHODS } from "./contract/recorded-store.ts";
import { CONTRACT, type ContractNoun, type OpenStore, runCase } from "./contract/suite.ts";

const NOUNS = Object.keys(CONTRACT) as ContractNoun[];

/** The title of the first case of this part that the store fails. */
async function firstFailure(noun: ContractNoun, openStore: OpenStore): Promise<string | undefined> {
  for (const each of CONTRACT[noun]) {
    try {
      await runCase(each, openStore);
    } catch {
      return each.title;
    }
  }
  return undefined;
}

describe("the contract suite", () => {
  it("passes a sound store and calls every one of its methods", async () => {
    const called = new Set<string>();
    const openStore = async () => recordedStore(await openSqliteStore(MEMORY_PATH), called);
    for (const noun of NOUNS) expect(await firstFailure(noun, openStore)).toBeUndefined();
    expect([...called].sort()).toEqual([...STORE_METHODS].sort());
  });

  it("knows all methods that a backend has", async () => {
    const store = await openSqliteStore(MEMORY_PATH);
    const parts = Object.keys(PART_METHODS) as (keyof typeof PART_METHODS)[];
    const found = parts.flatMap((part) => methodsOf(store[part]).map((method) => `${part}.${method}`));
    const own = Object.keys(store).filter((property) => typeof store[property as keyof Store] === "function");
    expect([...found, ...own].sort()).toEqual([...STORE_METHODS].sort());
    await store.close();
  });

  it.each(BREAKAGES)("fails in $noun when $title", async ({ noun, breakStore }) => {
    const failure = await firstFailure(noun, async () => breakStore(await openSqliteStore(MEMORY_PATH)));
    expect(failure).toBeDefined();
  });

  it("has no two cases of the same title", () => {
    const titles = NOUNS.flatMap((noun) => CONTRACT[noun].map(({ title }) => `${noun}: ${title}`));
    expect(new Set(titles).size).toBe(titles.length);
  });
});

function methodsOf(part: object): readonly string[] {
  return Object.getOwnPropertyNames(Object.getPrototypeOf(part)).filter((name) => name !== "constructor");
}
