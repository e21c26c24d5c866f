// Stores whose keys break the contract: guards, MACs, places, lists and texts. ../broken-store.ts says what
// for.
import type { KeyRecord } from "../../../src/domain/key.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { compareKeyPositions } from "../../../src/store/merge-keys.ts";
import type { KeyQuery, KeyStore } from "../../../src/store/store.ts";
import { refreshOf } from "../build.ts";
import { appendStray, type Breakage, breakPart } from "./breakage.ts";

/** Every key that there is. */
function everyKey(keys: KeyStore): Promise<readonly KeyRecord[]> {
  return keys.list({ types: KEY_TYPES, owner: {}, limit: 100_000 });
}

// Writes whatever the revision: upon a conflict it brings the record forward until the write fits.
function updateAnyway(keys: KeyStore): Pick<KeyStore, "update"> {
  return {
    update: async (next, event) => {
      const outcome = await keys.update(next, event);
      const current = outcome === "conflict" ? await keys.read(next.keyId) : undefined;
      if (current === undefined) return outcome;
      return keys.update({ ...next, revision: current.revision + 1 }, event);
    },
  };
}

// Shows each key at a revision that counts its replaced MACs too.
function countMacs(keys: KeyStore): Partial<KeyStore> {
  const replaced = new Map<string, number>();
  return {
    replaceMac: async (keyId, ...rest) => {
      const isReplaced = await keys.replaceMac(keyId, ...rest);
      if (isReplaced) replaced.set(keyId, (replaced.get(keyId) ?? 0) + 1);
      return isReplaced;
    },
    read: async (keyId) => {
      const key = await keys.read(keyId);
      return key && { ...key, revision: key.revision + (replaced.get(keyId) ?? 0) };
    },
  };
}

const guards: readonly Breakage[] = [
  {
    title: "update ignores the revision guard",
    noun: "keys",
    breakStore: breakPart("keys", (keys) => updateAnyway(keys)),
  },
  {
    title: "update ignores the revision guard (among concurrent writers)",
    noun: "concurrency",
    breakStore: breakPart("keys", (keys) => updateAnyway(keys)),
  },
  {
    title: "update answers written upon a conflict",
    noun: "keys",
    breakStore: breakPart("keys", (keys) => ({
      update: async (next, event) => (await keys.update(next, event)) && "written",
    })),
  },
  {
    title: "update merges the former record into the next one",
    noun: "keys",
    breakStore: breakPart("keys", (keys) => ({
      update: async (next, event) => keys.update({ ...(await keys.read(next.keyId)), ...next }, event),
    })),
  },
  {
    title: "insert overwrites a taken key_id",
    noun: "keys",
    breakStore: breakPart("keys", (keys) => ({
      insert: async (key, event) => {
        if (await keys.insert(key, event)) return true;
        await keys.update({ ...key, revision: 2 }, event);
        return false;
      },
    })),
  },
  {
    title: "insert answers true for a taken key_id",
    noun: "concurrency",
    breakStore: breakPart("keys", (keys) => ({
      insert: async (key, event) => (await keys.insert(key, event)) || true,
    })),
  },
  {
    title: "confirm is always true",
    noun: "keys",
    breakStore: breakPart("keys", () => ({ confirm: async () => true })),
  },
  {
    title: "confirm raises the revision",
    noun: "keys",
    breakStore: breakPart("keys", (keys) => ({
      confirm: async (keyId, revision) => {
        const key = await keys.read(keyId);
        if (key?.revision !== revision) return false;
        const { event } = refreshOf(key);
        return (await keys.update({ ...key, revision: revision + 1 }, event)) === "written";
      },
    })),
  },
];

const macs: readonly Breakage[] = [
  {
    title: "replaceMac raises the revision",
    noun: "replaceMac",
    breakStore: breakPart("keys", (keys) => countMacs(keys)),
  },
  {
    title: "replaceMac writes an event",
    noun: "replaceMac",
    breakStore: breakPart("keys", (keys, sound) => ({
      replaceMac: async (keyId, ...rest) => {
        const key = await keys.read(keyId);
        if (key !== undefined) await appendStray(sound, refreshOf(key).event);
        return keys.replaceMac(keyId, ...rest);
      },
    })),
  },
  {
    title: "replaceMac does not look at `from`",
    noun: "replaceMac",
    breakStore: breakPart("keys", (keys) => ({
      replaceMac: async (keyId, number, from, to) => {
        const key = await keys.read(keyId);
        const found = key?.generations.find((generation) => generation.number === number);
        return keys.replaceMac(keyId, number, found?.mac ?? from, to);
      },
    })),
  },
  {
    title: "replaceMac takes the newest generation for every number",
    noun: "replaceMac",
    breakStore: breakPart("keys", (keys) => ({
      replaceMac: async (keyId, number, from, to) => {
        const key = await keys.read(keyId);
        return keys.replaceMac(keyId, key?.generations[0].number ?? number, from, to);
      },
    })),
  },
];

