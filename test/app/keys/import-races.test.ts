// Covers imports that meet each other: the store decides every race, and what is told as being there is
// confirmed by a write.
import { expect, it, vi } from "vitest";
import { onEachStore } from "../backends.ts";
import {
  bcryptRecord,
  importAll,
  importOne,
  legacyKey,
  openImports,
  sha256Record,
  wordsOf,
} from "../imports.ts";
import { codeOf } from "../outcomes.ts";
import { feedOf } from "../world.ts";

onEachStore("Imports at once", (open) => {
  it("of the same records bring each key once, and all of them are told of it.", async () => {
    const { ports } = await openImports(open);
    const records = Array.from({ length: 20 }, (_, seed) => sha256Record(legacyKey(seed)));
    const runs = await Promise.all([0, 1, 2, 3].map(() => importAll(ports, records)));
    for (const [index] of records.entries()) {
      const words = runs.map((outcomes) => outcomes[index]?.kind).sort();
      expect(words).toEqual(["exists", "exists", "exists", "imported"]);
    }
    const counted = (await feedOf(ports)).map(({ count = 0 }) => count);
    expect(counted.length).toBeLessThanOrEqual(4);
    expect(counted.reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(20);
  });

  it("A race that is lost between the read and the write is looked at again.", async () => {
    const { ports, store } = await openImports(open);
    const [mine, theirs] = [bcryptRecord(legacyKey(1, 1)), bcryptRecord(legacyKey(2, 1))];
    const same = sha256Record(legacyKey(3));
    const insertBatch = store.keys.insertBatch.bind(store.keys);
    vi.spyOn(store.keys, "insertBatch").mockImplementationOnce(async (keys, event) => {
      await importAll(ports, [theirs, same]);
      return insertBatch(keys, event);
    });
    const outcomes = await importAll(ports, [mine, same, sha256Record(legacyKey(4))]);
    expect(wordsOf(outcomes)).toEqual(["IMPORT_CONFLICT", "exists", "imported"]);
    expect(wordsOf(await importAll(ports, [theirs, same]))).toEqual(["exists", "exists"]);
  });

  it("A place that stays out of reach is refused as contended, and spoils no other.", async () => {
    const { ports, store } = await openImports(open);
    const insertBatch = store.keys.insertBatch.bind(store.keys);
    const lost = await importAll(ports, [sha256Record(legacyKey(1))], { isDryRun: true });
    vi.spyOn(store.keys, "insertBatch").mockImplementation(async (keys, event) => {
      const isLost = (keyId: string) => lost.some((outcome) => "keyId" in outcome && outcome.keyId === keyId);
      const free = keys.filter(({ keyId }) => !isLost(keyId));
      if (free.length > 0) await insertBatch(free, event);
      return keys.map(({ keyId }) => !isLost(keyId));
    });
    const records = [1, 2].map((seed) => sha256Record(legacyKey(seed)));
    expect(wordsOf(await importAll(ports, records))).toEqual(["CONTENTION", "imported"]);
  });
});

onEachStore("What an import tells as being there", (open) => {
  it("is confirmed by a write, once a batch: it may have gone unanswered.", async () => {
    const { ports, store } = await openImports(open);
    const records = [1, 2, 3].map((seed) => sha256Record(legacyKey(seed)));
    const confirm = vi.spyOn(store.keys, "confirm");
    await importAll(ports, records);
    expect(confirm).not.toHaveBeenCalled();
    await importAll(ports, records);
    expect(confirm).toHaveBeenCalledTimes(1);
    expect(await confirm.mock.results[0]?.value).toBe(true);
  });

  it("is not told when it cannot be confirmed", async () => {
    const { ports, store } = await openImports(open);
    const record = sha256Record(legacyKey(1));
    await importOne(ports, record);
    const confirm = vi.spyOn(store.keys, "confirm").mockResolvedValueOnce(false);
    expect(wordsOf(await importAll(ports, [record]))).toEqual(["exists"]);
    expect(confirm).toHaveBeenCalledTimes(2);
    confirm.mockResolvedValue(false);
    expect(await codeOf(importAll(ports, [record]))).toBe("aborted CONTENTION");
  });
});
