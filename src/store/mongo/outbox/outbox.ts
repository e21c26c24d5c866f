// From a document's outbox into the feed. A change and its event are one atomic write to one document;
// afterwards the event gets a number and its place in `events`, and leaves the outbox. Each step can be the
// last one of a process, and any node can take up the rest: the event's id makes a second relay harmless.
import type { Collection, Filter } from "mongodb";
import type { Event } from "../../../domain/audit/event.ts";
import { inserted } from "../answered.ts";
import type { ReadOptions } from "../read-options.ts";
import type { Collections, OutboxDocument } from "../schema.ts";

/** How many documents one sweep takes up in each collection. */
const SWEEP_DOCUMENTS_MAX = 100;

/** Any collection of documents with an outbox; what else they hold does not matter here. */
export type OutboxCollection = Collection<OutboxDocument>;

export class Outbox {
  readonly #collections: Collections;
  readonly #readOptions: ReadOptions;

  constructor(collections: Collections, readOptions: ReadOptions) {
    this.#collections = collections;
    this.#readOptions = readOptions;
  }

  /** The events that are waiting in a document, if it is there and fits the filter. */
  async pending(
    collection: OutboxCollection,
    filter: Filter<OutboxDocument>,
  ): Promise<readonly Event[] | null> {
    const options = { ...this.#readOptions.committed, projection: { outbox: 1 } };
    const document = await collection.findOne(filter, options);
    return document === null ? null : document.outbox;
  }

  /** Relays the events in order, so that the numbers of one document ascend with its changes. */
  async relay(collection: OutboxCollection, id: string, pending: readonly Event[]): Promise<void> {
    for (const event of pending) {
      await this.#record(event);
      const { eventId } = event;
      await collection.updateOne({ _id: id }, { $pull: { outbox: { eventId } } });
    }
  }

  /** Relays what was written before this time and is still waiting. Returns how many documents had some. */
  async sweep(before: number): Promise<number> {
    const { keys, principals } = this.#collections;
    let relayed = 0;
    let trouble: unknown;
    for (const collection of [...Object.values(keys), principals] as unknown as readonly OutboxCollection[]) {
      for (const { _id, outbox } of await this.#waiting(collection, before)) {
        try {
          await this.relay(collection, _id, outbox);
          relayed += 1;
        } catch (error) {
          // One that cannot be relayed must not hold up the others; it is told when all had their turn.
          trouble ??= error;
        }
      }
    }
    if (trouble !== undefined) throw trouble;
    return relayed;
  }

  // A young event is still in the hands of its writer; relaying it too would only waste a number.
  async #waiting(collection: OutboxCollection, before: number): Promise<readonly OutboxDocument[]> {
    const filter = { "outbox.0": { $exists: true }, "outbox.0.time": { $lt: before } };
    const options = { ...this.#readOptions.committed, projection: { outbox: 1 }, limit: SWEEP_DOCUMENTS_MAX };
    return collection.find(filter as Filter<OutboxDocument>, options).toArray();
  }

  async #record(event: Event): Promise<void> {
    const { events } = this.#collections;
    for (;;) {
      const number = await this.#drawNumber();
      if (await inserted(() => events.insertOne({ _id: number, ...event }))) return;
      // Taken from a primary that was deposed, this could be an event that a failover takes back: it would
      // then leave the outbox without being in the feed.
      const recorded = await events.findOne({ eventId: event.eventId }, this.#readOptions.exact);
      if (recorded === null) continue;
      // Another node was faster. Its number stands; this one is filled, so that no reader waits for it.
      if (recorded._id !== number) {
        await inserted(() => events.insertOne({ _id: number, eventId: `void_${number}`, kind: "void" }));
      }
      return;
    }
  }

  async #drawNumber(): Promise<number> {
    const head = await this.#collections.head.findOneAndUpdate(
      { _id: "events" },
      { $inc: { number: 1 } },
      { upsert: true, returnDocument: "after" },
    );
    if (head === null) throw new Error("an upsert that returns the document returned none");
    return head.number;
  }
}
