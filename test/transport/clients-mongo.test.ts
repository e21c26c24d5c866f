// Every case once more against a service whose keys lie in MongoDB: the answers do not tell the store.
import { describeMongo, useTestDatabase } from "../mongo-server.ts";
import { PEPPER } from "../system/stores.ts";
import { connectWebJson } from "./clients/connect-transports.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { describeEveryCase } from "./every-case.ts";

describeMongo("on MongoDB", () => {
  const database = useTestDatabase();
  describeEveryCase(
    [
      { title: "grpc-js, gRPC over h2c", open: grpcJs },
      { title: "connect-web, Connect JSON", open: connectWebJson },
    ],
    {
      // Read once the suite begins: there is no database before.
      get FLEETKEY_STORE() {
        return database().uri;
      },
      FLEETKEY_PEPPERS: `1:${PEPPER.toString("base64")}`,
    },
  );
});
