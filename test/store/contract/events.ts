// The contract of EventStore: one feed of all changes by number, its filters, and that nothing is left over
// or doubled by a relay when all writers came to their end.
import { expect } from "vitest";
import { EVENT_KINDS, type Event } from "../../../src/domain/audit/event.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { OWNER_FIELDS, type Owner } from "../../../src/domain/principal.ts";
import type { EventQuery, Store } from "../../../src/store/store.ts";
import { START } from "../../domain/build.ts";
import { creationOf, FAR_FUTURE, firstRaiseOf, keyAt, raiseOf, refreshOf, revocationOf } from "../build.ts";
import { expectAscending, expectFeed, readFeed, type StoreCase } from "./case.ts";

/** A walk that needs more pages goes in circles. */
const PAGES_MAX = 20;

const OWNERS: readonly Owner[] = [
  {},
  { userId: "user-1" },
  { organizationId: "org-1" },
  { serviceAccountId: "account-1" },
  { userId: "user-1", organizationId: "org-1" },
];

/**
 * A creation by another caller every second, of every type and owner, a refresh, a revocation and a raise.
 */
async function writeVaried(store: Store): Promise<readonly Event[]> {
  const events: Event[] = [];
  for (const [index, owner] of OWNERS.entries()) {
    const key = keyAt(index, {
      type: KEY_TYPES[index],
      owner,
      createTime: START + index * 1_000,
      updateTime: START + index * 1_000,
      createdBy: `caller-${index % 2}`,
    });
    const event = creationOf(key, { address: "192.0.2.1", requestId: `request-${index}` });
    expect(await store.keys.insert(key, event)).toBe(true);
    const refresh = refreshOf(key, "caller-1");
    expect(await store.keys.update(refresh.next, refresh.event)).toBe("written");
    events.push(event, refresh.event);
    if (index > 1) continue;
    const revocation = revocationOf(refresh.next);
    expect(await store.keys.update(revocation.next, revocation.event)).toBe("written");
    const raise = firstRaiseOf({ userId: `user-${index}` });
    expect(await store.principals.write(raise.next, raise.event)).toBe("written");
    events.push(revocation.event, raise.event);
  }
  return events;
}

function fits(event: Event, query: Partial<EventQuery>): boolean {
  const { keyId, owner = {}, caller, kind, startTime, endTime } = query;
  return (
    (keyId === undefined || event.keyId === keyId) &&
    OWNER_FIELDS.every((field) => owner[field] === undefined || owner[field] === event.owner[field]) &&
    (caller === undefined || event.caller === caller) &&
    (kind === undefined || event.kind === kind) &&
    (startTime === undefined || event.time >= startTime) &&
    (endTime === undefined || event.time < endTime)
  );
}

const QUERIES: readonly Partial<EventQuery>[] = [
  {},
  { keyId: keyAt(0).keyId },
  { keyId: keyAt(1, { type: KEY_TYPES[1] }).keyId },
  ...OWNERS.map((owner) => ({ owner })),
  { owner: { userId: "org-1" } },
  ...["caller-0", "caller-1", "nobody"].map((caller) => ({ caller })),
  ...EVENT_KINDS.map((kind) => ({ kind })),
  { startTime: START + 2_000 },
  { startTime: START + 2_001 },
  { endTime: START + 2_000 },
  { endTime: START + 2_001 },
  { startTime: START + 1_000, endTime: START + 3_000 },
  { startTime: START + 2_000, endTime: START + 2_000 },
  { owner: { userId: "user-1" }, kind: "key_created", caller: "caller-1" },
  { owner: { userId: "user-1", organizationId: "org-1" }, startTime: START + 4_500 },
  { keyId: keyAt(0).keyId, kind: "key_revoked", startTime: START, endTime: FAR_FUTURE },
];

/** Reads page by page until one is not full. */
async function walk(store: Store, limit: number): Promise<readonly string[]> {
  const seen: string[] = [];
  for (let after = 0, pages = 0; pages < PAGES_MAX; pages++) {
    const page = await store.events.list({ owner: {}, after, limit });
    expect(page.length).toBeLessThanOrEqual(limit);
    seen.push(...page.map(({ eventId }) => eventId));
    if (page.length < limit) return seen;
    after = page.at(-1)?.number ?? after;
  }
  throw new Error(`the walk does not end: ${seen}`);
}

