// A node that dies in the middle of its work: a store that lets a number of writes through, and then answers
// nothing any more. What it wrote is in the store behind it, for other nodes to go on with.
import { storeUnavailable } from "../../src/store/errors.ts";
import type { Store } from "../../src/store/store.ts";

/** What becomes of the write at which the node dies. */
export const DEATHS = ["before a write", "after a write, unanswered"] as const;
export type Death = (typeof DEATHS)[number];

const READS: ReadonlySet<string> = new Set([
  "read",
  "readMany",
  "list",
  "listOfUser",
  "readSlotHolder",
  "readRequest",
]);

export interface DyingStore {
  readonly store: Store;
  /** Whether it came to the write at which it was to die. */
  isDead(): boolean;
}

/** Dies at the write with this number, from 1. */
export function dyingStore(store: Store, writeNumber: number, death: Death): DyingStore {
  let writes = 0;
  const call = async (name: string, run: () => Promise<unknown>) => {
    if (writes >= writeNumber) throw lost();
    if (READS.has(name)) return run();
    writes += 1;
    if (writes < writeNumber) return run();
    if (death === "after a write, unanswered") await run();
    throw lost();
  };
  const partOf = (part: object) =>
    new Proxy(part, {
      get: (_, name) => {
        const method = Reflect.get(part, name) as (...values: unknown[]) => Promise<unknown>;
        return (...values: unknown[]) => call(String(name), () => method.apply(part, values));
      },
    });
  const dying = new Proxy(store, { get: (_, name) => partOf(Reflect.get(store, name) as object) });
  return { store: dying, isDead: () => writes >= writeNumber };
}

function lost() {
  return storeUnavailable(new Error("the node is dead"));
}
