// Import over the wire: a stream of batches, each answered in order, through Connect's own client in JSON and
// through grpc-js. What becomes of a record is app/keys/import-keys'; here it is how batches travel.
import { createHash } from "node:crypto";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { credentials, Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventService } from "../../gen/fleetkey/v1/event_service_pb.js";
import {
  DigestAlgorithm,
  ImportOutcome,
  ImportRequestSchema,
  type ImportResponse,
  ImportResponseSchema,
  KeyService,
} from "../../gen/fleetkey/v1/key_service_pb.js";
import { BadRequestSchema } from "../../gen/google/rpc/error_details_pb.js";
import { DETAILS_REGISTRY } from "../../src/transport/connect/errors.ts";
import { ROOT_KEY, type RunningService, runService } from "../running-service.ts";
import { envelope } from "./wire/grpc.ts";
import { openHttp2 } from "./wire/http2.ts";

type Batch = MessageInitShape<typeof ImportRequestSchema>;
type Send = (batches: readonly Batch[]) => Promise<readonly ImportResponse[]>;

const AUTHORIZED = { authorization: `Bearer ${ROOT_KEY}` };
const FORMATS = JSON.stringify([{ name: "legacy", type: "user", pattern: "lk-[a-z0-9-]{3,60}" }]);
const IMPORT_PATH = "/fleetkey.v1.KeyService/Import";

let service: RunningService;
beforeAll(async () => {
  service = await runService({ FLEETKEY_FOREIGN_FORMATS: FORMATS });
});
afterAll(() => service.stop());

let keys = 0;
/** Another api_key of the other system each time. */
const nextApiKey = () => `lk-${process.pid}-${++keys}`;

function recordOf(apiKey: string) {
  const digest = createHash("sha256").update(apiKey).digest("hex");
  return { format: "legacy", algorithm: DigestAlgorithm.SHA256_HEX, digest, userId: "user-1" };
}

const outcomes = (responses: readonly ImportResponse[]) =>
  responses.map(({ results }) => results.map(({ outcome }) => ImportOutcome[outcome]));

function overConnect(useGrpc: boolean): Send {
  const options = {
    baseUrl: service.url,
    httpVersion: "2" as const,
    useBinaryFormat: useGrpc,
    jsonOptions: { registry: DETAILS_REGISTRY },
  };
  const transport = useGrpc ? createGrpcTransport(options) : createConnectTransport(options);
  const client = createClient(KeyService, transport);
  return async (batches) => {
    async function* requests() {
      yield* batches;
    }
    const responses: ImportResponse[] = [];
    for await (const response of client.import(requests(), { headers: AUTHORIZED })) responses.push(response);
    return responses;
  };
}

function overGrpcJs(): Send {
  return (batches) => {
    const channel = new GrpcClient(new URL(service.url).host, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set("authorization", AUTHORIZED.authorization);
    const stream = channel.makeBidiStreamRequest(
      IMPORT_PATH,
      (batch: Batch) => Buffer.from(toBinary(ImportRequestSchema, create(ImportRequestSchema, batch))),
      (bytes) => fromBinary(ImportResponseSchema, bytes),
      metadata,
    );
    const responses: ImportResponse[] = [];
    return new Promise<readonly ImportResponse[]>((resolve, reject) => {
      stream.on("data", (response: ImportResponse) => responses.push(response));
      stream.on("error", (error: ServiceError) =>
        reject(new ConnectError(error.details, error.code as number)),
      );
      stream.on("end", () => resolve(responses));
      for (const batch of batches) stream.write(batch);
      stream.end();
    }).finally(() => channel.close());
  };
}

const codeOf = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "ok",
    (error) => Code[ConnectError.from(error).code] ?? "",
  );