const lists: readonly StoreCase[] = [
  {
    title: "events.list of an empty store: nothing",
    run: async (store) => expectFeed(store, []),
  },
  {
    title: "events.list: the event of each write once, whole, in the order of the writes",
    run: async (store) => {
      const events = await writeVaried(store);
      await expectFeed(store, events);
    },
  },
  {
    title: "events.list: the changes of one record and of one principal under ascending numbers",
    run: async (store) => {
      const key = keyAt(1);
      const events = [creationOf(key), firstRaiseOf().event];
      await store.keys.insert(key, events[0] as Event);
      let current = key;
      let raise = firstRaiseOf();
      await store.principals.write(raise.next, events[1] as Event);
      for (let round = 0; round < 5; round++) {
        const change = refreshOf(current);
        current = change.next;
        raise = raiseOf(raise.next);
        expect(await store.keys.update(change.next, change.event)).toBe("written");
        expect(await store.principals.write(raise.next, raise.event)).toBe("written");
        events.push(change.event, raise.event);
      }
      await expectFeed(store, events);
    },
  },
  {
    title: `events.list: each of ${QUERIES.length} filters lets those events through, no others`,
    run: async (store) => {
      const events = await writeVaried(store);
      for (const query of QUERIES) {
        const feed = await readFeed(store, query);
        const expected = events.filter((event) => fits(event, query)).map(({ eventId }) => eventId);
        const found = feed.map(({ eventId }) => eventId);
        expect(found, JSON.stringify(query)).toEqual(expected);
        expectAscending(feed);
      }
    },
  },
];

const wholes: readonly StoreCase[] = EVENT_KINDS.map((kind) => ({
  title: `events.list: an event of kind ${kind} with all that an event can hold, and one with the least`,
  run: async (store) => {
    const key = keyAt(1, { name: "first" });
    const full: Event = {
      ...creationOf(key),
      kind,
      address: "2001:db8::1",
      requestId: "request-1",
      reason: "leaked",
      source: "github",
      url: "https://example.com/?a=$b&c=d.e",
      principalId: "principal-1",
      changes: [
        { field: "name", after: '"first"' },
        { field: "scopes", before: '["a:*"]', after: '["$where","a\\u0000"]' },
        { field: "expire_time", before: '"2030-01-01T00:00:00.000Z"' },
      ],
      count: 4_294_967_295,
    };
    const least: Event = { eventId: "evt_least", kind, time: START, caller: "caller-1", owner: {} };
    expect(await store.keys.insert(key, full)).toBe(true);
    expect(await store.keys.insert(keyAt(2), least)).toBe(true);
    await expectFeed(store, [full, least]);
    expect(await readFeed(store, { kind })).toHaveLength(2);
    // Nothing is there but what was written: a field without a value is not one that is null.
    expect(Object.keys((await readFeed(store))[1] ?? {}).sort()).toEqual(
      [...Object.keys(least), "number"].sort(),
    );
  },
}));

const pages: readonly StoreCase[] = [
  {
    title: "events.list: pages of any size, each behind the number before it, bring the whole feed once",
    run: async (store) => {
      const events = await writeVaried(store);
      for (const limit of [1, 3, events.length, events.length + 1]) {
        const seen = await walk(store, limit);
        expect(seen, `pages of ${limit}`).toEqual(events.map(({ eventId }) => eventId));
      }
    },
  },
  {
    title: "events.list: a filter and a page go together",
    run: async (store) => {
      const events = await writeVaried(store);
      const query = { kind: "key_created", limit: 2 } as const;
      const first = await readFeed(store, query);
      const second = await readFeed(store, { ...query, after: first[1]?.number ?? 0 });
      const created = events.filter(({ kind }) => kind === "key_created").slice(0, 4);
      expect([...first, ...second].map(({ eventId }) => eventId)).toEqual(
        created.map(({ eventId }) => eventId),
      );
    },
  },
];

const relays: readonly StoreCase[] = [
  {
    title: "relayPending: 0 when every write was answered, and the feed stays as it is",
    run: async (store) => {
      expect(await store.events.relayPending(FAR_FUTURE)).toBe(0);
      const events = await writeVaried(store);
      expect(await store.events.relayPending(FAR_FUTURE)).toBe(0);
      await expectFeed(store, events);
    },
  },
];

export const eventCases: readonly StoreCase[] = [...lists, ...wholes, ...pages, ...relays];
