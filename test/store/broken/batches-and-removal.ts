// Stores that write many keys at once, remove them or look for them by name and end against the contract.
import type { Mac } from "../../../src/domain/api-key/digests.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import type { KeyQuery, KeyStore, Store } from "../../../src/store/store.ts";
import { creationOf } from "../build.ts";
import { appendStray, type Breakage, breakPart } from "./breakage.ts";

type KeyOverrides = (keys: KeyStore, sound: Store) => Partial<KeyStore>;

function brokenKeys(
  noun: Breakage["noun"],
  cases: readonly (readonly [title: string, overrides: KeyOverrides])[],
): readonly Breakage[] {
  return cases.map(([title, overrides]) => ({ title, noun, breakStore: breakPart("keys", overrides) }));
}

const batches: readonly Breakage[] = [
  {
    title: "insertBatch drops its event",
    noun: "insertBatch",
    breakStore: breakPart("events", (target) => ({
      list: async (query) => (await target.list(query)).filter(({ kind }) => kind !== "keys_imported"),
    })),
  },
  ...brokenKeys("insertBatch", [
    [
      "insertBatch writes its event when no key was written",
      (keys, sound) => ({
        insertBatch: async (batch, event) => {
          const areWritten = await keys.insertBatch(batch, event);
          if (!areWritten.includes(true)) await appendStray(sound, event);
          return areWritten;
        },
      }),
    ],
    [
      "insertBatch writes an event for each key",
      (keys) => ({
        insertBatch: (batch) => Promise.all(batch.map((key) => keys.insert(key, creationOf(key)))),
      }),
    ],
    [
      "insertBatch loses the event when the first key_id is taken",
      (keys, sound) => ({
        insertBatch: async (batch, event) => {
          const [first] = batch;
          const isTaken = first !== undefined && (await keys.read(first.keyId)) !== undefined;
          if (!isTaken) return keys.insertBatch(batch, event);
          const areWritten = await keys.insertBatch(batch, event);
          await sound.events.removeOld(Number.MAX_SAFE_INTEGER, 100);
          return areWritten;
        },
      }),
    ],
    [
      "insertBatch ends at the first key_id that is taken",
      (keys) => ({
        insertBatch: async (batch, event) => {
          const found = await Promise.all(batch.map(({ keyId }) => keys.read(keyId)));
          const end = found.findIndex((key) => key !== undefined);
          if (end === -1) return keys.insertBatch(batch, event);
          const areWritten = await keys.insertBatch(batch.slice(0, end), event);
          return batch.map((_, index) => areWritten[index] ?? false);
        },
      }),
    ],
    [
      "insertBatch writes all or none",
      (keys) => ({
        insertBatch: async (batch, event) => {
          const found = await Promise.all(batch.map(({ keyId }) => keys.read(keyId)));
          const isFree = found.every((key) => key === undefined);
          return isFree ? keys.insertBatch(batch, event) : batch.map(() => false);
        },
      }),
    ],
    [
      "insertBatch answers true for all",
      (keys) => ({
        insertBatch: async (batch, event) => (await keys.insertBatch(batch, event)).map(() => true),
      }),
    ],
    [
      "insertBatch overwrites what is taken",
      (keys) => ({
        insertBatch: async (batch, event) => {
          const areWritten = await keys.insertBatch(batch, event);
          for (const [index, key] of batch.entries()) {
            if (!areWritten[index]) await keys.update({ ...key, revision: 2 }, event);
          }
          return areWritten;
        },
      }),
    ],
  ]),
];

/** Keys that were removed and are not quite gone. */
function halfRemoved(
  shown: (keys: KeyStore, removed: ReadonlySet<string>) => Partial<KeyStore>,
): KeyOverrides {
  return (keys) => {
    const removed = new Set<string>();
    return {
      remove: async (keyId, revision) => {
        if (removed.has(keyId) || !(await keys.confirm(keyId, revision))) return false;
        removed.add(keyId);
        return true;
      },
      ...shown(keys, removed),
    };
  };
}

const removals = brokenKeys("remove", [
  [
    "remove ignores the revision",
    (keys) => ({
      remove: async (keyId) => keys.remove(keyId, (await keys.read(keyId))?.revision ?? 0),
    }),
  ],
  ["remove is always true", (keys) => ({ remove: async (...at) => (await keys.remove(...at)) || true })],
  [
    "remove takes a key out of read alone",
    halfRemoved((keys, removed) => ({
      read: async (keyId) => (removed.has(keyId) ? undefined : keys.read(keyId)),
    })),
  ],
  [
    "remove writes an event",
    (keys, sound) => ({
      remove: async (keyId, revision) => {
        const key = await keys.read(keyId);
        if (key !== undefined) await appendStray(sound, creationOf(key));
        return keys.remove(keyId, revision);
      },
    }),
  ],
  [
    "remove keeps the key_id taken",
    (keys) => {
      const gone = new Set<string>();
      return {
        remove: async (keyId, revision) => {
          gone.add(keyId);
          return keys.remove(keyId, revision);
        },
        insert: async (key, event) => !gone.has(key.keyId) && keys.insert(key, event),
      };
    },
  ],
]);

