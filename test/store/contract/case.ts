// What a case of the contract is: data, so that the suite can run it on every backend and
// broken-store.test.ts on stores that must fail it; and what the cases say about the feed of events.
import { expect } from "vitest";
import type { Event, NumberedEvent } from "../../../src/domain/audit/event.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import type { EventQuery, Store } from "../../../src/store/store.ts";
import { countOf, creationOf } from "../build.ts";

/** How many write at once. */
export const WRITERS = countOf(8, 50);

/**
 * One statement of the contract. `run` gets a fresh, empty store and throws when the statement does not
 * hold.
 */
export interface StoreCase {
  readonly title: string;
  run(store: Store): Promise<void>;
}

/** The whole feed, or what of it fits the filters. */
export function readFeed(store: Store, filters: Partial<EventQuery> = {}): Promise<readonly NumberedEvent[]> {
  return store.events.list({ owner: {}, after: 0, limit: 100_000, ...filters });
}

/** The feed holds these events, each once and in this order, under ascending numbers. */
export async function expectFeed(store: Store, events: readonly Event[]): Promise<void> {
  const feed = await readFeed(store);
  expect(feed.map(withoutNumber)).toEqual(events);
  expectAscending(feed);
}

/** The feed holds these events, each once, in whatever order. */
export async function expectFeedHolds(store: Store, events: readonly Event[]): Promise<void> {
  const feed = await readFeed(store);
  const byId = (a: Event, b: Event) => (a.eventId < b.eventId ? -1 : 1);
  expect(feed.map(withoutNumber).sort(byId)).toEqual([...events].sort(byId));
  expectAscending(feed);
}

export function expectAscending(feed: readonly NumberedEvent[]): void {
  const numbers = feed.map(({ number }) => number);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  expect(numbers.every((number) => Number.isSafeInteger(number) && number > 0)).toBe(true);
}

export function withoutNumber({ number: _, ...event }: NumberedEvent): Event {
  return event;
}

/** Writes new keys, one after the other. Returns their events. */
export async function insertKeys(store: Store, ...keys: readonly KeyRecord[]): Promise<readonly Event[]> {
  const events: Event[] = [];
  for (const key of keys) {
    const event = creationOf(key);
    expect(await store.keys.insert(key, event)).toBe(true);
    events.push(event);
  }
  return events;
}

export function times<Result>(count: number, make: (index: number) => Result): readonly Result[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** Waits for every writer, even when one fails: none may go on writing into another case's store. */
export async function allSettled<Result>(writers: readonly Promise<Result>[]): Promise<readonly Result[]> {
  await Promise.allSettled(writers);
  return Promise.all(writers);
}
