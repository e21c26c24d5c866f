// The feed in MongoDB where it holds more than events, and more of them than one write takes: numbers that
// were drawn and not needed, and users with many events.
import { beforeEach, expect, it } from "vitest";
import { mongoStoreOn } from "../../src/store/mongo/mongo-store.ts";
import type { Store } from "../../src/store/store.ts";
import { START } from "../domain/build.ts";
import { describeMongo, useTestDatabase } from "../mongo-server.ts";
import { creationOf, keyAt } from "./build.ts";
import { insertKeys, readFeed } from "./contract/case.ts";

describeMongo("the feed in MongoDB", () => {
  const database = useTestDatabase();
  let store: Store;

  beforeEach(async () => {
    await database().empty();
    store = await mongoStoreOn(database().db, async () => {});
  });

  const events = () => database().db.collection<{ _id: number; kind?: string }>("events");

  /** Writes the feed as it is: at a time, or the filling of a number. */
  async function fill(...times: readonly (number | "void")[]): Promise<void> {
    const documents = times.map((time, index) => {
      const _id = index + 1;
      if (time === "void") return { _id, eventId: `void_${_id}`, kind: "void" };
      return { _id, ...creationOf(keyAt(_id), { time: START + time }) };
    });
    await events().insertMany(documents, { ignoreUndefined: true });
  }

  const numbers = async () =>
    (
      await events()
        .find({}, { sort: { _id: 1 }, projection: { _id: 1 } })
        .toArray()
    ).map(({ _id }) => _id);

  it("removeOld goes over fillings and takes them with it", async () => {
    await fill("void", 1, "void", "void", 2, 9, "void", 9);
    expect(await store.events.removeOld(START + 5, 2)).toBe(2);
    expect(await numbers()).toEqual([3, 4, 5, 6, 7, 8]);
    expect(await store.events.removeOld(START + 5, 10)).toBe(3);
    expect(await numbers()).toEqual([6, 7, 8]);
    expect(await store.events.removeOld(START + 5, 10)).toBe(0);
  });

  it("removeOld never removes the newest event, nor what fills numbers behind it", async () => {
    await fill(1, 2, 3, "void", "void");
    expect(await store.events.removeOld(START + 5, 10)).toBe(2);
    expect(await numbers()).toEqual([3, 4, 5]);
    expect((await readFeed(store)).map(({ number }) => number)).toEqual([3]);
    expect(await store.events.removeOld(START + 5, 10)).toBe(0);
  });

  it("removeOld leaves fillings alone where there is no event yet", async () => {
    await fill("void", "void");
    expect(await store.events.removeOld(START + 5, 10)).toBe(0);
    expect(await numbers()).toEqual([1, 2]);
  });

  it("removeOld does not let a node that starts afterwards draw a number twice", async () => {
    await insertKeys(store, keyAt(1), keyAt(2), keyAt(3));
    expect(await store.events.removeOld(Number.MAX_SAFE_INTEGER, 10)).toBe(2);
    await database().db.collection("head").deleteMany({});
    const next = await mongoStoreOn(database().db, async () => {});
    await insertKeys(next, keyAt(4));
    expect((await readFeed(next)).map(({ number }) => number)).toEqual([3, 4]);
  });

  it("A number that was drawn and not needed is an entry of the feed that names nothing", async () => {
    await fill(1, "void", 2, "void");
    const keyIds = [keyAt(1).keyId, undefined, keyAt(3).keyId, undefined];
    const expected = keyIds.map((keyId, index) => ({ number: index + 1, keyId }));
    expect(await store.feed.readAfter(0, 10)).toEqual(expected);
    expect(await store.feed.readAfter(1, 1)).toEqual([{ number: 2 }]);
    expect(await store.feed.readNumbers([4, 2])).toHaveLength(2);
  });

  it("A number whose event is not written yet counts for the head and is no entry", async () => {
    const head = database().db.collection<{ _id: string; number: number }>("head");
    await insertKeys(store, keyAt(1));
    await head.updateOne({ _id: "events" }, { $inc: { number: 1 } });
    await insertKeys(store, keyAt(3));
    expect(await store.feed.readHead()).toBe(3);
    expect((await store.feed.readAfter(0, 10)).map(({ number }) => number)).toEqual([1, 3]);
    expect(await store.feed.readNumbers([2])).toEqual([]);
    await events().insertOne({ _id: 2, ...creationOf(keyAt(2)) }, { ignoreUndefined: true });
    expect(await store.feed.readNumbers([2])).toEqual([{ number: 2, keyId: keyAt(2).keyId }]);
    expect((await store.feed.readAfter(0, 10)).map(({ number }) => number)).toEqual([1, 2, 3]);
  });

  it.each([999, 1_000, 1_001, 2_500])("eraseUser reaches all of a user's %i events", async (count) => {
    const event = creationOf(keyAt(1, { owner: { userId: "user-1" } }), { address: "192.0.2.1" });
    const of = (_id: number, userId: string) => ({ _id, ...event, eventId: `evt_${_id}`, owner: { userId } });
    const documents = Array.from({ length: count }, (_, index) => of(index + 1, "user-1"));
    await events().insertMany([...documents, of(count + 1, "user-2")], { ignoreUndefined: true });
    expect(await store.events.eraseUser("user-1")).toBe(count);
    expect(await events().countDocuments({ address: { $exists: true } })).toBe(1);
    expect(await events().countDocuments({ "owner.userId": "user-1" })).toBe(0);
    expect(await events().countDocuments({ changes: { $exists: true } })).toBe(1);
  });
});
