// Keys in MongoDB: one collection per key type, found and guarded by `_id` (the key_id).
import type { Filter } from "mongodb";
import type { Mac } from "../../../domain/api-key/digests.ts";
import { keyTypeOf } from "../../../domain/api-key/key-id.ts";
import type { Event } from "../../../domain/audit/event.ts";
import type { KeyRecord } from "../../../domain/key.ts";
import { KEY_TYPES, type KeyType } from "../../../domain/key-type.ts";
import { OWNER_FIELDS } from "../../../domain/principal.ts";
import { mergeKeys } from "../../merge-keys.ts";
import type { KeyQuery, KeyStore, WriteOutcome } from "../../store.ts";
import { answered } from "../answered.ts";
import { insertBatch } from "../outbox/batch-insert.ts";
import { GuardedWrite, type NewDocument } from "../outbox/guarded-write.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { ReadOptions } from "../read-options.ts";
import type { Collections, KeyDocument } from "../schema.ts";

export class MongoKeys implements KeyStore {
  readonly #collections: Collections["keys"];
  readonly #writes: ReadonlyMap<KeyType, GuardedWrite<KeyDocument>>;
  readonly #readOptions: ReadOptions;

  constructor(collections: Collections, outbox: Outbox, readOptions: ReadOptions) {
    this.#collections = collections.keys;
    this.#writes = new Map(KEY_TYPES.map((type) => [type, new GuardedWrite(collections.keys[type], outbox)]));
    this.#readOptions = readOptions;
  }

  async insert(key: KeyRecord, event: Event): Promise<boolean> {
    return answered(() => this.#write(key.type).insert(newDocument(key), event));
  }

  async insertBatch(keys: readonly KeyRecord[], event: Event): Promise<readonly boolean[]> {
    const entries = keys.map((key) => ({ write: this.#write(key.type), document: newDocument(key) }));
    return answered(() => insertBatch(entries, event));
  }

  async read(keyId: string): Promise<KeyRecord | undefined> {
    const type = keyTypeOf(keyId);
    if (type === undefined) return undefined;
    const { exact } = this.#readOptions;
    return answered(async () => (await this.#collections[type].findOne({ _id: keyId }, exact))?.key);
  }

  async update(next: KeyRecord, event: Event): Promise<WriteOutcome> {
    return answered(() => this.#write(next.type).update(next.keyId, next.revision, { key: next }, event));
  }

  async confirm(keyId: string, revision: number): Promise<boolean> {
    const type = keyTypeOf(keyId);
    return type === undefined ? false : answered(() => this.#write(type).confirm(keyId, revision));
  }

  async replaceMac(keyId: string, generation: number, from: Mac | undefined, to: Mac): Promise<boolean> {
    const type = keyTypeOf(keyId);
    if (type === undefined) return false;
    const mac =
      from === undefined
        ? { mac: { $exists: false } }
        : { "mac.version": from.version, "mac.value": from.value };
    const holdsFrom = { number: generation, ...mac };
    return answered(async () => {
      const { matchedCount } = await this.#collections[type].updateOne(
        { _id: keyId, "key.generations": { $elemMatch: holdsFrom } },
        { $set: { "key.generations.$.mac": to } },
      );
      return matchedCount === 1;
    });
  }

  async remove(keyId: string, revision: number): Promise<boolean> {
    const type = keyTypeOf(keyId);
    return type === undefined ? false : answered(() => this.#write(type).remove(keyId, revision));
  }

  async list(query: KeyQuery): Promise<readonly KeyRecord[]> {
    return answered(async () => {
      const lists = await Promise.all(query.types.map((type) => this.#listType(type, query)));
      return mergeKeys(lists, query.limit);
    });
  }

  async readSlotHolder(type: KeyType, slotId: string): Promise<KeyRecord | undefined> {
    return this.#findOne(type, { "key.slot.id": slotId });
  }

  async readRequest(requestKey: string): Promise<KeyRecord | undefined> {
    const found = await Promise.all(
      KEY_TYPES.map((type) => this.#findOne(type, { "key.request.key": requestKey })),
    );
    return found.find((key) => key !== undefined);
  }

  #write(type: KeyType): GuardedWrite<KeyDocument> {
    const write = this.#writes.get(type);
    if (write === undefined) throw new TypeError(`not a key type: ${type}`);
    return write;
  }

  async #findOne(type: KeyType, filter: Filter<KeyDocument>): Promise<KeyRecord | undefined> {
    const sort = { "key.slot.number": -1 } as const;
    return answered(async () => (await this.#collections[type].findOne(filter, { sort }))?.key);
  }

  async #listType(type: KeyType, query: KeyQuery): Promise<readonly KeyRecord[]> {
    const options = {
      projection: { key: 1 },
      sort: { "key.createTime": 1, _id: 1 },
      limit: query.limit,
    } as const;
    const documents = await this.#collections[type].find(filterOf(query), options).toArray();
    return documents.map(({ key }) => key);
  }
}

function newDocument(key: KeyRecord): NewDocument<KeyDocument> {
  return { id: key.keyId, revision: key.revision, fields: { key } };
}

function filterOf({ owner, name, expireFrom, expireBefore, after }: KeyQuery): Filter<KeyDocument> {
  const filter: Record<string, unknown> = {};
  for (const field of OWNER_FIELDS) {
    if (owner[field]) filter[`key.owner.${field}`] = owner[field];
  }
  if (name !== undefined) filter["key.name"] = name;
  if (expireFrom !== undefined || expireBefore !== undefined) {
    filter["key.expireTime"] = {
      ...(expireFrom === undefined ? {} : { $gte: expireFrom }),
      ...(expireBefore === undefined ? {} : { $lt: expireBefore }),
    };
  }
  if (after) {
    // The first condition bounds the index scan; the second one is the exact order.
    filter["key.createTime"] = { $gte: after.createTime };
    filter["$or"] = [{ "key.createTime": { $gt: after.createTime } }, { _id: { $gt: after.keyId } }];
  }
  return filter as Filter<KeyDocument>;
}
