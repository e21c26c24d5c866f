// The writes of a store as data, for the crash tests: what is there before, the one call during which the
// process dies, and how to see afterwards whether it happened.
import { expect } from "vitest";
import type { Event } from "../../../src/domain/audit/event.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { newPrincipal } from "../../../src/domain/principal.ts";
import type { EventQuery, QuotaCount, Store } from "../../../src/store/store.ts";
import {
  creationOf,
  FAR_FUTURE,
  firstRaiseOf,
  importOf,
  keyAt,
  raiseOf,
  refreshOf,
  revocationOf,
} from "../build.ts";
import { insertKeys } from "../contract/case.ts";

/** Stores to arrange with: one that is sound, and one that dies right after the write it is asked for. */
export interface Arrangers {
  readonly sound: Store;
  /** Writes the record with its event, but never brings that to the feed. */
  dieAfterWriting(write: (store: Store) => Promise<unknown>): Promise<void>;
}

/** One run of an operation. */
export interface Attempt {
  /** Rejects when the process dies; an answer means that the write is acknowledged. */
  act(store: Store): Promise<unknown>;
  /** Whether what is stored is as `act` would have it. Throws when it is neither that nor as before. */
  isDone(store: Store): Promise<boolean>;
  /** A write without a change on what is there now. Whether there is something with events. */
  confirm(store: Store): Promise<boolean>;
  /** Narrows the feed to the record. */
  readonly filter: Partial<EventQuery>;
  /** The events of the record that were written before. */
  readonly earlier: readonly Event[];
  /** The event of the operation, when it has one. */
  readonly own?: Event;
}

export interface WriteOperation {
  readonly title: string;
  /** `seed` gives each run a record of its own. */
  arrange(arrangers: Arrangers, seed: number): Promise<Attempt>;
}

function keyAttempt(earlier: readonly Event[], { keyId, revision }: KeyRecord, own?: Event) {
  return {
    isDone: async (store: Store) => (await store.keys.read(keyId))?.revision === revision,
    confirm: async (store: Store) => {
      const current = await store.keys.read(keyId);
      return current !== undefined && store.keys.confirm(keyId, current.revision);
    },
    filter: { keyId },
    earlier,
    own,
  };
}

function updateTo(title: string, change: typeof refreshOf | typeof revocationOf): WriteOperation {
  return {
    title,
    arrange: async ({ sound }, seed) => {
      const key = keyAt(seed);
      const earlier = await insertKeys(sound, key);
      const { next, event } = change(key);
      const act = (store: Store) => answer(store.keys.update(next, event), "written");
      return { act, ...keyAttempt(earlier, next, event) };
    },
  };
}

/** A key whose creation waits to be told: its writer died. */
async function arrangeWaiting({ dieAfterWriting }: Arrangers, seed: number) {
  const key = keyAt(seed);
  const created = creationOf(key);
  await dieAfterWriting((store) => store.keys.insert(key, created));
  return { key, earlier: [created] };
}

const keyOperations: readonly WriteOperation[] = [
  {
    title: "keys.insert",
    arrange: async (_, seed) => {
      const key = keyAt(seed);
      const event = creationOf(key);
      const act = (store: Store) => answer(store.keys.insert(key, event), true);
      return { act, ...keyAttempt([], key, event) };
    },
  },
  updateTo("keys.update by a refresh", refreshOf),
  updateTo("keys.update by a revocation", revocationOf),
  {
    title: "keys.update while an event of a dead writer waits",
    arrange: async (arrangers, seed) => {
      const { key, earlier } = await arrangeWaiting(arrangers, seed);
      const { next, event } = revocationOf(key);
      const act = (store: Store) => answer(store.keys.update(next, event), "written");
      return { act, ...keyAttempt(earlier, next, event) };
    },
  },
  {
    title: "keys.confirm while an event of a dead writer waits",
    arrange: async (arrangers, seed) => {
      const { key, earlier } = await arrangeWaiting(arrangers, seed);
      const act = (store: Store) => answer(store.keys.confirm(key.keyId, 1), true);
      return { act, ...keyAttempt(earlier, key) };
    },
  },
  {
    title: "events.relayPending while an event of a dead writer waits",
    arrange: async (arrangers, seed) => {
      const { key, earlier } = await arrangeWaiting(arrangers, seed);
      const act = (store: Store) => answer(store.events.relayPending(FAR_FUTURE), 1);
      return { act, ...keyAttempt(earlier, key) };
    },
  },
];

