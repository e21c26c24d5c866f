// Guarantees that events which cannot be told hold up changes, and never a revocation: a document's outbox
// takes so many of them, and empties in order as soon as it can.
import { expect, it } from "vitest";
import type { Event } from "../../src/domain/audit/event.ts";
import type { KeyRecord } from "../../src/domain/key.ts";
import { isStoreUnavailable } from "../../src/store/errors.ts";
import { mongoStoreOn } from "../../src/store/mongo/mongo-store.ts";
import { OUTBOX_EVENTS_MAX } from "../../src/store/mongo/outbox/guarded-write.ts";
import type { Store } from "../../src/store/store.ts";
import { describeMongo, useTestDatabase } from "../mongo-server.ts";
import {
  creationOf,
  FAR_FUTURE,
  firstRaiseOf,
  importOf,
  type KeyChange,
  keyAt,
  raiseOf,
  refreshOf,
  revocationOf,
} from "./build.ts";
import { readFeed } from "./contract/case.ts";
import { connectionLost, type Interceptor, interceptedDb } from "./crash/intercepted-db.ts";

// Everything but the feed works.
const withoutFeed: Interceptor = (operation, collection, method) =>
  collection === "events" && method === "insertOne" ? Promise.reject(connectionLost()) : operation();

describeMongo("an outbox", () => {
  const database = useTestDatabase();

  const openNode = (intercept?: Interceptor): Promise<Store> => {
    const { db } = database();
    return mongoStoreOn(intercept === undefined ? db : interceptedDb(db, intercept), async () => {});
  };

  /** A key whose outbox is full. */
  async function fillOutbox(
    node: Store,
  ): Promise<{ readonly key: KeyRecord; readonly events: readonly Event[] }> {
    let key = keyAt(1);
    const events = [creationOf(key)];
    await expect(node.keys.insert(key, creationOf(key, events[0]))).rejects.toSatisfy(isStoreUnavailable);
    while (events.length < OUTBOX_EVENTS_MAX) {
      const { next, event } = refreshOf(key);
      await expect(node.keys.update(next, event)).rejects.toSatisfy(isStoreUnavailable);
      expect(await node.keys.read(key.keyId)).toEqual(next);
      events.push(event);
      key = next;
    }
    return { key, events };
  }

  async function expectTold(node: Store, events: readonly Event[]): Promise<void> {
    await node.events.relayPending(FAR_FUTURE);
    expect((await readFeed(node)).map(({ eventId }) => eventId)).toEqual(
      events.map(({ eventId }) => eventId),
    );
  }

  it(`takes ${OUTBOX_EVENTS_MAX} events; the next change is not written`, async () => {
    await database().empty();
    const node = await openNode(withoutFeed);
    const { key, events } = await fillOutbox(node);
    const { next, event } = refreshOf(key);
    await node.keys.update(next, event).catch(() => {});
    expect(await node.keys.read(key.keyId)).toEqual(key);
    await expectTold(await openNode(), events);
  });

  it("that is full and cannot be emptied answers a change with backlog", async () => {
    await database().empty();
    const node = await openNode(withoutFeed);
    const { key } = await fillOutbox(node);
    const { next, event } = refreshOf(key);
    expect(await node.keys.update(next, event)).toBe("backlog");
  });

  it("that is full takes a revocation all the same", async () => {
    await database().empty();
    const node = await openNode(withoutFeed);
    const { key, events } = await fillOutbox(node);
    const { next, event } = revocationOf(key);
    await expect(node.keys.update(next, event)).rejects.toSatisfy(isStoreUnavailable);
    expect(await node.keys.read(key.keyId)).toEqual(next);
    const sound = await openNode();
    expect(await sound.keys.confirm(key.keyId, next.revision)).toBe(true);
    await expectTold(sound, [...events, event]);
  });

  it("of a principal takes every raise", async () => {
    await database().empty();
    const node = await openNode(withoutFeed);
    const events: Event[] = [];
    for (let change = firstRaiseOf(); events.length < OUTBOX_EVENTS_MAX + 2; change = raiseOf(change.next)) {
      const { next, event } = change;
      await expect(node.principals.write(next, event)).rejects.toSatisfy(isStoreUnavailable);
      expect(await node.principals.read([next.principalId])).toEqual(new Map([[next.principalId, next]]));
      events.push(event);
    }
    await expectTold(await openNode(), events);
  });

  it("that holds an event keeps its key from being removed until the event is told", async () => {
    await database().empty();
    const key = keyAt(1);
    const created = creationOf(key);
    const node = await openNode(withoutFeed);
    await expect(node.keys.insert(key, created)).rejects.toSatisfy(isStoreUnavailable);
    const sound = await openNode();
    expect(await sound.keys.remove(key.keyId, 1)).toBe(false);
    expect(await sound.keys.read(key.keyId)).toEqual(key);
    await expectTold(sound, [created]);
    expect(await sound.keys.remove(key.keyId, 1)).toBe(true);
  });

  it("of a batch's first key holds the event of all", async () => {
    await database().empty();
    const keys = [1, 2, 3].map((seed) => keyAt(seed));
    const event = importOf(keys);
    const node = await openNode(withoutFeed);
    await expect(node.keys.insertBatch(keys, event)).rejects.toSatisfy(isStoreUnavailable);
    const sound = await openNode();
    for (const key of keys) expect(await sound.keys.read(key.keyId)).toEqual(key);
    const removed = [];
    for (const { keyId } of keys) removed.push(await sound.keys.remove(keyId, 1));
    expect(removed).toEqual([false, true, true]);
    await expectTold(sound, [event]);
  });

  it("that is full is emptied by the next change that can, which is then written", async () => {
    await database().empty();
    const { key, events } = await fillOutbox(await openNode(withoutFeed));
    const sound = await openNode();
    const { next, event } = refreshOf(key);
    expect(await sound.keys.update(next, event)).toBe("written");
    await expectTold(sound, [...events, event]);
  });

  it("that is full and emptied while another writer is faster answers conflict", async () => {
    await database().empty();
    const { key, events } = await fillOutbox(await openNode(withoutFeed));
    const sound = await openNode();
    const faster: KeyChange = refreshOf(key);
    let pulls = 0;
    // Right after the last event has left the outbox, the other one writes.
    const slow = await openNode(async (operation, collection, method) => {
      const result = await operation();
      const isLastPull =
        collection === "user_keys" && method === "updateOne" && ++pulls === OUTBOX_EVENTS_MAX;
      if (isLastPull) expect(await sound.keys.update(faster.next, faster.event)).toBe("written");
      return result;
    });
    const late = refreshOf(key);
    expect(await slow.keys.update(late.next, late.event)).toBe("conflict");
    expect(pulls).toBe(OUTBOX_EVENTS_MAX);
    await expectTold(sound, [...events, faster.event]);
  });
});
