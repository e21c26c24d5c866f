// A store that notes which of its methods were called, and the list of all there are. The list is typed by
// the interfaces, so that a new method does not compile before it is listed, and is then missed until a
// case calls it.
import type { Store } from "../../../src/store/store.ts";

type MethodsOf<Part> = Readonly<Record<keyof Part, true>>;
type Parts = Omit<Store, "ping" | "close">;

/** The methods of each part. */
export const PART_METHODS: { readonly [Part in keyof Parts]: MethodsOf<Store[Part]> } = {
  keys: {
    insert: true,
    insertBatch: true,
    read: true,
    update: true,
    confirm: true,
    replaceMac: true,
    remove: true,
    list: true,
    readSlotHolder: true,
    readRequest: true,
  },
  principals: { read: true, readMany: true, listOfUser: true, write: true, confirm: true },
  events: { list: true, relayPending: true, eraseUser: true, removeOld: true },
  feed: { readHead: true, readAfter: true, readNumbers: true },
  usage: { add: true, readMany: true, remove: true },
  quotas: { grant: true, giveBack: true, removeEnded: true, remove: true },
  pepperChecks: { read: true, insert: true },
};

const OWN_METHODS: MethodsOf<Omit<Store, keyof Parts>> = { ping: true, close: true };

/** Every method of a store, such as `keys.insert` or `ping`. */
export const STORE_METHODS: readonly string[] = [
  ...Object.entries(PART_METHODS).flatMap(([part, methods]) =>
    Object.keys(methods).map((name) => `${part}.${name}`),
  ),
  ...Object.keys(OWN_METHODS),
];

/** The same store; the names of the methods that are called go into `called`. */
export function recordedStore(store: Store, called: Set<string>): Store {
  const record = <Target extends object>(target: Target, path: string): Target =>
    new Proxy(target, {
      get: (_, property) => {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== "function" || typeof property !== "string") return value;
        return (...values: unknown[]) => {
          called.add(path + property);
          return value.apply(target, values);
        };
      },
    });
  const { keys, principals, events, feed, usage, quotas, pepperChecks } = store;
  const parts = {
    keys: record(keys, "keys."),
    principals: record(principals, "principals."),
    events: record(events, "events."),
    feed: record(feed, "feed."),
    usage: record(usage, "usage."),
    quotas: record(quotas, "quotas."),
    pepperChecks: record(pepperChecks, "pepperChecks."),
  };
  return record({ ...store, ...parts }, "");
}
