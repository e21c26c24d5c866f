// VerifyStream through every client that can send while it receives: an answer to each request, in order and
// before the next one is sent, as Verify alone would give it.
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DenialReason, KeyType, QuotaPeriod } from "../../../gen/fleetkey/v1/key_pb.js";
import { type VerifyResponse, VerifyStreamRequestSchema } from "../../../gen/fleetkey/v1/key_service_pb.js";
import { BadRequestSchema } from "../../../gen/google/rpc/error_details_pb.js";
import { ROOT_KEY, type RunningService, runService } from "../../running-service.ts";
import { type Client, clientOf, createUserKey } from "../../system/client.ts";
import { envelope, grpcHeaders } from "../wire/grpc.ts";
import { callHttp1 } from "../wire/http1.ts";
import { openHttp2 } from "../wire/http2.ts";
import { DUPLEX_CLIENTS, endOf, nextOf, type StreamClient, type StreamOptions } from "./stream-clients.ts";

type Question = MessageInitShape<typeof VerifyStreamRequestSchema>;

const PATH = "/fleetkey.v1.KeyService/VerifyStream";
const AUTHORIZED = { authorization: `Bearer ${ROOT_KEY}` };
const LEASE_MS = 200;

let service: RunningService;
let root: Client;
beforeAll(async () => {
  service = await runService({ FLEETKEY_POLL_INTERVAL: "20ms", FLEETKEY_LEASE: `${LEASE_MS}ms` });
  root = clientOf(service.url);
});
afterAll(() => service.stop());