const places: readonly Breakage[] = [
  {
    title: "readSlotHolder takes numbers for text",
    noun: "slotsAndRequests",
    breakStore: breakPart("keys", (keys) => ({
      readSlotHolder: async (type, slotId) => {
        const held = (await everyKey(keys)).filter((key) => key.type === type && key.slot?.id === slotId);
        return [...held].sort((a, b) => (String(a.slot?.number) < String(b.slot?.number) ? 1 : -1))[0];
      },
    })),
  },
  {
    title: "readSlotHolder passes over revoked keys",
    noun: "slotsAndRequests",
    breakStore: breakPart("keys", (keys) => ({
      readSlotHolder: async (type, slotId) => {
        const held = (await everyKey(keys)).filter((key) => key.type === type && key.slot?.id === slotId);
        const live = held.filter((key) => key.revocation === undefined);
        return [...live].sort((a, b) => (b.slot?.number ?? 0) - (a.slot?.number ?? 0))[0];
      },
    })),
  },
  {
    title: "readRequest looks at user keys alone",
    noun: "slotsAndRequests",
    breakStore: breakPart("keys", (keys) => ({
      readRequest: async (requestKey) => {
        const key = await keys.readRequest(requestKey);
        return key?.type === "user" ? key : undefined;
      },
    })),
  },
];

/** A list that asks the sound one something else. */
function listBy(title: string, change: (query: KeyQuery) => KeyQuery): Breakage {
  return {
    title,
    noun: "listing",
    breakStore: breakPart("keys", (keys) => ({ list: (query) => keys.list(change(query)) })),
  };
}

/** A list that answers something else than the sound one. */
function listTo(
  title: string,
  change: (keys: readonly KeyRecord[], query: KeyQuery) => readonly KeyRecord[],
): Breakage {
  const breakStore = breakPart("keys", (keys) => ({
    list: async (query) => change(await keys.list(query), query),
  }));
  return { title, noun: "listing", breakStore };
}

const lists: readonly Breakage[] = [
  listBy("list repeats keys at an equal createTime", ({ after, ...query }) => ({
    ...query,
    after: after && { ...after, keyId: "" },
  })),
  listBy("list leaves out keys at an equal createTime", ({ after, ...query }) => ({
    ...query,
    after: after && { ...after, keyId: "~" },
  })),
  listBy("list looks at the first part of the owner alone", ({ owner, ...query }) => ({
    ...query,
    owner: Object.fromEntries(Object.entries(owner).slice(0, 1)),
  })),
  listBy(
    "list takes no heed of the service account",
    ({ owner: { serviceAccountId: _, ...owner }, ...query }) => ({
      ...query,
      owner,
    }),
  ),
  listBy("list always has all types", (query) => ({ ...query, types: KEY_TYPES })),
  listBy("list gives one key more than the limit", (query) => ({ ...query, limit: query.limit + 1 })),
  listTo("list puts one type behind the other", (keys, { types }) =>
    [...keys].sort((a, b) => types.indexOf(a.type) - types.indexOf(b.type) || compareKeyPositions(a, b)),
  ),
  listTo("list cuts a full page short", (keys, { limit }) =>
    keys.length === limit ? keys.slice(0, -1) : keys,
  ),
  listTo("list shows a key at its updateTime", (keys) =>
    [...keys].sort((a, b) => a.updateTime - b.updateTime || (a.keyId < b.keyId ? 1 : -1)),
  ),
];

/** A store that bends texts as it writes them. */
function bending(title: string, bend: (key: KeyRecord) => KeyRecord): Breakage {
  const breakStore = breakPart("keys", (keys) => ({ insert: (key, event) => keys.insert(bend(key), event) }));
  return { title, noun: "texts", breakStore };
}

const texts: readonly Breakage[] = [
  bending("metadata is parsed and written anew", ({ metadata = "null", ...key }) => ({
    ...key,
    metadata: JSON.stringify(JSON.parse(metadata)),
  })),
  bending("names end at a NUL", (key) => ({ ...key, name: key.name.split("\0")[0] ?? "" })),
  bending("names are trimmed", (key) => ({ ...key, name: key.name.trim() })),
  bending("names are normalized", (key) => ({ ...key, name: key.name.normalize() })),
  bending("names lose their characters of four bytes", (key) => ({
    ...key,
    name: key.name.replaceAll(/[\u{10000}-\u{10FFFF}]/gu, "?"),
  })),
  bending("owners lose what begins with a dollar", (key) => ({
    ...key,
    owner: Object.fromEntries(Object.entries(key.owner).filter(([, id]) => !id?.startsWith("$"))),
  })),
  bending("descriptions are cut at 64 KiB", (key) => ({
    ...key,
    description: key.description.slice(0, 65_536),
  })),
];

export const brokenKeys: readonly Breakage[] = [...guards, ...macs, ...places, ...lists, ...texts];
