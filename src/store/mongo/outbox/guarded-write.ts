// The one shape of every change: a single update guarded by `{_id, revision}` that also pushes the event,
// followed by the relay of all that is waiting in the document. Keys and principals write through it.
import type { Collection, Filter, UpdateFilter } from "mongodb";
import { type Event, isRevocation } from "../../../domain/audit/event.ts";
import type { WriteOutcome } from "../../store.ts";
import { inserted, isDriverTrouble } from "../answered.ts";
import type { OutboxDocument } from "../schema.ts";
import type { Outbox, OutboxCollection } from "./outbox.ts";

/** How many events may wait in one document. Past it changes are refused, revocations are not. */
export const OUTBOX_EVENTS_MAX = 16;
/** How many are kept at most. Past it the oldest go, all of them of revocations that were never answered. */
export const OUTBOX_EVENTS_KEPT_MAX = 64;

/** Writes documents of one collection through their outbox. */
export class GuardedWrite<Document extends OutboxDocument> {
  readonly #collection: OutboxCollection;
  readonly #outbox: Outbox;

  constructor(collection: Collection<Document>, outbox: Outbox) {
    // Only the shared fields are written by name here; `fields` below carries the rest.
    this.#collection = collection as unknown as OutboxCollection;
    this.#outbox = outbox;
  }

  /** Writes a new document with its event. False: the id is taken. */
  async insert(
    id: string,
    revision: number,
    fields: Omit<Document, keyof OutboxDocument>,
    event: Event,
  ): Promise<boolean> {
    const document = { _id: id, revision, confirmations: 0, outbox: [event], ...fields };
    if (!(await inserted(() => this.#collection.insertOne(document)))) return false;
    await this.#outbox.relay(this.#collection, id, [event]);
    return true;
  }

  /** Brings the document from `revision - 1` to `revision`. */
  async update(
    id: string,
    revision: number,
    fields: Omit<Document, keyof OutboxDocument>,
    event: Event,
  ): Promise<WriteOutcome> {
    const guard = { _id: id, revision: revision - 1 };
    const room = isRevocation(event) ? {} : { [`outbox.${OUTBOX_EVENTS_MAX - 1}`]: { $exists: false } };
    const change = {
      $set: { revision, ...fields },
      $push: { outbox: { $each: [event], $slice: -OUTBOX_EVENTS_KEPT_MAX } },
    };
    if (await this.#write({ ...guard, ...room }, change)) return "written";
    // Either another writer was faster, or the outbox is full and can perhaps be emptied.
    if (!(await this.#emptyOutbox(id, guard))) return "conflict";
    if (await this.#write({ ...guard, ...room }, change)) return "written";
    return (await this.#outbox.pending(this.#collection, guard)) === null ? "conflict" : "backlog";
  }

  /** A write without a change: majority-durable like one, and nothing is left waiting afterwards. */
  async confirm(id: string, revision: number): Promise<boolean> {
    return this.#write({ _id: id, revision }, { $inc: { confirmations: 1 } });
  }

  // False: the document is not at the guard's revision. A feed that takes nothing leaves the outbox as it is.
  async #emptyOutbox(id: string, guard: Filter<OutboxDocument>): Promise<boolean> {
    const pending = await this.#outbox.pending(this.#collection, guard);
    if (pending === null) return false;
    try {
      await this.#outbox.relay(this.#collection, id, pending);
    } catch (error) {
      if (!isDriverTrouble(error)) throw error;
    }
    return true;
  }

  async #write(filter: Filter<OutboxDocument>, change: UpdateFilter<OutboxDocument>): Promise<boolean> {
    const written = await this.#collection.findOneAndUpdate(filter, change, {
      projection: { outbox: 1 },
      returnDocument: "after",
    });
    if (written === null) return false;
    await this.#outbox.relay(this.#collection, written._id, written.outbox);
    return true;
  }
}