async function macAt(keys: KeyStore, keyId: string, number: number): Promise<Mac | undefined> {
  const key = await keys.read(keyId);
  return key?.generations.find((generation) => generation.number === number)?.mac;
}

const macs = brokenKeys("replaceMac", [
  [
    "replaceMac from none replaces any MAC",
    (keys) => ({
      replaceMac: async (keyId, number, from, to) =>
        keys.replaceMac(keyId, number, from ?? (await macAt(keys, keyId, number)), to),
    }),
  ],
  [
    "replaceMac sets a MAC that is missing whatever `from` is",
    (keys) => ({
      replaceMac: async (keyId, number, from, to) => {
        const mac = await macAt(keys, keyId, number);
        return keys.replaceMac(keyId, number, mac === undefined ? undefined : from, to);
      },
    }),
  ],
]);

/** A list that asks the sound one for more and chooses itself. */
function choosing(
  isAskedFor: (query: KeyQuery) => Partial<KeyQuery>,
  isChosen: (key: KeyRecord, query: KeyQuery) => boolean,
): KeyOverrides {
  return (keys) => ({
    list: async (query) => {
      const found = await keys.list({ ...query, ...isAskedFor(query), limit: 100_000 });
      return found.filter((key) => isChosen(key, query)).slice(0, query.limit);
    },
  });
}

const asked = (change: (query: KeyQuery) => Partial<KeyQuery>): KeyOverrides => {
  return (keys) => ({ list: (query) => keys.list({ ...query, ...change(query) }) });
};

/** A list that takes each key for what it was when it was inserted. */
function remembering(
  isChosen: (first: KeyRecord, query: KeyQuery) => boolean,
  isAskedFor: (query: KeyQuery) => Partial<KeyQuery>,
) {
  return (keys: KeyStore): Partial<KeyStore> => {
    const first = new Map<string, KeyRecord>();
    return {
      insert: async (key, event) => {
        first.set(key.keyId, key);
        return keys.insert(key, event);
      },
      list: async (query) =>
        (await keys.list({ ...query, ...isAskedFor(query), limit: 100_000 }))
          .filter((key) => isChosen(first.get(key.keyId) ?? key, query))
          .slice(0, query.limit),
    };
  };
}

const lists = brokenKeys("listing", [
  ["list takes no heed of the name", asked(() => ({ name: undefined }))],
  ["list takes an empty name for none", asked(({ name }) => ({ name: name || undefined }))],
  ["list takes no heed of expireFrom", asked(() => ({ expireFrom: undefined }))],
  ["list takes no heed of expireBefore", asked(() => ({ expireBefore: undefined }))],
  [
    "list takes expireFrom for exclusive",
    asked(({ expireFrom }) => (expireFrom === undefined ? {} : { expireFrom: expireFrom + 1 })),
  ],
  [
    "list takes expireBefore for inclusive",
    asked(({ expireBefore }) => (expireBefore === undefined ? {} : { expireBefore: expireBefore + 1 })),
  ],
  [
    "list finds names that begin with the name",
    choosing(
      () => ({ name: undefined }),
      (key, { name }) => key.name.startsWith(name ?? ""),
    ),
  ],
  [
    "list finds names in capitals and small letters alike",
    choosing(
      () => ({ name: undefined }),
      (key, { name }) => name === undefined || key.name.toLowerCase() === name.toLowerCase(),
    ),
  ],
  [
    "list finds keys without an end before any time",
    choosing(
      () => ({ expireBefore: undefined }),
      ({ expireTime = 0 }, { expireBefore }) => expireBefore === undefined || expireTime < expireBefore,
    ),
  ],
  [
    "list by name finds what a key was first called",
    remembering(
      (first, { name }) => name === undefined || first.name === name,
      () => ({ name: undefined }),
    ),
  ],
  [
    "list by owner finds whom a key first belonged to",
    remembering(
      (first, { owner }) => owner.userId === undefined || first.owner.userId === owner.userId,
      ({ owner: { userId: _, ...owner } }) => ({ owner }),
    ),
  ],
  [
    "list by end finds when a key was first to end",
    remembering(
      ({ expireTime }, { expireFrom }) =>
        expireFrom === undefined || (expireTime !== undefined && expireTime >= expireFrom),
      () => ({ expireFrom: undefined }),
    ),
  ],
  ["list never reads more types than one", asked(() => ({ types: KEY_TYPES.slice(0, 1) }))],
]);

export const brokenBatchesAndRemoval: readonly Breakage[] = [...batches, ...removals, ...macs, ...lists];
