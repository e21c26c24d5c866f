// The contract on MongoDB by three nodes: each call goes to another one, so every answer must hold for all
// of them.
import { beforeAll } from "vitest";
import { mongoStoreOn } from "../../src/store/mongo/mongo-store.ts";
import type { Store } from "../../src/store/store.ts";
import { describeMongo, useTestDatabase } from "../mongo-server.ts";
import { spreadStore } from "./contract/spread-store.ts";
import { describeNoun, SPREAD_NOUNS } from "./contract/suite.ts";

describeMongo("MongoDB, three nodes", () => {
  const database = useTestDatabase();
  let nodes: readonly Store[];

  beforeAll(async () => {
    const open = () => mongoStoreOn(database().db, async () => {});
    // Opened at once on a new database, as nodes of a deployment are.
    nodes = await Promise.all([open(), open(), open()]);
  });

  // Nodes keep nothing between calls, so the same ones serve an emptied database.
  const openSpread = async () => {
    await database().empty();
    return spreadStore(nodes);
  };
  for (const noun of SPREAD_NOUNS) describeNoun(noun, openSpread);
});
