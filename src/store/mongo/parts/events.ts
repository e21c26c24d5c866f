// Events in MongoDB: the feed, one document each, `_id` being the number; outbox.ts brings them here.
import type { Filter } from "mongodb";
import type { Event, NumberedEvent } from "../../../domain/audit/event.ts";
import { OWNER_FIELDS } from "../../../domain/principal.ts";
import type { EventQuery, EventStore } from "../../store.ts";
import { answered } from "../answered.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { Collections, EventDocument } from "../schema.ts";

export class MongoEvents implements EventStore {
  readonly #collection: Collections["events"];
  readonly #outbox: Outbox;

  constructor(collections: Collections, outbox: Outbox) {
    this.#collection = collections.events;
    this.#outbox = outbox;
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
}
