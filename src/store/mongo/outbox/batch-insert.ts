// Many new documents and one event. The event is in the outbox of the first document that gets in, so that
// whatever becomes of the writer, no document is there without the event being in the feed or waiting for it.
import type { Event } from "../../../domain/audit/event.ts";
import type { OutboxDocument } from "../schema.ts";
import type { GuardedWrite, NewDocument } from "./guarded-write.ts";

/** A new document and the collection it goes into. */
export interface BatchEntry<Document extends OutboxDocument> {
  readonly write: GuardedWrite<Document>;
  readonly document: NewDocument<Document>;
}

/** True for each whose id was free, in order. When none was, the event is not written. */
export async function insertBatch<Document extends OutboxDocument>(
  entries: readonly BatchEntry<Document>[],
  event: Event,
): Promise<readonly boolean[]> {
  const carrier = await insertCarrier(entries, event);
  if (carrier === undefined) return entries.map(() => false);
  const rest = entries.slice(entries.indexOf(carrier) + 1);
  const written = new Set([carrier.document]);
  for (const [write, some] of Map.groupBy(rest, (entry) => entry.write)) {
    for (const document of await write.insertMany(some.map((entry) => entry.document))) written.add(document);
  }
  await carrier.write.relay(carrier.document, event);
  return entries.map(({ document }) => written.has(document));
}

// One by one, since only a document that was written can hold the event.
async function insertCarrier<Document extends OutboxDocument>(
  entries: readonly BatchEntry<Document>[],
  event: Event,
): Promise<BatchEntry<Document> | undefined> {
  for (const entry of entries) {
    if (await entry.write.insertWaiting(entry.document, event)) return entry;
  }
  return undefined;
}