/** A principal raised `times` times before, and then once more. */
function raiseAfter(title: string, times: number): WriteOperation {
  return {
    title,
    arrange: async ({ sound }, seed) => {
      const owner = { userId: `user-${seed}` };
      const { principalId } = newPrincipal(owner);
      let change = firstRaiseOf(owner);
      const earlier: Event[] = [];
      for (let index = 0; index < times; index++) {
        expect(await sound.principals.write(change.next, change.event)).toBe("written");
        earlier.push(change.event);
        change = raiseOf(change.next);
      }
      const { next, event } = change;
      const read = async (store: Store) => (await store.principals.read([principalId])).get(principalId);
      return {
        act: (store) => answer(store.principals.write(next, event), "written"),
        isDone: async (store) => (await read(store))?.revision === next.revision,
        confirm: async (store) => store.principals.confirm(principalId, (await read(store))?.revision ?? 0),
        filter: { owner },
        earlier,
        own: event,
      };
    },
  };
}

/** Three keys of different types at once; `isFirstTaken`: only the last two are free. */
function insertBatch(title: string, isFirstTaken: boolean): WriteOperation {
  return {
    title,
    arrange: async ({ sound }, seed) => {
      const types = ["user", "service", "user"] as const;
      const keys = types.map((type, index) => keyAt(3 * seed + index, { type }));
      const free = isFirstTaken ? keys.slice(1) : keys;
      if (isFirstTaken) await insertKeys(sound, ...keys.slice(0, 1));
      const event = importOf(keys, `importer-${seed}`);
      const written = async (store: Store) => {
        const found = await Promise.all(free.map(({ keyId }) => store.keys.read(keyId)));
        for (const [index, key] of found.entries()) expect([undefined, free[index]]).toContainEqual(key);
        return free.filter((_, index) => found[index] !== undefined);
      };
      const act = async (store: Store) => {
        expect(await store.keys.insertBatch(keys, event)).toEqual(keys.map((key) => free.includes(key)));
        expect(await written(store)).toEqual(free);
      };
      const confirm = async (store: Store) => {
        const there = await written(store);
        for (const { keyId } of there) expect(await store.keys.confirm(keyId, 1)).toBe(true);
        return there.length > 0;
      };
      const isDone = async (store: Store) => (await written(store)).length > 0;
      return { act, isDone, confirm, filter: { caller: event.caller }, earlier: [], own: event };
    },
  };
}

const removal: WriteOperation = {
  title: "keys.remove",
  arrange: async ({ sound }, seed) => {
    const key = keyAt(seed);
    const earlier = await insertKeys(sound, key);
    const isDone = async (store: Store) => {
      const found = await store.keys.read(key.keyId);
      expect([undefined, key]).toContainEqual(found);
      return found === undefined;
    };
    return {
      act: (store) => answer(store.keys.remove(key.keyId, 1), true),
      isDone,
      // There is nothing to confirm of a key that is gone: its events were in the feed before.
      confirm: async (store) => (await isDone(store)) || store.keys.confirm(key.keyId, 1),
      filter: { keyId: key.keyId },
      earlier,
    };
  },
};

/** A change of the count of a quota, which has no events. */
function countChange(
  title: string,
  counts: { readonly before: number; readonly after: number },
  act: (store: Store, count: QuotaCount) => Promise<unknown>,
): WriteOperation {
  return {
    title,
    arrange: async ({ sound }, seed) => {
      const count = { keyId: keyAt(seed).keyId, period: { id: "2030-01", endTime: FAR_FUTURE } };
      if (counts.before > 0) {
        const { isGranted } = await sound.quotas.grant(count, { leaseId: "a", size: counts.before }, 10);
        expect(isGranted).toBe(true);
      }
      const isDone = async (store: Store) => {
        const { granted } = await store.quotas.grant(count, { leaseId: "probe", size: 1 }, 0);
        expect([counts.before, counts.after]).toContain(granted);
        return granted === counts.after;
      };
      const filter = { keyId: count.keyId };
      return { act: (store) => act(store, count), isDone, confirm: async () => false, filter, earlier: [] };
    },
  };
}

const countChanges: readonly WriteOperation[] = [
  countChange("quotas.grant of the first uses", { before: 0, after: 4 }, async (store, count) => {
    const grant = store.quotas.grant(count, { leaseId: "b", size: 4 }, 10);
    expect(await grant).toEqual({ isGranted: true, granted: 4 });
  }),
  countChange("quotas.grant of more", { before: 6, after: 10 }, async (store, count) => {
    const grant = store.quotas.grant(count, { leaseId: "b", size: 4 }, 10, "a");
    expect(await grant).toEqual({ isGranted: true, granted: 10 });
  }),
  countChange("quotas.giveBack", { before: 6, after: 2 }, (store, count) =>
    answer(store.quotas.giveBack(count, "a", 4), true),
  ),
];

export const WRITE_OPERATIONS: readonly WriteOperation[] = [
  ...keyOperations,
  insertBatch("keys.insertBatch", false),
  insertBatch("keys.insertBatch with the first key_id taken", true),
  removal,
  ...countChanges,
  raiseAfter("principals.write of the first record", 0),
  raiseAfter("principals.write of a later record", 1),
];

async function answer<Result>(call: Promise<Result>, expected: Result): Promise<void> {
  expect(await call).toBe(expected);
}
