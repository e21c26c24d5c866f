// Puts many keys into a store by its own batches, and a caller of each kind beside them.
import { randomBytes } from "node:crypto";
import type { Pepper } from "../../../src/domain/api-key/digests.ts";
import { importEvent } from "../../../src/domain/audit/event.ts";
import { openStore, type StoreAddress } from "../../../src/store/open-store.ts";
import { callerRecord, userRecord } from "./make-keys.ts";

/**
 * Large for SQLite, which writes a batch as one transaction; MongoDB's store takes what an Import may send.
 */
const BATCH_KEYS = { sqlite: 20_000, mongodb: 1_000 };

/** The last is what the keys have: a caller gives away no more than it has. */
const WRITER_SCOPES = ["fleetkey:create", "fleetkey:refresh", "orders:read"];

export interface Contents {
  readonly apiKeys: readonly string[];
  /** May only verify. */
  readonly verifier: string;
  /** May create and refresh. */
  readonly writer: string;
  readonly pepper: Pepper;
  readonly createTime: number;
}

export async function fillStore(address: StoreAddress, contents: Contents): Promise<void> {
  const { apiKeys, pepper, createTime } = contents;
  const store = await openStore(address);
  try {
    const event = (count: number) => importEvent(count, { caller: "root" }, { now: createTime, randomBytes });
    const callers = [
      callerRecord(contents.verifier, ["fleetkey:verify"], pepper, createTime),
      callerRecord(contents.writer, WRITER_SCOPES, pepper, createTime),
    ];
    await store.keys.insertBatch(callers, event(callers.length));
    // In the order of their place in the table: written in any other order, a million takes many times as
    // long.
    const sorted = apiKeys.toSorted();
    const size = BATCH_KEYS[address.kind];
    for (let start = 0; start < sorted.length; start += size) {
      const records = sorted
        .slice(start, start + size)
        .map((apiKey, i) => userRecord(apiKey, start + i, pepper, createTime));
      const areWritten = await store.keys.insertBatch(records, event(records.length));
      if (areWritten.includes(false)) throw new Error("a key of the bench was there already");
    }
  } finally {
    await store.close();
  }
}
