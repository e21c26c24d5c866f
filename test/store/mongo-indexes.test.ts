// Guarantees that no query of the MongoDB store reads a whole collection. The queries are taken from the
// wire as the store sends them, and the server is asked how it would answer each.
import type { CommandStartedEvent, Document } from "mongodb";
import { afterAll, beforeAll, expect, it } from "vitest";
import { KEY_TYPES } from "../../src/domain/key-type.ts";
import { mongoStoreOn, openMongoStore } from "../../src/store/mongo/mongo-store.ts";
import type { KeyQuery, Store } from "../../src/store/store.ts";
import { START } from "../domain/build.ts";
import { describeMongo, useTestDatabase } from "../mongo-server.ts";
import { countOf, FAR_FUTURE, firstRaiseOf, keyAt, keyIdAt, refreshOf } from "./build.ts";
import { insertKeys, readFeed } from "./contract/case.ts";
import { Fuse } from "./crash/fuse.ts";
import { interceptedDb } from "./crash/intercepted-db.ts";

const KEYS = countOf(40, 500);
const SLOT_ID = "slot-3";
const REQUEST_KEY = "request-3";
const NAME = "build";
/** Of two keys. */
const RARE_NAME = "deploy";
const USE = { keyId: keyIdAt(3), time: START, address: "", userAgent: "", count: 1 };
const QUOTA = { keyId: keyIdAt(3), period: { id: "2030-01", endTime: START + 1_000 } };
const AFTER = { createTime: START + 3_000, keyId: keyAt(3).keyId };

const EXPLAINED = new Set(["find", "findAndModify", "update", "delete"]);

/** The server plans one operation of a batch at a time. */
function singleCommands(command: Document): readonly Document[] {
  const { lsid: _, $db: __, $clusterTime: ___, writeConcern: ____, ...bare } = command;
  const { updates } = bare;
  return Array.isArray(updates) ? updates.map((update) => ({ ...bare, updates: [update] })) : [bare];
}

/** All stages of a plan, the outermost first. */
function stagesOf(plan: Document): readonly string[] {
  const inner = [plan["inputStage"], ...(plan["inputStages"] ?? []), plan["queryPlan"]];
  return [plan["stage"], ...inner.filter(Boolean).flatMap(stagesOf)].filter(Boolean);
}

function listBy(query: Partial<KeyQuery>): (store: Store) => Promise<unknown> {
  return (store) => store.keys.list({ types: KEY_TYPES, owner: {}, limit: 3, ...query });
}

const OWNERS = [
  { userId: "user-1" },
  { organizationId: "org-1" },
  { serviceAccountId: "account-1" },
  { userId: "user-1", organizationId: "org-1" },
] as const;

/** Queries by the index that they must not do without. */
const QUERIES: readonly { readonly title: string; run(store: Store): Promise<unknown> }[] = [
  { title: "list without a filter", run: listBy({}) },
  { title: "list behind a position", run: listBy({ after: AFTER }) },
  ...OWNERS.flatMap((owner) => [
    { title: `list of ${JSON.stringify(owner)}`, run: listBy({ owner }) },
    { title: `list of ${JSON.stringify(owner)} behind a position`, run: listBy({ owner, after: AFTER }) },
  ]),
  { title: "list by name", run: listBy({ name: NAME }) },
  { title: "list by name behind a position", run: listBy({ name: NAME, after: AFTER }) },
  { title: "list by name and owner", run: listBy({ name: NAME, owner: OWNERS[0] }) },
  {
    title: "a list of those that end in a span",
    run: listBy({ expireFrom: START + 3_000, expireBefore: START + 5_000 }),
  },
  { title: "a list of those that end before a time", run: listBy({ expireBefore: START + 3_000 }) },
  { title: "readSlotHolder", run: (store) => store.keys.readSlotHolder("user", SLOT_ID) },
  { title: "readRequest", run: (store) => store.keys.readRequest(REQUEST_KEY) },
  { title: "read of a key", run: (store) => store.keys.read(keyAt(3).keyId) },
  { title: "read of a principal", run: (store) => store.principals.read([firstRaiseOf().next.principalId]) },
  {
    title: "readMany of principals",
    run: (store) => store.principals.readMany([firstRaiseOf().next.principalId]),
  },
  { title: "listOfUser", run: (store) => store.principals.listOfUser("user-1", 9) },
  { title: "relayPending", run: (store) => store.events.relayPending(FAR_FUTURE) },
  { title: "events.list without a filter", run: (store) => readFeed(store) },
  { title: "events.list of a key", run: (store) => readFeed(store, { keyId: keyAt(3).keyId }) },
  ...OWNERS.map((owner) => ({
    title: `events.list of ${JSON.stringify(owner)}`,
    run: (store: Store) => readFeed(store, { owner }),
  })),
  { title: "events.list of a caller", run: (store) => readFeed(store, { caller: "caller-1" }) },
  { title: "eraseUser", run: (store) => store.events.eraseUser("nobody") },
  { title: "removeOld", run: (store) => store.events.removeOld(0, 9) },
  { title: "usage.readMany", run: (store) => store.usage.readMany([keyIdAt(3)]) },
  { title: "usage.add", run: (store) => store.usage.add([USE]) },
  { title: "usage.remove", run: (store) => store.usage.remove(keyIdAt(1)) },
  { title: "quotas.grant", run: (store) => store.quotas.grant(QUOTA, { leaseId: "b", size: 9 }, 9) },
  { title: "quotas.giveBack", run: (store) => store.quotas.giveBack(QUOTA, "nobody", 1) },
  { title: "quotas.removeEnded", run: (store) => store.quotas.removeEnded(START, 9) },
  { title: "quotas.remove", run: (store) => store.quotas.remove("nobody") },
  { title: "keys.remove", run: (store) => store.keys.remove(keyIdAt(3), 9) },
];

