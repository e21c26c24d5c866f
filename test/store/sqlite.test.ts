// The contract on SQLite: in memory, and by two handles on one file, as two processes would have it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { MEMORY_PATH, openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import type { Store } from "../../src/store/store.ts";
import { spreadStore } from "./contract/spread-store.ts";
import { describeContract, describeNoun, SPREAD_NOUNS } from "./contract/suite.ts";

async function openTwice(): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), "fleetkey-test-"));
  const path = join(folder, "fleetkey.db");
  const store = spreadStore([await openSqliteStore(path), await openSqliteStore(path)]);
  const close = async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  };
  return { ...store, close };
}

describe("SQLite in memory", () => {
  describeContract(() => openSqliteStore(MEMORY_PATH));
});

describe("SQLite, two handles on one file", () => {
  for (const noun of SPREAD_NOUNS) describeNoun(noun, openTwice);
});