describe.each([
  ["Connect JSON over HTTP/2", () => overConnect(false)],
  ["gRPC by connect-node", () => overConnect(true)],
  ["gRPC by grpc-js", overGrpcJs],
] as const)("Import through %s", (_title, open) => {
  it("answers each batch in order, with a result for each record", async () => {
    const send = open();
    const [first, second, third] = [nextApiKey(), nextApiKey(), nextApiKey()];
    const refused = { ...recordOf(third), digest: "no digest", scopes: ["NOT"] };
    const responses = await send([
      { records: [recordOf(first), refused, recordOf(second)] },
      { records: [] },
      { records: [recordOf(second), recordOf(third)] },
    ]);
    expect(outcomes(responses)).toEqual([["IMPORTED", "REFUSED", "IMPORTED"], [], ["EXISTS", "IMPORTED"]]);
    const error = responses[0]?.results[1]?.error;
    expect(error?.code).toBe(Code.InvalidArgument);
    const details = error?.details.find(({ typeUrl }) => typeUrl.endsWith(BadRequestSchema.typeName));
    const badRequest = fromBinary(BadRequestSchema, details?.value ?? new Uint8Array());
    expect(badRequest.fieldViolations.map(({ field }) => field).sort()).toEqual(["digest", "scopes[0]"]);
    for (const apiKey of [first, second, third]) expect(await isValid(apiKey)).toBe(true);
  });

  it("writes nothing in a dry run and tells each batch that brought keys in one event", async () => {
    const send = open();
    const apiKeys = [nextApiKey(), nextApiKey()];
    const records = apiKeys.map(recordOf);
    const before = await importEvents();
    expect(outcomes(await send([{ records, dryRun: true }]))).toEqual([["IMPORTED", "IMPORTED"]]);
    expect(await isValid(apiKeys[0] ?? "")).toBe(false);
    await send([{ records, requestId: "r-1" }, { records }]);
    const told = (await importEvents()).slice(before.length);
    expect(told).toMatchObject([{ count: 2, requestId: "r-1", caller: "root" }]);
  });

  it("ends the stream at a batch that is too large, after the answers of those before it", async () => {
    const send = open();
    const apiKey = nextApiKey();
    const many = { records: Array.from({ length: 1_001 }, () => recordOf(apiKey)) };
    expect(await codeOf(send([{ records: [recordOf(apiKey)] }, many]))).toBe("InvalidArgument");
    expect(await isValid(apiKey)).toBe(true);
  });
});

describe("Import refuses", () => {
  const headers = { "content-type": "application/connect+json", ...AUTHORIZED };

  /** The last frame of the answer, which tells how the stream ended. */
  async function endOf(body: Buffer, more: Readonly<Record<string, string>> = {}): Promise<string> {
    const connection = openHttp2(service.url);
    const request = { ":method": "POST", ":path": IMPORT_PATH, ...headers, ...more };
    const answer = await connection.request(request, body);
    connection.close();
    return answer.body.slice(answer.body.indexOf("{"));
  }

  it("a field that it does not know, as a whole stream", async () => {
    const apiKey = nextApiKey();
    const record = {
      format: "legacy",
      algorithm: "DIGEST_ALGORITHM_SHA256_HEX",
      userId: "u",
      allowedCdirs: [],
    };
    const digest = recordOf(apiKey).digest;
    const end = await endOf(envelope(Buffer.from(JSON.stringify({ records: [{ ...record, digest }] }))));
    expect(JSON.parse(end)).toMatchObject({ error: { code: "invalid_argument" } });
    expect(await isValid(apiKey)).toBe(false);
  });

  it("whoever shows no credential, before a batch is read", async () => {
    const end = await endOf(envelope(Buffer.from("not even JSON")), { authorization: "Bearer wrong" });
    expect(JSON.parse(end)).toMatchObject({ error: { code: "unauthenticated" } });
  });

  it("a message of over 4 MiB", async () => {
    const record = { format: "x".repeat(4_194_304) };
    const end = await endOf(envelope(Buffer.from(JSON.stringify({ records: [record] }))));
    expect(JSON.parse(end)).toMatchObject({ error: { code: "resource_exhausted" } });
  });
});

it("logs the stream once, and nothing of what it held", () => {
  const lines = service.logged().split("\n");
  expect(lines.some((line) => line.includes("KeyService/Import") && line.includes('"code":"ok"'))).toBe(true);
  expect(service.logged()).not.toContain(recordOf(`lk-${process.pid}-1`).digest);
  expect(service.logged()).not.toContain(`lk-${process.pid}-`);
});

async function isValid(apiKey: string): Promise<boolean> {
  const client = createClient(
    KeyService,
    createConnectTransport({ baseUrl: service.url, httpVersion: "1.1" }),
  );
  return (await client.verify({ apiKey }, { headers: AUTHORIZED })).valid ?? false;
}

async function importEvents() {
  const transport = createConnectTransport({ baseUrl: service.url, httpVersion: "1.1" });
  const client = createClient(EventService, transport);
  const { events } = await client.listEvents({ kind: 7, pageSize: 1_000 }, { headers: AUTHORIZED });
  return events;
}
