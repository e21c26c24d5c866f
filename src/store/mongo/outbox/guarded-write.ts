// The one shape of every change: a single update guarded by `{_id, revision}` that also pushes the event,
// followed by the relay of all that is waiting in the document. Keys and principals write through it;
// batch-insert.ts makes many new documents of its steps.
import type { Collection, Filter, UpdateFilter } from "mongodb";
import { type Event, isRevocation } from "../../../domain/audit/event.ts";
import type { WriteOutcome } from "../../store.ts";
import { inserted, isDriverTrouble, refused } from "../answered.ts";
import type { OutboxDocument } from "../schema.ts";
import type { Outbox, OutboxCollection } from "./outbox.ts";

/** How many events may wait in one document. Past it changes are refused, revocations are not. */
export const OUTBOX_EVENTS_MAX = 16;
/** How many are kept at most. Past it the oldest go, all of them of revocations that were never answered. */
export const OUTBOX_EVENTS_KEPT_MAX = 64;

/** A document that is not there yet. */
export interface NewDocument<Document extends OutboxDocument> {
  readonly id: string;
  readonly revision: number;
  readonly fields: Omit<Document, keyof OutboxDocument>;
}

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
  async insert(document: NewDocument<Document>, event: Event): Promise<boolean> {
    if (!(await this.insertWaiting(document, event))) return false;
    await this.relay(document, event);
    return true;
  }

  /** The first step of an insert: the event is in the outbox, where any node's sweeper finds it. */
  insertWaiting(document: NewDocument<Document>, event: Event): Promise<boolean> {
    return inserted(() => this.#collection.insertOne(wholeOf(document, [event])));
  }

  /** The second step. */
  relay({ id }: NewDocument<Document>, event: Event): Promise<void> {
    return this.#outbox.relay(this.#collection, id, [event]);
  }

  /** Writes new documents whose event another one carries. Gives those whose id was free. */
  async insertMany(documents: readonly NewDocument<Document>[]): Promise<readonly NewDocument<Document>[]> {
    const taken = await refused(() =>
      // Unordered, so that a taken id holds up none of the others.
      this.#collection.insertMany(
        documents.map((document) => wholeOf(document, [])),
        { ordered: false },
      ),
    );
    return documents.filter((_, index) => !taken.has(index));
  }

  /** Removes a document at this revision in which no event waits. */
  async remove(id: string, revision: number): Promise<boolean> {
    const filter = { _id: id, revision, "outbox.0": { $exists: false } };
    const { deletedCount } = await this.#collection.deleteOne(filter as Filter<OutboxDocument>);
    return deletedCount === 1;
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

function wholeOf<Document extends OutboxDocument>(
  { id, revision, fields }: NewDocument<Document>,
  outbox: readonly Event[],
): OutboxDocument {
  return { _id: id, revision, confirmations: 0, outbox, ...fields };
}
