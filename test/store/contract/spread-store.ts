// Several nodes on one database as if they were one store: each call goes to the next node. What one node
// answered, all others must know.
import type { Store } from "../../../src/store/store.ts";

/** A store over the nodes; closing it closes all. */
export function spreadStore(nodes: readonly Store[]): Store {
  let calls = 0;
  const next = (): Store => {
    const node = nodes[calls++ % nodes.length];
    if (node === undefined) throw new RangeError("at least one node is needed");
    return node;
  };
  const spread = <Part extends keyof Store>(part: Part): Store[Part] =>
    new Proxy({} as Store[Part] & object, {
      get: (_, property) => {
        const target = next()[part] as object;
        const value: unknown = Reflect.get(target, property);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return {
    keys: spread("keys"),
    principals: spread("principals"),
    events: spread("events"),
    feed: spread("feed"),
    usage: spread("usage"),
    quotas: spread("quotas"),
    pepperChecks: spread("pepperChecks"),
    ping: () => next().ping(),
    close: async () => void (await Promise.all(nodes.map((node) => node.close()))),
  };
}
