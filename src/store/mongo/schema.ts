// The collections of the MongoDB store and their indexes, made at start, idempotently. Key and principal
// documents are found by `_id` alone, which can be a hashed shard key; no other index of theirs is unique.
// `events` and `head` are never sharded.
import type { Collection, Db, IndexDescription } from "mongodb";
import type { Event, NumberedEvent } from "../../domain/audit/event.ts";
import type { KeyRecord } from "../../domain/key.ts";
import { KEY_TYPES, type KeyType } from "../../domain/key-type.ts";
import { OWNER_FIELDS, type PrincipalRecord } from "../../domain/principal.ts";
import type { LastUse } from "../../domain/usage.ts";

/** What key and principal documents share: the guard, and the events that are not in the feed yet. */
export interface OutboxDocument {
  readonly _id: string;
  readonly revision: number;
  /** Counts guarded writes that changed nothing (KeyStore.confirm). */
  readonly confirmations: number;
  readonly outbox: readonly Event[];
}
export interface KeyDocument extends OutboxDocument {
  readonly key: KeyRecord;
}
export interface PrincipalDocument extends OutboxDocument {
  readonly principal: PrincipalRecord;
}
/** An event, or the filling of a number that was drawn and not needed. */
export type EventDocument = { readonly _id: number; readonly eventId: string } & (
  | Omit<NumberedEvent, "number">
  | { readonly kind: "void"; readonly time?: undefined }
);
export interface HeadDocument {
  readonly _id: "events";
  readonly number: number;
}
export interface UsageDocument extends LastUse {
  /** The key_id. Of `count`, what is beyond its bound does not count. */
  readonly _id: string;
}
export interface QuotaDocument {
  /** `<key_id>/<id of the period>`. */
  readonly _id: string;
  readonly keyId: string;
  readonly granted: number;
  /** Sizes by the id of the lease. */
  readonly leases?: Readonly<Record<string, number>>;
  /** Of the period, when it has one. */
  readonly endTime?: number;
}
export interface PepperCheckDocument {
  readonly _id: number;
  readonly check: string;
}

export interface Collections {
  readonly keys: Readonly<Record<KeyType, Collection<KeyDocument>>>;
  readonly principals: Collection<PrincipalDocument>;
  readonly events: Collection<EventDocument>;
  readonly head: Collection<HeadDocument>;
  readonly usage: Collection<UsageDocument>;
  readonly quotas: Collection<QuotaDocument>;
  readonly pepperChecks: Collection<PepperCheckDocument>;
}

// The index and the query of the sweeper: documents whose outbox has a first element.
const OUTBOX_INDEX: IndexDescription = { name: "outbox", key: { "outbox.0": 1 }, sparse: true };

const KEY_INDEXES: readonly IndexDescription[] = [
  OUTBOX_INDEX,
  { name: "order", key: { "key.createTime": 1, _id: 1 } },
  ...OWNER_FIELDS.map((field) => ({
    name: field,
    key: { [`key.owner.${field}`]: 1, "key.createTime": 1, _id: 1 } as const,
    partialFilterExpression: { [`key.owner.${field}`]: { $exists: true } },
  })),
  {
    name: "request",
    key: { "key.request.key": 1 },
    partialFilterExpression: { "key.request.key": { $exists: true } },
  },
  {
    name: "slot",
    key: { "key.slot.id": 1, "key.slot.number": -1 },
    partialFilterExpression: { "key.slot.id": { $exists: true } },
  },
  {
    name: "name",
    key: { "key.name": 1, "key.createTime": 1, _id: 1 },
    // Most keys of a fleet are made by programs and have none.
    partialFilterExpression: { "key.name": { $gt: "" } },
  },
  {
    name: "expireTime",
    key: { "key.expireTime": 1 },
    partialFilterExpression: { "key.expireTime": { $exists: true } },
  },
];

const PRINCIPAL_INDEXES: readonly IndexDescription[] = [
  OUTBOX_INDEX,
  {
    name: "userId",
    key: { "principal.owner.userId": 1 },
    partialFilterExpression: { "principal.owner.userId": { $exists: true } },
  },
];

const EVENT_INDEXES: readonly IndexDescription[] = [
  // Recognizes an event that another node has relayed already.
  { name: "eventId", key: { eventId: 1 }, unique: true },
  ...["keyId", ...OWNER_FIELDS.map((field) => `owner.${field}`), "caller"].map((field) => ({
    name: field,
    key: { [field]: 1, _id: 1 } as const,
    partialFilterExpression: { [field]: { $exists: true } },
  })),
];

const QUOTA_INDEXES: readonly IndexDescription[] = [
  { name: "keyId", key: { keyId: 1 } },
  { name: "endTime", key: { endTime: 1 }, partialFilterExpression: { endTime: { $exists: true } } },
];

export function collectionsOf(db: Db): Collections {
  // An absent field must stay absent: the driver would store null, which partial indexes take for a value.
  const options = { ignoreUndefined: true };
  const keys = KEY_TYPES.map((type) => [type, db.collection<KeyDocument>(`${type}_keys`, options)] as const);
  return {
    keys: Object.fromEntries(keys) as Record<KeyType, Collection<KeyDocument>>,
    principals: db.collection("principals", options),
    events: db.collection("events", options),
    head: db.collection("head", options),
    usage: db.collection("usage", options),
    quotas: db.collection("quotas", options),
    pepperChecks: db.collection("pepper_checks", options),
  };
}

/** Makes what is missing, and sees to it that no number is drawn twice (a restored `head` can lag behind). */
export async function prepareCollections(collections: Collections): Promise<void> {
  const { keys, principals, events, quotas, head } = collections;
  for (const collection of Object.values(keys)) await collection.createIndexes([...KEY_INDEXES]);
  await principals.createIndexes([...PRINCIPAL_INDEXES]);
  await events.createIndexes([...EVENT_INDEXES]);
  await quotas.createIndexes([...QUOTA_INDEXES]);
  const last = await events.findOne({}, { sort: { _id: -1 }, projection: { _id: 1 } });
  await head.updateOne({ _id: "events" }, { $max: { number: last?._id ?? 0 } }, { upsert: true });
}
