// From the FLEETKEY_STORE setting to an open store.
import { openMongoStore } from "./mongo/mongo-store.ts";
import { openSqliteStore } from "./sqlite/sqlite-store.ts";
import type { Store } from "./store.ts";

/** Where the store is. */
export type StoreAddress =
  | { readonly kind: "sqlite"; readonly path: string }
  | { readonly kind: "mongodb"; readonly uri: string };

/** Rejects with `unavailable` when it does not answer, and with StartRefused when it may not be used. */
export function openStore(address: StoreAddress): Promise<Store> {
  return address.kind === "sqlite" ? openSqliteStore(address.path) : openMongoStore(address.uri);
}
