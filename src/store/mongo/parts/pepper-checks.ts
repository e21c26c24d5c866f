// Check values of pepper versions in MongoDB.
import type { PepperCheckStore } from "../../store.ts";
import { answered, inserted } from "../answered.ts";
import type { Collections } from "../schema.ts";

export class MongoPepperChecks implements PepperCheckStore {
  readonly #collection: Collections["pepperChecks"];

  constructor(collections: Collections) {
    this.#collection = collections.pepperChecks;
  }

  async read(): Promise<ReadonlyMap<number, string>> {
    const documents = await answered(() => this.#collection.find().toArray());
    return new Map(documents.map(({ _id, check }) => [_id, check]));
  }

  async insert(version: number, check: string): Promise<boolean> {
    return answered(() => inserted(() => this.#collection.insertOne({ _id: version, check })));
  }
}
