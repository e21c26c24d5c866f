// A stream lasts, and what lets its caller in can end meanwhile: each batch of an Import is asked for anew,
// by the caller's key as it is then, and counts no other use of that key.
import { fromBinary, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { type ClientDuplexStream, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  ImportOutcome,
  ImportRequestSchema,
  type ImportResponse,
  ImportResponseSchema,
} from "../../../gen/fleetkey/v1/key_service_pb.js";
import { type RunningService, runService } from "../../running-service.ts";
import { openChannel } from "../clients/grpc-js.ts";
import { type MatrixClient, overJson } from "./matrix-client.ts";
import { asRoot, importRecord, ROOT } from "./world.ts";

const FORMATS = JSON.stringify([{ name: "legacy", type: "service", pattern: "lk-[0-9-]{3,60}" }]);
const OWNER = { userId: "", organizationId: "", serviceAccountId: "billing" };

let service: RunningService;
let client: MatrixClient;
let channel: ReturnType<typeof openChannel>;
beforeAll(async () => {
  service = await runService({ FLEETKEY_FOREIGN_FORMATS: FORMATS });
  client = overJson(service.url);
  channel = openChannel(service.url);
});
afterAll(async () => {
  channel.close();
  client.close();
  await service.stop();
});

function openImport(apiKey: string): ClientDuplexStream<JsonObject, ImportResponse> {
  const metadata = new Metadata();
  metadata.set("x-api-key", apiKey);
  return channel.makeBidiStreamRequest(
    "/fleetkey.v1.KeyService/Import",
    (batch: JsonObject) => Buffer.from(toBinary(ImportRequestSchema, fromJson(ImportRequestSchema, batch))),
    (bytes) => fromBinary(ImportResponseSchema, bytes),
    metadata,
  );
}

/** Sends a batch of one record; gives what became of it, or how the stream ended. */
function send(stream: ClientDuplexStream<JsonObject, ImportResponse>): Promise<string> {
  const answer = new Promise<string>((resolve) => {
    stream.once("data", ({ results: [result] }: ImportResponse) => {
      resolve(ImportOutcome[result?.outcome ?? 0] ?? "");
    });
    stream.once("error", ({ code }: ServiceError) => resolve(status[code] ?? ""));
  });
  stream.write({ records: [importRecord(OWNER)] });
  return answer;
}

const newImporter = (more: JsonObject = {}) =>
  asRoot(client, "Create", {
    ...{ type: "KEY_TYPE_SERVICE", serviceAccountId: "importer", scopes: ["fleetkey:import"] },
    ...more,
  });

const update = (key: JsonObject, updateMask: string) => asRoot(client, "Update", { key, updateMask });

type Change = (keyId: string) => Promise<unknown>;

it.each<[string, Change, string]>([
  ["revoked", (keyId) => asRoot(client, "Revoke", { keyId }), "UNAUTHENTICATED"],
  ["disabled", (keyId) => update({ keyId, disabled: true }, "disabled"), "UNAUTHENTICATED"],
  ["refreshed without a grace", (keyId) => client.call("Refresh", { keyId }, ROOT), "UNAUTHENTICATED"],
  [
    "given other scopes",
    (keyId) => update({ keyId, scopes: ["fleetkey:read"] }, "scopes"),
    "PERMISSION_DENIED",
  ],
])("a stream ends with the next batch once its caller's key is %s", async (_, change, end) => {
  const { apiKey, key } = await newImporter();
  const stream = openImport(apiKey);
  expect(await send(stream)).toBe("IMPORTED");
  const before = await client.call("List", { serviceAccountId: OWNER.serviceAccountId }, ROOT);
  await change(key.keyId);
  expect(await send(stream)).toBe(end);
  const after = await client.call("List", { serviceAccountId: OWNER.serviceAccountId }, ROOT);
  expect(after.response).toEqual(before.response);
});

it("a stream is one use of its caller's key, however many batches it has", async () => {
  const { apiKey } = await newImporter({ quota: { limit: 1, period: "QUOTA_PERIOD_MONTH" } });
  const stream = openImport(apiKey);
  for (let batch = 0; batch < 3; batch++) expect(await send(stream)).toBe("IMPORTED");
  stream.end();
  expect(await send(openImport(apiKey))).toBe("RESOURCE_EXHAUSTED");
});
