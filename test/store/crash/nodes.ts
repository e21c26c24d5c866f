// Nodes on one MongoDB database, one of which dies or is held up on order, and what must be true of the feed
// whatever became of it.
import { expect } from "vitest";
import { isStoreUnavailable } from "../../../src/store/errors.ts";
import { mongoStoreOn } from "../../../src/store/mongo/mongo-store.ts";
import type { Store } from "../../../src/store/store.ts";
import type { TestDatabase } from "../../mongo-server.ts";
import { FAR_FUTURE } from "../build.ts";
import { expectAscending, readFeed } from "../contract/case.ts";
import { Fuse } from "./fuse.ts";
import { interceptedDb } from "./intercepted-db.ts";
import type { Attempt, WriteOperation } from "./write-operations.ts";

/** No write takes as many operations. */
export const OPERATIONS_MAX = 50;

/** Two sound nodes, and one with a fuse. */
export interface Nodes {
  readonly sound: Store;
  readonly other: Store;
  readonly fused: Store;
  readonly fuse: Fuse;
}

/** Nodes on the database, which is emptied. */
export async function openNodes(database: TestDatabase): Promise<Nodes> {
  await database.empty();
  const fuse = new Fuse();
  const open = (db = database.db) => mongoStoreOn(db, async () => {});
  const fused = await open(interceptedDb(database.db, fuse.intercept));
  return { sound: await open(), other: await open(), fused, fuse };
}

/** Makes the node with the fuse write, and die before it tells anybody. */
export async function dieAfterWriting(
  { fused, fuse }: Nodes,
  write: (store: Store) => Promise<unknown>,
): Promise<void> {
  // The first operation is the write, with its event in the document; the second one would draw a number.
  fuse.dieAt(2, "is not sent");
  await expect(write(fused)).rejects.toSatisfy(isStoreUnavailable);
  fuse.disarm();
}

export function arrange(nodes: Nodes, operation: WriteOperation, seed: number): Promise<Attempt> {
  return operation.arrange(
    { sound: nodes.sound, dieAfterWriting: (write) => dieAfterWriting(nodes, write) },
    seed,
  );
}

/** Two nodes relay all that waits, at once. */
export async function sweepTwice({ sound, other }: Nodes): Promise<void> {
  await Promise.all([sound.events.relayPending(FAR_FUTURE), other.events.relayPending(FAR_FUTURE)]);
}

/** The ids of the record's events, by number. */
export async function feedIds(store: Store, { filter }: Attempt): Promise<readonly string[]> {
  return (await readFeed(store, filter)).map(({ eventId }) => eventId);
}

/** The ids of the events of all that happened to the record, in its order. */
export async function happenedIds(
  store: Store,
  { isDone, earlier, own }: Attempt,
): Promise<readonly string[]> {
  const events = (await isDone(store)) && own !== undefined ? [...earlier, own] : earlier;
  return events.map(({ eventId }) => eventId);
}

export async function expectNothingWaits(database: TestDatabase, store: Store): Promise<void> {
  for (const collection of await database.db.collections()) {
    expect(await collection.countDocuments({ "outbox.0": { $exists: true } })).toBe(0);
  }
  expect(await store.events.relayPending(FAR_FUTURE)).toBe(0);
  expectAscending(await readFeed(store));
}

/** Nobody died: every number that was drawn has an event or was filled, so that no reader waits for it. */
export async function expectNoGap({ db }: TestDatabase): Promise<void> {
  const events = await db
    .collection<{ _id: number }>("events")
    .find({}, { sort: { _id: 1 }, projection: { _id: 1 } })
    .toArray();
  const head = await db.collection("head").findOne({});
  expect(events.map(({ _id }) => _id)).toEqual(Array.from({ length: head?.number }, (_, index) => index + 1));
}