/** A stream whose requests are sent one by one. */
function asker(client: StreamClient, options?: StreamOptions) {
  const questions: Question[] = [];
  let isOver = false;
  let wake: () => void = () => {};
  async function* sent() {
    for (;;) {
      yield* questions.splice(0);
      if (isOver) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  const answers = client.verifyStream(sent(), options);
  return {
    answers,
    ask(question: Question) {
      questions.push(question);
      wake();
      return nextOf(answers);
    },
    async finish() {
      isOver = true;
      wake();
      return endOf(answers);
    },
  };
}

describe.each(DUPLEX_CLIENTS)("VerifyStream through %s", (_, open) => {
  let client: StreamClient;
  beforeAll(() => {
    client = open(service.url);
  });
  afterAll(() => client.close());

  it("answers each request with its id, before the next one comes", async () => {
    const { apiKey, key } = await createUserKey(root, "user-1");
    const { ask, finish } = asker(client);
    const ids = [7, 7, 0, 4_294_967_295];
    const verdicts: VerifyResponse[] = [];
    for (const [index, id] of ids.entries()) {
      if (index === 3) await root.keys.revoke({ target: { case: "apiKey", value: apiKey } });
      const expectedType = index === 1 ? KeyType.SERVICE : KeyType.UNSPECIFIED;
      const answer = await ask({ id, request: { apiKey, expectedType } });
      expect([answer.id, answer.result.case]).toEqual([id, "verify"]);
      verdicts.push(answer.result.value as VerifyResponse);
    }
    expect(await finish()).toBe("ok");
    expect(verdicts.map(({ denialReason }) => DenialReason[denialReason])).toEqual([
      ...["UNSPECIFIED", "WRONG_TYPE", "UNSPECIFIED", "REVOKED"],
    ]);
    expect(verdicts.map((verdict) => verdict.valid)).toEqual([true, false, true, false]);
    expect(new Set(verdicts.map((verdict) => verdict.key?.keyId))).toEqual(new Set([key?.keyId]));
  });

  it("lets one that cannot be judged fail alone, with all that is wrong", async () => {
    const { apiKey } = await createUserKey(root, "user-1");
    const { ask, finish } = asker(client);
    const wrong = { apiKey, clientAddress: "home", requiredScopes: ["NOT"] };
    const { id, result } = await ask({ id: 1, request: wrong });
    if (result.case !== "error") throw new Error("there was no error");
    expect([id, Code[result.value.code]]).toEqual([1, "InvalidArgument"]);
    const packed = result.value.details.find(({ typeUrl }) => typeUrl.endsWith(BadRequestSchema.typeName));
    const { fieldViolations } = fromBinary(BadRequestSchema, packed?.value ?? new Uint8Array());
    expect(fieldViolations.map(({ field }) => field).sort()).toEqual([
      "client_address",
      "required_scopes[0]",
    ]);
    expect(await ask({ id: 2, request: { apiKey } })).toMatchObject({
      result: { case: "verify", value: { valid: true } },
    });
    expect(await finish()).toBe("ok");
  });

  it("takes a message without a request for one without an api_key", async () => {
    const { ask, finish } = asker(client);
    for (const question of [{ id: 3 }, { id: 3, request: {} }]) {
      expect(await ask(question)).toMatchObject({
        id: 3,
        result: { value: { valid: false, denialReason: DenialReason.MALFORMED } },
      });
    }
    expect(await finish()).toBe("ok");
  });

  it("is one use of its caller's key, and ends within the lease once that is revoked", async () => {
    const ask = { type: KeyType.SERVICE, serviceAccountId: "gateway", scopes: ["fleetkey:verify"] };
    const quota = { limit: 1, period: QuotaPeriod.MONTH };
    const { apiKey, key } = await root.keys.create({ ...ask, quota });
    const stream = asker(client, { headers: { "x-api-key": apiKey } });
    const began = performance.now();
    while (performance.now() - began < 2 * LEASE_MS) await stream.ask({ request: { apiKey: "x" } });
    expect(await endOf(asker(client, { headers: { "x-api-key": apiKey } }).answers)).toBe(
      "ResourceExhausted",
    );
    await root.keys.revoke({ target: { case: "keyId", value: key?.keyId ?? "" } });
    const revoked = performance.now();
    const end = await (async () => {
      for (;;) await stream.ask({ request: { apiKey: "x" } });
    })().catch((error) => Code[ConnectError.from(error).code]);
    expect(end).toBe("Unauthenticated");
    expect(performance.now() - revoked).toBeLessThan(LEASE_MS + 1_000);
  });

  it("is refused to who may not verify", async () => {
    const ask = { type: KeyType.SERVICE, serviceAccountId: "reader", scopes: ["fleetkey:read"] };
    const { apiKey } = await root.keys.create(ask);
    for (const [headers, code] of [
      [{ "x-api-key": apiKey }, "PermissionDenied"],
      [{}, "Unauthenticated"],
    ] as const) {
      expect(await endOf(asker(client, { headers }).answers)).toBe(code);
    }
  });
});

describe("VerifyStream", () => {
  it("ends with a message that holds what is not known, after the answers before it", async () => {
    const connection = openHttp2(service.url);
    const question = toBinary(VerifyStreamRequestSchema, create(VerifyStreamRequestSchema, { id: 9 }));
    // Field 15 as a number.
    const unknown = Buffer.concat([question, Uint8Array.of(15 << 3, 1)]);
    const body = Buffer.concat([envelope(question), envelope(unknown), envelope(question)]);
    const answer = await connection.request(grpcHeaders(PATH, AUTHORIZED), body);
    connection.close();
    expect(answer.trailers["grpc-status"]).toBe(String(Code.InvalidArgument));
    expect(answer.trailers["grpc-message"]).toContain("15");
    // One message of the answer: its flag, its length, and no more.
    expect(Buffer.from(answer.body).readUInt32BE(1)).toBe(Buffer.from(answer.body).length - 5);
  });

  it("is not to be had over HTTP/1.1", async () => {
    const headers = { "content-type": "application/connect+json", ...AUTHORIZED };
    expect(await callHttp1(service.url, { path: PATH, headers, body: "" })).toMatchObject({ status: 505 });
  });

  it("is logged once as a read, with nothing of what was asked", async () => {
    const lines = service
      .logged()
      .split("\n")
      .filter((line) => line.includes("KeyService/VerifyStream"));
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: 20, msg: "call" });
    expect(service.logged()).not.toContain('"msg":"bug"');
    expect(service.logged()).not.toMatch(/fl_user_/);
  });
});
