// A store whose every call goes through a function first, which may let it through, hold it up, or reject in
// its place: a process that is paused or dies between two steps of a use case. test/store/crash/fuse.ts
// decides.
import type { Store } from "../../src/store/store.ts";

/** Makes the call or does not. */
export type CallInterceptor = <Result>(call: () => Promise<Result>) => Promise<Result>;

export function interceptedStore(store: Store, intercept: CallInterceptor): Store {
  const part = (methods: object) =>
    new Proxy(methods, {
      get: (_, name) => {
        const method: unknown = Reflect.get(methods, name);
        if (typeof method !== "function") return method;
        return (...values: unknown[]) => intercept(() => method.apply(methods, values));
      },
    });
  return new Proxy(store, {
    get: (_, name) => {
      const value: unknown = Reflect.get(store, name);
      return typeof value === "object" && value !== null ? part(value) : value;
    },
  });
}