describeMongo("indexes", () => {
  const database = useTestDatabase();
  let store: Store;

  beforeAll(async () => {
    store = await openMongoStore(database().uri);
    const owners = [{}, ...OWNERS];
    for (let seed = 0; seed < KEYS; seed++) {
      const owner = owners[seed % owners.length];
      // A place and a request of each key's own: the right one must be found among many.
      const slot = { id: `slot-${seed}`, number: KEYS - seed };
      const request = { key: `request-${seed}`, digest: "" };
      const times = { createTime: START + seed * 1_000, expireTime: START + seed * 2_000 };
      const name = seed % 17 === 9 && seed < 30 ? RARE_NAME : seed % 2 === 0 ? NAME : "";
      await insertKeys(store, keyAt(seed, { owner, ...times, name, slot, request }));
      await store.usage.add([{ ...USE, keyId: keyIdAt(seed) }]);
      const count = { ...QUOTA, keyId: keyIdAt(seed) };
      await store.quotas.grant(count, { leaseId: "a", size: 9 }, 9);
    }
    const { next, event } = firstRaiseOf();
    await store.principals.write(next, event);
  });
  afterAll(() => store.close());

  /** The commands that a call sends, as the server plans to run them. */
  async function explain(
    run: (store: Store) => Promise<unknown>,
    verbosity = "queryPlanner",
  ): Promise<readonly Document[]> {
    const { db, client } = database();
    const node = await mongoStoreOn(db, async () => {});
    const commands: Document[] = [];
    const note = ({ commandName, command }: CommandStartedEvent) => {
      if (EXPLAINED.has(commandName)) commands.push(command);
    };
    client.on("commandStarted", note);
    await run(node);
    client.off("commandStarted", note);
    const single = commands.flatMap(singleCommands);
    return Promise.all(single.map((command) => db.command({ explain: command, verbosity })));
  }

  it.each(QUERIES)("$title reads by an index, in its order", async ({ run }) => {
    const plans = await explain(run);
    expect(plans.length).toBeGreaterThan(0);
    for (const { queryPlanner } of plans) {
      const stages = stagesOf(queryPlanner.winningPlan);
      // An empty collection has nothing to scan, and says so.
      if (stages.join() === "EOF") continue;
      expect(stages).not.toContain("COLLSCAN");
      expect(stages.join(" "), queryPlanner.namespace).toMatch(/IXSCAN|IDHACK|EXPRESS/);
    }
  });

  it.each(QUERIES.filter(({ title }) => title.startsWith("list")))(
    "$title sorts nothing in memory",
    async ({ run }) => {
      for (const { queryPlanner } of await explain(run)) {
        expect(stagesOf(queryPlanner.winningPlan)).not.toContain("SORT");
      }
    },
  );

  it.each(["readSlotHolder", "readRequest", "read of a key", "read of a principal"])(
    "%s looks at one document of each collection at most",
    async (title) => {
      const query = QUERIES.find((each) => each.title === title);
      if (query === undefined) throw new RangeError(`no query is called ${title}`);
      for (const { executionStats } of await explain(query.run, "executionStats")) {
        expect(executionStats.totalDocsExamined).toBeLessThanOrEqual(1);
      }
    },
  );

  it.each([
    ["of a name", { name: RARE_NAME }, 2],
    ["that end in a span", { expireFrom: START + 6_000, expireBefore: START + 10_001 }, 3],
    ["that end before a time", { expireBefore: START + 4_001 }, 3],
  ] as const)("list looks at the keys %s alone, however many there are", async (_, query, count) => {
    const run = (node: Store) => node.keys.list({ types: ["user"], owner: {}, limit: 100, ...query });
    expect(await run(store)).toHaveLength(count);
    const plans = await explain(run, "executionStats");
    const examined = plans.map(({ executionStats }) => Number(executionStats.totalDocsExamined));
    expect(examined.reduce((sum, each) => sum + each, 0)).toBe(count);
  });

  it("the sweeper looks at the waiting documents alone, however many keys there are", async () => {
    const fuse = new Fuse();
    const dying = await mongoStoreOn(interceptedDb(database().db, fuse.intercept), async () => {});
    fuse.dieAt(2, "is not sent");
    const { next, event } = refreshOf(keyAt(7, { owner: OWNERS[1], createTime: START + 7_000 }));
    await dying.keys.update(next, event).catch(() => {});
    const plans = await explain(async (node) => node.events.relayPending(0), "executionStats");
    const examined = plans.map(({ executionStats }) => Number(executionStats.totalDocsExamined));
    expect(examined.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(await store.events.relayPending(FAR_FUTURE)).toBe(1);
  });

  it("a second start, and two at once, leave the indexes as they are", async () => {
    const indexes = async () => {
      const collections = await database().db.collections();
      const found = collections.map(async (each) => [each.collectionName, await each.indexes()] as const);
      return new Map(await Promise.all(found));
    };
    const before = await indexes();
    const again = await Promise.all([openMongoStore(database().uri), openMongoStore(database().uri)]);
    expect(await indexes()).toEqual(before);
    for (const each of again) await each.close();
  });

  it("key collections have no unique index but `_id`, so that `_id` can be a hashed shard key", async () => {
    for (const type of [...KEY_TYPES.map((each) => `${each}_keys`), "principals"]) {
      const indexes = await database().db.collection(type).indexes();
      expect(indexes.filter(({ unique, name }) => unique === true && name !== "_id_")).toEqual([]);
    }
  });
});
