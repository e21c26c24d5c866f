// The contract on MongoDB by one node. mongo-nodes.test.ts has several.
import { openMongoStore } from "../../src/store/mongo/mongo-store.ts";
import { describeMongo, useTestDatabase } from "../mongo-server.ts";
import { describeContract } from "./contract/suite.ts";

describeMongo("MongoDB", () => {
  const database = useTestDatabase();
  describeContract(async () => {
    await database().empty();
    return openMongoStore(database().uri);
  });
});
