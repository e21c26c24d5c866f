// How a MongoDB store is opened: a server that does not answer, a `head` that lags behind the feed, and a
// URI that asks for less than the store's promises need.
import type { Document, MongoClientOptions } from "mongodb";
import { expect, it, vi } from "vitest";
import { isStoreUnavailable } from "../../src/store/errors.ts";
import { openMongoStore } from "../../src/store/mongo/mongo-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { describeMongo, useTestDatabase } from "../mongo-server.ts";
import { creationOf, importOf, keyAt } from "./build.ts";
import { expectFeed, insertKeys, readFeed } from "./contract/case.ts";

const commands = vi.hoisted((): Document[] => []);

// Notes what the store's own client sends, to see what its options come to in the end.
vi.mock(import("mongodb"), async (load) => {
  const driver = await load();
  class NotedClient extends driver.MongoClient {
    constructor(uri: string, options?: MongoClientOptions) {
      super(uri, { ...options, monitorCommands: true });
      this.on("commandStarted", ({ command }) => commands.push(command));
    }
  }
  return { ...driver, MongoClient: NotedClient };
});

it("without a server it rejects with unavailable, in bounded time", async () => {
  // The port of the discard service: nobody listens there.
  await expect(openMongoStore("mongodb://127.0.0.1:9/fleetkey")).rejects.toSatisfy(isStoreUnavailable);
});

describeMongo("opening a MongoDB store", () => {
  const database = useTestDatabase();

  it("openStore opens what its address names", async () => {
    const store = await openStore({ kind: "mongodb", uri: database().uri });
    const events = await insertKeys(store, keyAt(1));
    await expectFeed(store, events);
    await store.close();
  });

  it("a head that lags behind the feed, as after a restore, draws no number twice", async () => {
    await database().empty();
    const first = await openMongoStore(database().uri);
    const earlier = await insertKeys(first, ...[1, 2, 3].map((seed) => keyAt(seed)));
    await first.close();
    await database().db.collection("head").deleteMany({});
    const second = await openMongoStore(database().uri);
    expect(await database().db.collection("head").findOne({})).toMatchObject({ number: 3 });
    const later = await insertKeys(second, keyAt(4));
    await expectFeed(second, [...earlier, ...later]);
    await second.close();
  });

  it("a head that falls back while nodes run still draws no number twice", async () => {
    await database().empty();
    const store = await openMongoStore(database().uri);
    const earlier = await insertKeys(store, ...[1, 2, 3].map((seed) => keyAt(seed)));
    await database()
      .db.collection("head")
      .updateMany({}, { $set: { number: 0 } });
    const later = await insertKeys(store, keyAt(4));
    await expectFeed(store, [...earlier, ...later]);
    await store.close();
  });

  it("what is written is seen at once by a node that was opened before", async () => {
    await database().empty();
    const [writer, reader] = [await openMongoStore(database().uri), await openMongoStore(database().uri)];
    const key = keyAt(1);
    expect(await writer.keys.insert(key, creationOf(key))).toBe(true);
    expect(await reader.keys.read(key.keyId)).toEqual(key);
    expect(await readFeed(reader)).toHaveLength(1);
    await Promise.all([writer.close(), reader.close()]);
  });

  it.each(["w=1", "w=0", "journal=false", "readPreference=secondary", "readConcernLevel=available"])(
    "a URI with %s does not weaken the store: it writes to a majority's journal and reads from the primary",
    async (option) => {
      await database().empty();
      const uri = new URL(database().uri);
      uri.searchParams.append(...(option.split("=") as [string, string]));
      // To refuse such a URI would be as good.
      const store = await openMongoStore(uri.href).catch(() => undefined);
      if (store === undefined) return;
      commands.length = 0;
      const key = keyAt(9);
      await store.keys.insert(key, creationOf(key));
      await store.keys.confirm(key.keyId, 1);
      await store.keys.list({ types: ["user"], owner: {}, limit: 1 });
      await store.keys.replaceMac(key.keyId, 1, key.generations[0].mac, { version: 2, value: "mac" });
      const batch = [keyAt(9), keyAt(10), keyAt(11)];
      await store.keys.insertBatch(batch, importOf(batch));
      await store.keys.remove(keyAt(10).keyId, 1);
      const count = { keyId: key.keyId, period: { id: "all" } };
      await store.quotas.grant(count, { leaseId: "a", size: 2 }, 9);
      await store.quotas.giveBack(count, "a", 1);
      await store.events.eraseUser("user-1");
      await store.close();
      const writes = commands.filter(
        (command) => command.insert ?? command.update ?? command.delete ?? command.findAndModify,
      );
      expect(writes.length).toBeGreaterThanOrEqual(10);
      for (const { writeConcern } of writes) expect(writeConcern).toEqual({ w: "majority", j: true });
      const finds = commands.filter((command) => command.find);
      expect(finds).toHaveLength(2);
      for (const { readConcern, $readPreference } of finds) {
        expect(["local", "majority"]).toContain(readConcern?.level ?? "local");
        expect(["primary", "primaryPreferred"]).toContain($readPreference?.mode ?? "primary");
      }
    },
  );

  it("a closed store answers unavailable", async () => {
    const store = await openMongoStore(database().uri);
    await store.close();
    await expect(store.keys.read(keyAt(1).keyId)).rejects.toSatisfy(isStoreUnavailable);
    await expect(store.ping()).rejects.toSatisfy(isStoreUnavailable);
  });
});
