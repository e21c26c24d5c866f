// Events in MongoDB: the feed, one document each, `_id` being the number; outbox.ts brings them here.
import type { Filter } from "mongodb";
import type { Event, NumberedEvent } from "../../../domain/audit/event.ts";
import { OWNER_FIELDS } from "../../../domain/principal.ts";
import type { EventQuery, EventStore } from "../../store.ts";
import { answered } from "../answered.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { ReadOptions } from "../read-options.ts";
import type { Collections, EventDocument } from "../schema.ts";

/** How many events one write erases, so that each is answered in time. */
const ERASED_MAX = 1_000;
const ERASURE = { $unset: { "owner.userId": "", address: "", reason: "", url: "", changes: "" } } as const;

export class MongoEvents implements EventStore {
  readonly #collection: Collections["events"];
  readonly #outbox: Outbox;
  readonly #readOptions: ReadOptions;

  constructor(collections: Collections, outbox: Outbox, readOptions: ReadOptions) {
    this.#collection = collections.events;
    this.#outbox = outbox;
    this.#readOptions = readOptions;
  }

  async list(query: EventQuery): Promise<readonly NumberedEvent[]> {
    const filter: Record<string, unknown> = {
      _id: { $gt: query.after },
      kind: query.kind ?? { $ne: "void" },
    };
    if (query.keyId !== undefined) filter["keyId"] = query.keyId;
    if (query.caller !== undefined) filter["caller"] = query.caller;
    for (const field of OWNER_FIELDS) {
      if (query.owner[field]) filter[`owner.${field}`] = query.owner[field];
    }
    if (query.startTime !== undefined || query.endTime !== undefined) {
      filter["time"] = {
        ...(query.startTime === undefined ? {} : { $gte: query.startTime }),
        ...(query.endTime === undefined ? {} : { $lt: query.endTime }),
      };
    }
    return answered(async () => {
      const documents = await this.#collection
        .find(filter as Filter<EventDocument>, { sort: { _id: 1 }, limit: query.limit })
        .toArray();
      return documents.map(({ _id, ...event }) => ({ number: _id, ...(event as Event) }));
    });
  }

  async relayPending(before: number): Promise<number> {
    return answered(() => this.#outbox.sweep(before));
  }

  async eraseUser(userId: string): Promise<number> {
    const ofUser = { "owner.userId": userId } as Filter<EventDocument>;
    return answered(async () => {
      let erased = 0;
      for (;;) {
        const options = { projection: { _id: 1 }, limit: ERASED_MAX };
        const found = await this.#collection.find(ofUser, options).toArray();
        const isLast = found.length < ERASED_MAX;
        // The last write is of whatever carries the user: what a read finds can be less than there is.
        const filter = isLast ? ofUser : { _id: { $in: found.map(({ _id }) => _id) } };
        const { modifiedCount } = await this.#collection.updateMany(filter, ERASURE);
        erased += modifiedCount;
        if (isLast) return erased;
      }
    });
  }

  async removeOld(before: number, limit: number): Promise<number> {
    const { committed } = this.#readOptions;
    return answered(async () => {
      // The fillings of numbers are no events: without one before them they would be the end of nothing.
      const newest = await this.#collection.findOne(
        { kind: { $ne: "void" } },
        { ...committed, sort: { _id: -1 }, projection: { _id: 1 } },
      );
      if (newest === null) return 0;
      const options = { ...committed, sort: { _id: 1 }, projection: { time: 1 }, limit } as const;
      const oldest = await this.#collection.find({ _id: { $lt: newest._id } }, options).toArray();
      const end = oldest.findIndex(({ time }) => time !== undefined && time >= before);
      const old = end === -1 ? oldest : oldest.slice(0, end);
      if (old.length === 0) return 0;
      const { deletedCount } = await this.#collection.deleteMany({ _id: { $in: old.map(({ _id }) => _id) } });
      return deletedCount;
    });
  }
}
