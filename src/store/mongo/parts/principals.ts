// Principals in MongoDB: one document each, from its first raise on.
import type { Event } from "../../../domain/audit/event.ts";
import type { PrincipalRecord, Principals } from "../../../domain/principal.ts";
import type { PrincipalStore, WriteOutcome } from "../../store.ts";
import { answered } from "../answered.ts";
import { GuardedWrite } from "../outbox/guarded-write.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { ReadOptions } from "../read-options.ts";
import type { Collections, PrincipalDocument } from "../schema.ts";

export class MongoPrincipals implements PrincipalStore {
  readonly #collection: Collections["principals"];
  readonly #write: GuardedWrite<PrincipalDocument>;
  readonly #readOptions: ReadOptions;

  constructor(collections: Collections, outbox: Outbox, readOptions: ReadOptions) {
    this.#collection = collections.principals;
    this.#write = new GuardedWrite(collections.principals, outbox);
    this.#readOptions = readOptions;
  }

  async read(principalIds: readonly string[]): Promise<Principals> {
    return answered(async () => {
      const { exact } = this.#readOptions;
      // One read each: a linearizable read is of a single document.
      const found = await Promise.all(principalIds.map((_id) => this.#collection.findOne({ _id }, exact)));
      return byId(found.filter((document) => document !== null));
    });
  }

  async readMany(principalIds: readonly string[]): Promise<Principals> {
    return answered(async () =>
      byId(await this.#collection.find({ _id: { $in: [...principalIds] } }).toArray()),
    );
  }

  async listOfUser(userId: string, limit: number): Promise<readonly PrincipalRecord[]> {
    return answered(async () => {
      const filter = { "principal.owner.userId": userId };
      const documents = await this.#collection.find(filter, { limit }).toArray();
      return documents.map(({ principal }) => principal);
    });
  }

  async write(next: PrincipalRecord, event: Event): Promise<WriteOutcome> {
    const { principalId, revision } = next;
    return answered(async () => {
      if (revision > 1) return this.#write.update(principalId, revision, { principal: next }, event);
      return (await this.#write.insert({ id: principalId, revision, fields: { principal: next } }, event))
        ? "written"
        : "conflict";
    });
  }

  async confirm(principalId: string, revision: number): Promise<boolean> {
    return answered(() => this.#write.confirm(principalId, revision));
  }
}

function byId(documents: readonly PrincipalDocument[]): Principals {
  return new Map<string, PrincipalRecord>(documents.map(({ _id, principal }) => [_id, principal]));
}
