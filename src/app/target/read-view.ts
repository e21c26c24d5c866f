// Reads keys together with the principals that can end them: the two halves of every judgement about a key.
import { type Bounds, isWithin } from "../../access/bounds.ts";
import type { KeyRecord } from "../../domain/key.ts";
import type { KeyType } from "../../domain/key-type.ts";
import type { Owner } from "../../domain/principal.ts";
import type { KeyView } from "../../domain/verdict.ts";
import type { KeyPosition, Store } from "../../store/store.ts";
import type { AppPorts, KeyViews } from "../ports.ts";

/** How many keys of an owner are read at a time. */
const WALK_PAGE = 1_000;

/** The key, then its principals: what was revoked before the call began is seen. */
export async function readStored(store: Store, keyId: string): Promise<KeyView | undefined> {
  const key = await store.keys.read(keyId);
  return key === undefined ? undefined : viewOf({ store }, key);
}

/** The same of a key within the bounds; one outside is not there, and after the same one read. */
export async function readView(ports: AppPorts, bounds: Bounds, keyId: string): Promise<KeyView | undefined> {
  const key = await ports.store.keys.read(keyId);
  return key === undefined || !isWithin(bounds, key.owner) ? undefined : viewOf(ports, key);
}

/** Keys as the store tells them at each call, for whatever must not rest on what is remembered. */
export function storedViews(store: Store): KeyViews {
  return {
    held: () => undefined,
    read: (keyId) => readStored(store, keyId),
    readAgain: async () => undefined,
  };
}

/** Adds the principals to a key that was just read. */
export async function viewOf(ports: Pick<AppPorts, "store">, key: KeyRecord): Promise<KeyView> {
  const principals = await ports.store.principals.read(key.epochs.map(({ principalId }) => principalId));
  return { key, principals };
}

/** The same for many keys at once, each principal read once. */
export async function viewsOf(ports: AppPorts, keys: readonly KeyRecord[]): Promise<readonly KeyView[]> {
  const ids = new Set(keys.flatMap((key) => key.epochs.map(({ principalId }) => principalId)));
  const principals = await ports.store.principals.readMany([...ids]);
  return keys.map((key) => ({ key, principals }));
}

/** All keys of these types that carry the owner, with their principals, in order. Read a page at a time. */
export async function* ownedViews(
  ports: AppPorts,
  types: readonly KeyType[],
  owner: Owner,
): AsyncGenerator<KeyView> {
  let after: KeyPosition | undefined;
  do {
    const keys = await ports.store.keys.list({ types, owner, after, limit: WALK_PAGE });
    yield* await viewsOf(ports, keys);
    after = keys.length < WALK_PAGE ? undefined : keys.at(-1);
  } while (after !== undefined);
}
