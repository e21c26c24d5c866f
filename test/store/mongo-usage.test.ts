// How uses are written to MongoDB: what of a batch is refused in a race is written again with all behind it,
// and only what may be forgotten is written in a way that can be.
import type { CommandStartedEvent, Document } from "mongodb";
import { MongoBulkWriteError, type MongoClient } from "mongodb";
import { expect, it } from "vitest";
import { erasedUse, type KeyUse } from "../../src/domain/usage.ts";
import { isStoreUnavailable } from "../../src/store/errors.ts";
import { mongoStoreOn } from "../../src/store/mongo/mongo-store.ts";
import { START } from "../domain/build.ts";
import { describeMongo, useTestDatabase } from "../mongo-server.ts";
import { keyIdAt } from "./build.ts";
import { interceptedDb } from "./crash/intercepted-db.ts";

const useOf = (seed: number): KeyUse => ({
  keyId: keyIdAt(seed),
  time: START,
  address: "192.0.2.1",
  userAgent: "agent",
  count: 1,
});

/** What the driver throws when operations of a batch were refused with this code. */
function bulkError(code: number, ...indexes: readonly number[]): MongoBulkWriteError {
  const writeErrors = indexes.map((index) => ({ index, code, errmsg: "refused" }));
  const result = { getWriteConcernError: () => undefined } as unknown as MongoBulkWriteError["result"];
  return new MongoBulkWriteError({ message: "refused", code, writeErrors: writeErrors as never }, result);
}

/** The commands that a call sends. */
async function commandsOf(client: MongoClient, call: () => Promise<unknown>): Promise<readonly Document[]> {
  const commands: Document[] = [];
  const note = ({ command }: CommandStartedEvent) => commands.push(command);
  client.on("commandStarted", note);
  await call();
  client.off("commandStarted", note);
  return commands;
}

describeMongo("uses in MongoDB", () => {
  const database = useTestDatabase();

  const openRefusing = (errors: readonly MongoBulkWriteError[]) => {
    const left = [...errors];
    const db = interceptedDb(database().db, (operation, collection, method) => {
      const error = collection === "usage" && method === "bulkWrite" ? left.shift() : undefined;
      return error === undefined ? operation() : Promise.reject(error);
    });
    return mongoStoreOn(db, async () => {});
  };

  it("of which one is refused, as another node was faster, are written from there on", async () => {
    await database().empty();
    // Two operations a key. The first two were done then, as far as the store can tell.
    const store = await openRefusing([bulkError(11_000, 2)]);
    await store.usage.add([useOf(1), useOf(2), useOf(3)]);
    const found = await store.usage.readMany([1, 2, 3].map((seed) => keyIdAt(seed)));
    expect([...found.keys()].sort()).toEqual([keyIdAt(2), keyIdAt(3)].sort());
  });

  it("are written however often one is refused", async () => {
    await database().empty();
    const store = await openRefusing([bulkError(11_000, 0), bulkError(11_000, 0), bulkError(11_000, 0)]);
    await store.usage.add([useOf(1)]);
    expect((await store.usage.readMany([keyIdAt(1)])).get(keyIdAt(1))?.count).toBe(1);
  });

  it.each([
    ["of another kind", bulkError(121, 0)],
    ["of two kinds", bulkError(121, 0, 1)],
    ["of none", bulkError(64)],
  ])("with an error %s are unavailable", async (_, error) => {
    await database().empty();
    const store = await openRefusing([error]);
    await expect(store.usage.add([useOf(1)])).rejects.toSatisfy(isStoreUnavailable);
  });

  it("wait for no majority, unless an erasure is among them, which must not be taken back", async () => {
    await database().empty();
    const { db, client } = database();
    const store = await mongoStoreOn(db, async () => {});
    const uses = await commandsOf(client, () => store.usage.add([useOf(1), useOf(2)]));
    expect(uses.map(({ update, writeConcern }) => [update, writeConcern])).toEqual([["usage", { w: 1 }]]);
    const erasures = await commandsOf(client, () => store.usage.add([useOf(1), erasedUse(keyIdAt(2))]));
    expect(erasures.map(({ update, writeConcern }) => [update, writeConcern])).toEqual([
      ["usage", { w: "majority", j: true }],
    ]);
    const removals = await commandsOf(client, () => store.usage.remove(keyIdAt(1)));
    expect(removals.map(({ writeConcern }) => writeConcern)).toEqual([{ w: "majority", j: true }]);
  });
});
