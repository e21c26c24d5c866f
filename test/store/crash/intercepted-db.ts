// A database handle whose every operation goes through a function first, which may let it through, hold it
// up, or reject in its place. The store under test gets it from mongoStoreOn and cannot tell.
import { type Collection, type Db, MongoNetworkError } from "mongodb";

/** Runs an operation or does not. `collection` and `method` say which one it is. */
export type Interceptor = <Result>(
  operation: () => Promise<Result>,
  collection: string,
  method: string,
) => Promise<Result>;

/** What the store uses of a collection. Whatever it comes to use besides must be looked at here first. */
const OPERATIONS: ReadonlySet<string> = new Set([
  "bulkWrite",
  "createIndexes",
  "deleteMany",
  "deleteOne",
  "findOne",
  "findOneAndUpdate",
  "insertMany",
  "insertOne",
  "updateMany",
  "updateOne",
]);

/** The rejection of a driver that lost its server. */
export function connectionLost(): MongoNetworkError {
  return new MongoNetworkError("the connection is lost");
}

export function interceptedDb(db: Db, intercept: Interceptor): Db {
  return new Proxy(db, {
    get: (_, property) => {
      if (property === "collection")
        return (...values: Parameters<Db["collection"]>) =>
          interceptedCollection(db.collection(...values), intercept);
      const value: unknown = Reflect.get(db, property);
      return typeof value === "function" ? value.bind(db) : value;
    },
  });
}

function interceptedCollection(collection: Collection, intercept: Interceptor): Collection {
  const name = collection.collectionName;
  return new Proxy(collection, {
    get: (_, property) => {
      const value: unknown = Reflect.get(collection, property);
      if (typeof value !== "function" || typeof property !== "string") return value;
      if (property === "find") {
        return (...values: unknown[]) => ({
          toArray: () => intercept(() => value.apply(collection, values).toArray(), name, property),
        });
      }
      if (!OPERATIONS.has(property))
        throw new TypeError(`${property} is not among the intercepted operations`);
      return (...values: unknown[]) => intercept(() => value.apply(collection, values), name, property);
    },
  });
}
