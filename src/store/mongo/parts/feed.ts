// The feed in MongoDB, as nodes follow it: `head`, and the documents of `events` without what they say beside
// who changed. It is given collections of a client of its own.
import type { Filter } from "mongodb";
import type { FeedEntry, FeedReader } from "../../store.ts";
import { answered } from "../answered.ts";
import type { ReadOptions } from "../read-options.ts";
import type { Collections, EventDocument } from "../schema.ts";

const PROJECTION = { keyId: 1, principalId: 1 } as const;

export class MongoFeed implements FeedReader {
  readonly #collections: Pick<Collections, "events" | "head">;
  readonly #readOptions: ReadOptions;

  constructor(collections: Pick<Collections, "events" | "head">, readOptions: ReadOptions) {
    this.#collections = collections;
    this.#readOptions = readOptions;
  }

  // Exact: a primary that was deposed must not tell its nodes that nothing has happened.
  async readHead(): Promise<number> {
    const { exact } = this.#readOptions;
    const head = await answered(() => this.#collections.head.findOne({ _id: "events" }, exact));
    return head?.number ?? 0;
  }

  async readAfter(after: number, limit: number): Promise<readonly FeedEntry[]> {
    return this.#read({ _id: { $gt: after } }, limit);
  }

  async readNumbers(numbers: readonly number[]): Promise<readonly FeedEntry[]> {
    return this.#read({ _id: { $in: [...numbers] } }, numbers.length);
  }

  #read(filter: Filter<EventDocument>, limit: number): Promise<readonly FeedEntry[]> {
    return answered(async () => {
      const options = { projection: PROJECTION, sort: { _id: 1 }, limit } as const;
      const documents = await this.#collections.events.find(filter, options).toArray();
      return documents.map(({ _id, ...changed }) => ({
        number: _id,
        ...(changed as Omit<FeedEntry, "number">),
      }));
    });
  }
}
