// The shared store: many nodes on one MongoDB, standalone, replica set or sharded. Every write but that of
// uses waits for a majority and its journal; no transaction, change stream or server-side script is needed.
import { type Db, type DbOptions, MongoClient, type MongoClientOptions, ReadConcern } from "mongodb";
import { StartRefused } from "../../domain/errors.ts";
import type { Store } from "../store.ts";
import { answered, opened } from "./answered.ts";
import { Outbox } from "./outbox/outbox.ts";
import { MongoEvents } from "./parts/events.ts";
import { MongoFeed } from "./parts/feed.ts";
import { MongoKeys } from "./parts/keys.ts";
import { MongoPepperChecks } from "./parts/pepper-checks.ts";
import { MongoPrincipals } from "./parts/principals.ts";
import { MongoQuotas } from "./parts/quotas.ts";
import { MongoUsage } from "./parts/usage.ts";
import { chooseReadOptions } from "./read-options.ts";
import { collectionsOf, prepareCollections } from "./schema.ts";

/** How long a call waits for a server, a connection or an answer before the store counts as down. */
const SERVER_SELECTION_MS_MAX = 2_000;
const CONNECT_MS_MAX = 2_000;
const ANSWER_MS_MAX = 10_000;
const WAIT_FOR_CONNECTION_MS_MAX = 5_000;

/** Said for the database, so that no option of the URI can weaken it. */
const DURABLE: DbOptions = {
  writeConcern: { w: "majority", journal: true },
  readConcern: new ReadConcern("local"),
  readPreference: "primary",
};

/** Connections of the client that follows the feed, and how long it waits before it asks anew. */
const FEED_OPTIONS: MongoClientOptions = { maxPoolSize: 2, socketTimeoutMS: 2_000, appName: "fleetkey-feed" };

/** Connects to the database that the URI names. */
export async function openMongoStore(uri: string): Promise<Store> {
  const client = createClient(uri);
  // It connects when it is first asked for something.
  const feedClient = createClient(uri, FEED_OPTIONS);
  const close = async () => {
    await Promise.all([client.close(), feedClient.close()]);
  };
  try {
    return await mongoStoreOn(client.db(undefined, DURABLE), close, feedClient.db(undefined, DURABLE));
  } catch (error) {
    await close();
    throw error;
  }
}

function createClient(uri: string, own: MongoClientOptions = {}): MongoClient {
  const options: MongoClientOptions = {
    serverSelectionTimeoutMS: SERVER_SELECTION_MS_MAX,
    connectTimeoutMS: CONNECT_MS_MAX,
    socketTimeoutMS: ANSWER_MS_MAX,
    waitQueueTimeoutMS: WAIT_FOR_CONNECTION_MS_MAX,
    appName: "fleetkey",
    ...own,
  };
  try {
    return new MongoClient(uri, options);
  } catch (error) {
    // The URI holds a password, and some of the driver's messages quote it.
    const { message } = error as Error;
    const reason = message.includes("://") ? "is not a connection string" : message;
    throw new StartRefused(`FLEETKEY_STORE: ${reason}`);
  }
}

/** The store on a database handle; tests hand in one that fails. `feedDb` is the same of another client. */
export async function mongoStoreOn(db: Db, close: () => Promise<void>, feedDb: Db = db): Promise<Store> {
  const collections = collectionsOf(db);
  const readOptions = await opened(async () => {
    await prepareCollections(collections);
    return chooseReadOptions(db);
  });
  const outbox = new Outbox(collections, readOptions);
  return {
    keys: new MongoKeys(collections, outbox, readOptions),
    principals: new MongoPrincipals(collections, outbox, readOptions),
    events: new MongoEvents(collections, outbox, readOptions),
    feed: new MongoFeed(collectionsOf(feedDb), readOptions),
    usage: new MongoUsage(collections),
    quotas: new MongoQuotas(collections, readOptions),
    pepperChecks: new MongoPepperChecks(collections),
    ping: () => answered(async () => void (await db.command({ ping: 1 }))),
    close,
  };
}
