// Covers an import of many records, batch after batch: each is there once, running it again finds all of
// them, and a dry run before and after tells the truth.
import { expect, it } from "vitest";
import { IMPORT_BATCH_MAX } from "../../../src/app/keys/import-keys.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { countOf } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { importAll, legacyKey, openImports, sha256Record, wordsOf } from "../imports.ts";
import { feedOf, verdictOf } from "../world.ts";

const RECORDS = countOf(5_000, 100_000);
const WRONG_INDEX = 999;
/** Four passes, on a server that others may use at the same time. */
const TIMEOUT_MS = countOf(120_000, 1_200_000);
const BATCHES = RECORDS / IMPORT_BATCH_MAX;

/** Imports them all; one of each batch is wrong. Gives how often each word came. */
async function importMany(ports: AppPorts, isDryRun = false): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (let batch = 0; batch < BATCHES; batch++) {
    const records = Array.from({ length: IMPORT_BATCH_MAX }, (_, index) => {
      const seed = batch * IMPORT_BATCH_MAX + index;
      return sha256Record(legacyKey(seed), { userId: index === WRONG_INDEX ? "" : `user-${seed % 1_000}` });
    });
    for (const word of wordsOf(await importAll(ports, records, { isDryRun }))) {
      counts[word] = (counts[word] ?? 0) + 1;
    }
  }
  return counts;
}

onEachStore(`${RECORDS} records in batches of ${IMPORT_BATCH_MAX}`, (open) => {
  it("are imported, found again, and work", { timeout: TIMEOUT_MS }, async () => {
    const { ports } = await openImports(open);
    const good = RECORDS - BATCHES;
    expect(await importMany(ports, true)).toEqual({ imported: good, INVALID_ARGUMENT: BATCHES });
    expect(await feedOf(ports)).toEqual([]);
    expect(await importMany(ports)).toEqual({ imported: good, INVALID_ARGUMENT: BATCHES });
    expect(await importMany(ports)).toEqual({ exists: good, INVALID_ARGUMENT: BATCHES });
    expect(await importMany(ports, true)).toEqual({ exists: good, INVALID_ARGUMENT: BATCHES });
    const events = await feedOf(ports);
    expect(events.map(({ count }) => count)).toEqual(
      Array.from({ length: BATCHES }, () => IMPORT_BATCH_MAX - 1),
    );
    for (let seed = 0; seed < RECORDS; seed += RECORDS / 100) {
      expect(await verdictOf(ports, legacyKey(seed))).toBe("valid");
    }
    expect(await verdictOf(ports, legacyKey(WRONG_INDEX))).toBe("unknown");
  });
});
