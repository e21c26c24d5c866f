// The writes of a store as data, for the crash tests: what is there before, the one call during which the
// process dies, and how to see afterwards whether it happened.
import { expect } from "vitest";
import type { Event } from "../../../src/domain/audit/event.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { newPrincipal } from "../../../src/domain/principal.ts";
import type { EventQuery, Store } from "../../../src/store/store.ts";
import { creationOf, FAR_FUTURE, firstRaiseOf, keyAt, raiseOf, refreshOf, revocationOf } from "../build.ts";
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
  /** Whether the record is as `act` would have it. */
  isDone(store: Store): Promise<boolean>;
  /** A write without a change on the record as it is now. */
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

export const WRITE_OPERATIONS: readonly WriteOperation[] = [
  ...keyOperations,
  raiseAfter("principals.write of the first record", 0),
  raiseAfter("principals.write of a later record", 1),
];

async function answer<Result>(call: Promise<Result>, expected: Result): Promise<void> {
  expect(await call).toBe(expected);
}
