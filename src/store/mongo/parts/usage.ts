// When and how often keys were used, in MongoDB: a document each, from the first use on.
import type { AnyBulkWriteOperation, BulkWriteOptions } from "mongodb";
import { isErasedUse, type KeyUse, type LastUse, USE_COUNT_MAX } from "../../../domain/usage.ts";
import type { UsageStore } from "../../store.ts";
import { answered, refused } from "../answered.ts";
import type { Collections, UsageDocument } from "../schema.ts";

/** How many uses one write holds, so that each is answered in time. */
const WRITTEN_MAX = 500;
/** A use can be forgotten, so no majority is waited for. */
const FORGETTABLE: BulkWriteOptions = { writeConcern: { w: 1 } };

export class MongoUsage implements UsageStore {
  readonly #collection: Collections["usage"];

  constructor(collections: Collections) {
    this.#collection = collections.usage;
  }

  async add(uses: readonly KeyUse[]): Promise<void> {
    // The mark of an erasure cannot: without it an address would be there again.
    const options = uses.some(isErasedUse) ? {} : FORGETTABLE;
    return answered(async () => {
      for (let start = 0; start < uses.length; start += WRITTEN_MAX) {
        await this.#write(uses.slice(start, start + WRITTEN_MAX).flatMap(operationsOf), options);
      }
    });
  }

  async readMany(keyIds: readonly string[]): Promise<ReadonlyMap<string, LastUse>> {
    const documents = await answered(() => this.#collection.find({ _id: { $in: [...keyIds] } }).toArray());
    return new Map(
      documents.map(({ _id, count, ...use }) => [_id, { ...use, count: Math.min(count, USE_COUNT_MAX) }]),
    );
  }

  async remove(keyId: string): Promise<void> {
    await answered(() => this.#collection.deleteOne({ _id: keyId }));
  }

  // A first use is refused when another node's was faster. It is written again then, with all behind it.
  async #write(
    operations: readonly AnyBulkWriteOperation<UsageDocument>[],
    options: BulkWriteOptions,
  ): Promise<void> {
    let left = operations;
    while (left.length > 0) {
      const [stop] = await refused(() => this.#collection.bulkWrite(left, { ...options, ordered: true }));
      if (stop === undefined) return;
      left = left.slice(stop);
    }
  }
}

// In this order: the second one finds the document there.
function operationsOf({ keyId, count, ...told }: KeyUse): readonly AnyBulkWriteOperation<UsageDocument>[] {
  const first = { $inc: { count }, $setOnInsert: told };
  return [
    { updateOne: { filter: { _id: keyId }, update: first, upsert: true } },
    { updateOne: { filter: { _id: keyId, time: { $lt: told.time } }, update: { $set: told } } },
  ];
}
