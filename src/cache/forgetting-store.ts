// A store whose writer forgets what it changed before it answers: what a node has changed itself it does not
// have to hear of. Also after a write that was not answered, since it may have happened.
import type { KeyStore, PrincipalStore, Store } from "../store/store.ts";

/** A record that changed. */
export interface Changed {
  readonly keyId?: string;
  readonly principalId?: string;
}

/** `forget` resolves when nothing on this node answers any more from what it remembered of the record. */
export function forgettingStore(store: Store, forget: (changed: Changed) => Promise<void>): Store {
  const after = async <Result>(changed: Changed, write: () => Promise<Result>): Promise<Result> => {
    try {
      return await write();
    } finally {
      await forget(changed);
    }
  };
  const { keys, principals } = store;
  const forgettingKeys: KeyStore = {
    // A new key is remembered nowhere. Two of one id are one key, which then is not new.
    insert: (key, event) => keys.insert(key, event),
    insertBatch: (batch, event) => keys.insertBatch(batch, event),
    read: (keyId) => keys.read(keyId),
    update: (next, event) => after({ keyId: next.keyId }, () => keys.update(next, event)),
    confirm: (keyId, revision) => after({ keyId }, () => keys.confirm(keyId, revision)),
    replaceMac: (keyId, ...change) => after({ keyId }, () => keys.replaceMac(keyId, ...change)),
    remove: (keyId, revision) => after({ keyId }, () => keys.remove(keyId, revision)),
    list: (query) => keys.list(query),
    readSlotHolder: (type, slotId) => keys.readSlotHolder(type, slotId),
    readRequest: (requestKey) => keys.readRequest(requestKey),
  };
  const forgettingPrincipals: PrincipalStore = {
    read: (ids) => principals.read(ids),
    readMany: (ids) => principals.readMany(ids),
    listOfUser: (userId, limit) => principals.listOfUser(userId, limit),
    write: (next, event) => after({ principalId: next.principalId }, () => principals.write(next, event)),
    confirm: (principalId, revision) =>
      after({ principalId }, () => principals.confirm(principalId, revision)),
  };
  return { ...store, keys: forgettingKeys, principals: forgettingPrincipals };
}
