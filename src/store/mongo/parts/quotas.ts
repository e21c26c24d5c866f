// Counts of quotas in MongoDB: a document for each key and period. Whatever changes one is a single write to
// it, guarded by what it holds.
import type { UpdateFilter } from "mongodb";
import { storeUnavailable } from "../../errors.ts";
import type { QuotaCount, QuotaLease, QuotaStore } from "../../store.ts";
import { answered, unlessTaken } from "../answered.ts";
import type { ReadOptions } from "../read-options.ts";
import type { Collections, QuotaDocument } from "../schema.ts";

/** How often others may take and give back between a write that finds no room and a read that finds some. */
const ATTEMPTS_MAX = 64;

export class MongoQuotas implements QuotaStore {
  readonly #collection: Collections["quotas"];
  readonly #readOptions: ReadOptions;

  constructor(collections: Collections, readOptions: ReadOptions) {
    this.#collection = collections.quotas;
    this.#readOptions = readOptions;
  }

  async grant(
    count: QuotaCount,
    lease: QuotaLease,
    limit: number,
    finishedLeaseId?: string,
  ): Promise<{ readonly isGranted: boolean; readonly granted: number }> {
    return answered(async () => {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        const after = await this.#grant(count, lease, limit, finishedLeaseId);
        if (after !== undefined) return { isGranted: true, granted: after };
        // No room, or another node was faster with the first grant of all.
        const granted = await this.#readGranted(count);
        if (granted + lease.size > limit) return { isGranted: false, granted };
      }
      throw storeUnavailable(new Error("the count of a quota changes too fast"));
    });
  }

  async giveBack(count: QuotaCount, leaseId: string, unused: number): Promise<boolean> {
    const lease = leaseField(leaseId);
    return answered(async () => {
      const { matchedCount } = await this.#collection.updateOne(
        { _id: idOf(count), [lease]: { $gte: unused } },
        { $inc: { granted: -unused }, $unset: { [lease]: "" } },
      );
      return matchedCount === 1;
    });
  }

  async removeEnded(before: number, limit: number): Promise<number> {
    const isEnded = { endTime: { $lt: before } };
    return answered(async () => {
      const ended = await this.#collection.find(isEnded, { projection: { _id: 1 }, limit }).toArray();
      if (ended.length === 0) return 0;
      const ids = ended.map(({ _id }) => _id);
      return (await this.#collection.deleteMany({ _id: { $in: ids }, ...isEnded })).deletedCount;
    });
  }

  async remove(keyId: string): Promise<void> {
    await answered(() => this.#collection.deleteMany({ keyId }));
  }

  // How many are granted then; undefined: nothing was written. The guard is in the filter, so that two nodes
  // can not both find room for the last use.
  async #grant(
    count: QuotaCount,
    { leaseId, size }: QuotaLease,
    limit: number,
    finishedLeaseId: string | undefined,
  ): Promise<number | undefined> {
    if (size > limit) return undefined;
    const { keyId, period } = count;
    const change: UpdateFilter<QuotaDocument> = {
      $inc: { granted: size },
      ...(size > 1 ? { $set: { [leaseField(leaseId)]: size } } : {}),
      ...(finishedLeaseId === undefined ? {} : { $unset: { [leaseField(finishedLeaseId)]: "" } }),
      $setOnInsert: { keyId, endTime: period.endTime },
    };
    // A count without room does not fit the filter, and to make another one of its id is refused.
    const after = await unlessTaken(() =>
      this.#collection.findOneAndUpdate({ _id: idOf(count), granted: { $lte: limit - size } }, change, {
        upsert: true,
        returnDocument: "after",
        projection: { granted: 1 },
      }),
    );
    return after?.granted;
  }

  async #readGranted(count: QuotaCount): Promise<number> {
    const options = { ...this.#readOptions.exact, projection: { granted: 1 } };
    return (await this.#collection.findOne({ _id: idOf(count) }, options))?.granted ?? 0;
  }
}

function idOf({ keyId, period }: QuotaCount): string {
  return `${keyId}/${period.id}`;
}

function leaseField(leaseId: string): `leases.${string}` {
  // A dot or a dollar in it would name another field.
  if (!/^[0-9A-Za-z]+$/.test(leaseId)) throw new TypeError(`not a lease id: ${leaseId}`);
  return `leases.${leaseId}`;
}
