// Stores that forget too little, or too much: of a user in records and events, and of the start of the feed.
import type { NumberedEvent } from "../../../src/domain/audit/event.ts";
import type { PrincipalRecord } from "../../../src/domain/principal.ts";
import type { EventStore, PrincipalStore } from "../../../src/store/store.ts";
import { type Breakage, breakPart } from "./breakage.ts";

const ALL = { owner: {}, after: 0, limit: 100_000 };

function brokenEvents(
  cases: readonly (readonly [title: string, overrides: (events: EventStore) => Partial<EventStore>])[],
): readonly Breakage[] {
  return cases.map(([title, overrides]) => ({
    title,
    noun: "events",
    breakStore: breakPart("events", (target) => overrides(target)),
  }));
}

/** Erases as it should, and shows each event by what it was before and is now. */
function afterErasure(show: (before: NumberedEvent, now: NumberedEvent) => NumberedEvent | undefined) {
  return (events: EventStore): Partial<EventStore> => {
    const erased = new Map<number, NumberedEvent>();
    return {
      eraseUser: async (userId) => {
        for (const event of await events.list({ ...ALL, owner: { userId } })) erased.set(event.number, event);
        return events.eraseUser(userId);
      },
      list: async (query) =>
        (await events.list(query)).flatMap((now) => {
          const before = erased.get(now.number);
          return (before === undefined ? now : show(before, now)) ?? [];
        }),
    };
  };
}

const erasures = brokenEvents([
  ...(["address", "reason", "url", "changes"] as const).map(
    (field) =>
      [
        `eraseUser leaves the ${field}`,
        afterErasure((before, now) => ({ ...now, [field]: before[field] })),
      ] as const,
  ),
  ["eraseUser leaves the user", afterErasure(({ owner }, now) => ({ ...now, owner }))],
  ["eraseUser takes the organization out too", afterErasure((_, now) => ({ ...now, owner: {} }))],
  ...(["requestId", "source", "keyId", "count"] as const).map(
    (field) =>
      [
        `eraseUser takes the ${field} out too`,
        afterErasure((_, { [field]: __, ...now }) => now as NumberedEvent),
      ] as const,
  ),
  ["eraseUser removes the events", afterErasure(() => undefined)],
  [
    "eraseUser leaves events behind that belong to an organization as well",
    (events) => ({
      list: async (query) => {
        const found = await events.list(query);
        return query.owner.userId === "user-1" && found.length === 0
          ? (await events.list({ ...query, owner: {} })).filter(
              ({ owner }) => owner.organizationId === "org-1",
            )
          : found;
      },
    }),
  ],
  [
    "eraseUser erases everybody",
    (events) => ({
      eraseUser: async (userId) => {
        const users = new Set((await events.list(ALL)).map(({ owner }) => owner.userId ?? ""));
        let erased = 0;
        for (const each of [userId, ...users]) erased += await events.eraseUser(each);
        return erased;
      },
    }),
  ],
  [
    "eraseUser counts what was erased before",
    (events) => {
      let erased = 0;
      return {
        eraseUser: async (userId) => {
          erased += await events.eraseUser(userId);
          return erased;
        },
      };
    },
  ],
]);

/** Removes as it should, and hides more than that. */
function hiding(isHidden: (event: NumberedEvent, before: number, feed: readonly NumberedEvent[]) => boolean) {
  return (events: EventStore): Partial<EventStore> => {
    const hidden = new Set<number>();
    return {
      removeOld: async (before, limit) => {
        const feed = await events.list(ALL);
        for (const event of feed) if (isHidden(event, before, feed)) hidden.add(event.number);
        return events.removeOld(before, limit);
      },
      list: async (query) => (await events.list(query)).filter(({ number }) => !hidden.has(number)),
    };
  };
}

const removals = brokenEvents([
  [
    "removeOld removes the newest event",
    hiding((_, before, feed) => feed.every(({ time }) => time < before)),
  ],
  ["removeOld removes old events behind one that is not", hiding(({ time }, before) => time < before)],
  [
    "removeOld removes the event of its time",
    (events) => ({ removeOld: (before, limit) => events.removeOld(before + 1, limit) }),
  ],
  [
    "removeOld takes no heed of its limit",
    (events) => ({ removeOld: (before) => events.removeOld(before, 100_000) }),
  ],
  [
    "removeOld removes one event less than it may",
    (events) => ({ removeOld: (before, limit) => events.removeOld(before, limit - 1) }),
  ],
  [
    "removeOld answers with its limit",
    (events) => ({
      removeOld: async (before, limit) => ((await events.removeOld(before, limit)) > 0 ? limit : 0),
    }),
  ],
  [
    "removeOld numbers what is left anew",
    (events) => {
      let removed = 0;
      return {
        removeOld: async (before, limit) => {
          const count = await events.removeOld(before, limit);
          removed += count;
          return count;
        },
        list: async (query) =>
          (await events.list(query)).map((event) => ({ ...event, number: event.number - removed })),
      };
    },
  ],
]);

function brokenPrincipals(
  cases: readonly (readonly [
    title: string,
    overrides: (target: PrincipalStore) => Partial<PrincipalStore>,
  ])[],
): readonly Breakage[] {
  return cases.map(([title, overrides]) => ({
    title,
    noun: "principals",
    breakStore: breakPart("principals", (target) => overrides(target)),
  }));
}

const principals = brokenPrincipals([
  [
    "listOfUser gives the user alone, not the user within organizations",
    (target) => ({
      listOfUser: async (userId, limit) =>
        (await target.listOfUser(userId, limit)).filter(({ owner }) => owner.organizationId === undefined),
    }),
  ],
  [
    "listOfUser takes no heed of its limit",
    (target) => ({ listOfUser: (userId) => target.listOfUser(userId, 100_000) }),
  ],
  [
    "listOfUser gives records as they were first",
    (target) => {
      const first = new Map<string, PrincipalRecord>();
      return {
        write: async (next, event) => {
          if (!first.has(next.principalId)) first.set(next.principalId, next);
          return target.write(next, event);
        },
        listOfUser: async (userId, limit) =>
          [...first.values()].filter(({ owner }) => owner.userId === userId).slice(0, limit),
      };
    },
  ],
  [
    "listOfUser finds users whose id begins so",
    (target) => {
      const users = new Set<string>();
      return {
        write: async (next, event) => {
          if (next.owner.userId !== undefined) users.add(next.owner.userId);
          return target.write(next, event);
        },
        listOfUser: async (userId, limit) => {
          const fitting = [...users].filter((user) => user.startsWith(userId));
          const found = await Promise.all(fitting.map((user) => target.listOfUser(user, limit)));
          return found.flat().slice(0, limit);
        },
      };
    },
  ],
]);

export const brokenErasure: readonly Breakage[] = [...erasures, ...removals, ...principals];
