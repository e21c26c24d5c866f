// Stores whose principals, events or pepper checks break the contract, or whose writes and events part ways.
import type { NumberedEvent } from "../../../src/domain/audit/event.ts";
import type { EventQuery } from "../../../src/store/store.ts";
import { FAR_FUTURE } from "../build.ts";
import { appendStray, type Breakage, breakPart } from "./breakage.ts";

const principals: readonly Breakage[] = [
  {
    title: "a first write of a principal replaces the one before it",
    noun: "principals",
    breakStore: breakPart("principals", (target) => ({
      write: async (next, event) => {
        const outcome = await target.write(next, event);
        if (outcome !== "conflict" || next.revision !== 1) return outcome;
        return target.write({ ...next, revision: 2 }, event);
      },
    })),
  },
  {
    title: "a write of a principal answers written upon a conflict",
    noun: "concurrency",
    breakStore: breakPart("principals", (target) => ({
      write: async (next, event) => (await target.write(next, event)) && "written",
    })),
  },
  {
    title: "a later write of a principal makes a record that was not there",
    noun: "principals",
    breakStore: breakPart("principals", (target) => ({
      write: async (next, event) => {
        const outcome = await target.write(next, event);
        return outcome === "conflict" ? target.write({ ...next, revision: 1 }, event) : outcome;
      },
    })),
  },
  {
    title: "readMany gives the first of many",
    noun: "principals",
    breakStore: breakPart("principals", (target) => ({ readMany: (ids) => target.read(ids.slice(0, 1)) })),
  },
  {
    title: "confirm of a principal is always true",
    noun: "principals",
    breakStore: breakPart("principals", () => ({ confirm: async () => true })),
  },
  {
    title: "only the last raise of a principal is kept",
    noun: "principals",
    breakStore: breakPart("principals", (target) => ({
      write: (next, event) => target.write({ ...next, raises: next.raises.slice(-1) }, event),
    })),
  },
];

const writes: readonly Breakage[] = [
  {
    title: "an update drops its event",
    noun: "events",
    breakStore: breakPart("events", (target) => ({
      list: async (query) => (await target.list(query)).filter(({ kind }) => kind !== "key_refreshed"),
    })),
  },
  {
    title: "an update writes its event twice",
    noun: "concurrency",
    breakStore: breakPart("keys", (target, sound) => ({
      update: async (next, event) => {
        const outcome = await target.update(next, event);
        if (outcome === "written") await appendStray(sound, event);
        return outcome;
      },
    })),
  },
  ...(["keys", "concurrency"] as const).map((noun) => ({
    title: `an update leaves its event behind when it conflicts (found by ${noun})`,
    noun,
    breakStore: breakPart("keys", (target, sound) => ({
      update: async (next, event) => {
        const outcome = await target.update(next, event);
        if (outcome === "conflict") await appendStray(sound, event);
        return outcome;
      },
    })),
  })),
  {
    title: "an insert leaves its event behind when the key_id is taken",
    noun: "keys",
    breakStore: breakPart("keys", (target, sound) => ({
      insert: async (key, event) => {
        const isInserted = await target.insert(key, event);
        if (!isInserted) await appendStray(sound, event);
        return isInserted;
      },
    })),
  },
  {
    title: "a relay brings the whole feed in again",
    noun: "events",
    breakStore: breakPart("events", (target, sound) => ({
      relayPending: async () => {
        const feed = await target.list({ owner: {}, after: 0, limit: 1_000 });
        for (const { number: _, ...event } of feed) await appendStray(sound, event);
        return 0;
      },
    })),
  },
];

/** A feed that asks the sound one something else. */
function listBy(title: string, change: (query: EventQuery) => EventQuery): Breakage {
  const breakStore = breakPart("events", (target) => ({ list: (query) => target.list(change(query)) }));
  return { title, noun: "events", breakStore };
}

/** A feed that answers something else than the sound one. */
function listTo(
  title: string,
  change: (events: readonly NumberedEvent[]) => readonly NumberedEvent[],
): Breakage {
  const breakStore = breakPart("events", (target) => ({
    list: async (query) => change(await target.list(query)),
  }));
  return { title, noun: "events", breakStore };
}

const lists: readonly Breakage[] = [
  listBy("events.list repeats the event at `after`", (query) => ({ ...query, after: query.after - 1 })),
  listBy("events.list skips one event behind `after`", (query) => ({ ...query, after: query.after + 1 })),
  listBy("events.list takes startTime for exclusive", ({ startTime, ...query }) => ({
    ...query,
    ...(startTime === undefined ? {} : { startTime: startTime + 1 }),
  })),
  listBy("events.list takes endTime for inclusive", ({ endTime, ...query }) => ({
    ...query,
    ...(endTime === undefined ? {} : { endTime: endTime + 1 }),
  })),
  ...(["keyId", "caller", "kind", "startTime", "endTime"] as const).map((field) =>
    listBy(`events.list takes no heed of ${field}`, ({ [field]: _, ...query }) => query),
  ),
  ...(["userId", "organizationId", "serviceAccountId"] as const).map((field) =>
    listBy(
      `events.list takes no heed of the owner's ${field}`,
      ({ owner: { [field]: _, ...owner }, ...query }) => ({
        ...query,
        owner,
      }),
    ),
  ),
  listBy("events.list gives one event more than the limit", (query) => ({
    ...query,
    limit: query.limit + 1,
  })),
  listTo("events.list begins with the newest", (events) => events.toReversed()),
  listTo("events.list numbers each page anew", (events) =>
    events.map((event, index) => ({ ...event, number: index + 1 })),
  ),
  listTo("events.list loses the address", (events) => events.map(({ address: _, ...event }) => event)),
  listTo("events.list tells the same time of all", (events) =>
    events.map((event) => ({ ...event, time: FAR_FUTURE })),
  ),
];

const pepperChecks: readonly Breakage[] = [
  {
    title: "a second pepper check is answered with true",
    noun: "pepperChecks",
    breakStore: breakPart("pepperChecks", (target) => ({
      insert: async (version, check) => (await target.insert(version, check)) || true,
    })),
  },
  {
    title: "a second pepper check replaces the first",
    noun: "pepperChecks",
    breakStore: (sound) => {
      const latest = new Map<number, string>();
      return breakPart("pepperChecks", (target) => ({
        insert: async (version, check) => {
          latest.set(version, check);
          return target.insert(version, check);
        },
        read: async () => latest,
      }))(sound);
    },
  },
];

export const brokenFeeds: readonly Breakage[] = [...principals, ...writes, ...lists, ...pepperChecks];
