// What nobody sends who means well: each is refused with a clear reason, none lets a request through, none is
// an error that a proxy could take for an outage, and the service goes on.
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CheckRequestSchema } from "../../../gen/envoy/service/auth/v3/external_auth_pb.js";
import { type AskedService, askedService } from "../proxy/asked-service.ts";
import { type CheckInput, checkRequest, type Told } from "./asked.ts";
import { type Envoy, envoy } from "./envoy.ts";

let asked: AskedService;
let asking: Envoy;
let apiKey: string;
beforeAll(async () => {
  asked = await askedService();
  asking = envoy(asked.sidecarUrl);
  ({ apiKey } = await asked.create());
});
afterAll(async () => {
  expect(await asking.check({ headers: { apikey: apiKey } })).toMatchObject({ isAllowed: true });
  asking.close();
  await asked.stop();
});

const many = (count: number, name = "x-header") =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}-${at}`, "value"]));
const LONG = "x".repeat(61_440);

describe("is refused", () => {
  it.each<[string, (apiKey: string) => CheckInput, status: number, reason: string]>([
    ["nothing but 100 headers", () => ({ headers: many(100) }), 401, "KEY_REQUIRED"],
    ["a key of 60 KB", () => ({ headers: { "x-api-key": LONG } }), 401, "KEY_AMBIGUOUS"],
    ["a Bearer of 60 KB", () => ({ headers: { authorization: `Bearer ${LONG}` } }), 401, "KEY_AMBIGUOUS"],
    [
      "a right key with 60 KB behind it",
      (key) => ({ headers: { apikey: key + LONG } }),
      401,
      "KEY_AMBIGUOUS",
    ],
    ["60 KB of another header and no key", () => ({ headers: { cookie: LONG } }), 401, "KEY_REQUIRED"],
    ["two keys", (key) => ({ headers: { apikey: key, "x-api-key": "other" } }), 401, "KEY_AMBIGUOUS"],
    [
      "a key joined from duplicates",
      (key) => ({ headers: { apikey: `${key},${key}` } }),
      401,
      "KEY_AMBIGUOUS",
    ],
    ["a key joined with a blank", (key) => ({ headers: { apikey: `${key}, ${key}` } }), 401, "KEY_AMBIGUOUS"],
    [
      "a raw header twice",
      (key) => ({
        rawHeaders: [
          ["apikey", key],
          ["apikey", key],
        ],
      }),
      401,
      "KEY_AMBIGUOUS",
    ],
    [
      "a raw value that is not UTF-8",
      () => ({ rawHeaders: [["apikey", Uint8Array.of(255, 254, 200)]] }),
      401,
      "KEY_AMBIGUOUS",
    ],
    [
      "a right key and a byte that is not UTF-8",
      (key) => ({ rawHeaders: [["apikey", Buffer.from(`${key}\xff`, "latin1")]] }),
      401,
      "KEY_AMBIGUOUS",
    ],
    [
      "one form with a key and one with another",
      (key) => ({ headers: { apikey: key }, rawHeaders: [["x-api-key", "other"]] }),
      401,
      "KEY_AMBIGUOUS",
    ],
    [
      "more claims than a client makes by accident",
      (key) => ({ headers: { apikey: key, ...many(33, "x-fleetkey") } }),
      403,
      "HEADERS_REFUSED",
    ],
    [
      "a header that is named as what objects inherit",
      (key) => ({ headers: { constructor: key, toString: key } }),
      401,
      "KEY_REQUIRED",
    ],
    [
      "a scope that is none",
      (key) => required(key, { "fleetkey.scopes": "Orders!" }),
      403,
      "REQUIREMENTS_INVALID",
    ],
    [
      "no scope where some are meant",
      (key) => required(key, { "fleetkey.scopes": "" }),
      403,
      "REQUIREMENTS_INVALID",
    ],
    [
      "a type that is none",
      (key) => required(key, { "fleetkey.type": "admin" }),
      403,
      "REQUIREMENTS_INVALID",
    ],
    ["an empty type", (key) => required(key, { "fleetkey.type": "" }), 403, "REQUIREMENTS_INVALID"],
    [
      "a misspelled requirement",
      (key) => required(key, { "fleetkey.scope": "orders:read" }),
      403,
      "REQUIREMENTS_INVALID",
    ],
    [
      "a requirement in capitals",
      (key) => required(key, { "fleetkey.Scopes": "orders:read" }),
      403,
      "REQUIREMENTS_INVALID",
    ],
    [
      "an HTTP status wanted that is none",
      (key) => required(key, { "fleetkey.status": "299" }),
      403,
      "REQUIREMENTS_INVALID",
    ],
    [
      "too many scopes",
      (key) => required(key, { "fleetkey.scopes": Array.from({ length: 65 }, (_, at) => `s${at}`).join() }),
      403,
      "REQUIREMENTS_INVALID",
    ],
  ])("%s", async (_, inputOf, status, reason) => {
    const told = await asking.check(inputOf(apiKey));
    expect(told).toMatchObject({ isAllowed: false, status, metadata: { reason } });
    expect(told.body).toMatchObject({ status, reason });
    expect(JSON.stringify(told)).not.toContain(apiKey);
  });

  const required = (key: string, extensions: Readonly<Record<string, string>>) => ({
    headers: { apikey: key },
    extensions,
  });

  it.each([
    ["an empty message", Buffer.alloc(0)],
    ["empty attributes", toBinary(CheckRequestSchema, create(CheckRequestSchema, { attributes: {} }))],
    [
      "a request without http",
      toBinary(CheckRequestSchema, create(CheckRequestSchema, { attributes: { request: {} } })),
    ],
  ])("%s", async (_, bytes) => {
    expect(await asking.send(bytes)).toMatchObject({ status: 401, body: { reason: "KEY_REQUIRED" } });
  });

  it("a header that is not UTF-8, where the message says that it is", async () => {
    const bytes = Buffer.from(
      toBinary(CheckRequestSchema, checkRequest({ headers: { apikey: "key-\u007f" } })),
    );
    bytes[bytes.indexOf(0x7f)] = 0xff;
    expect(await asking.send(bytes)).toMatchObject({ status: 401, body: { reason: "KEY_AMBIGUOUS" } });
  });
});

describe("is no trouble", () => {
  it.each<[string, (apiKey: string) => CheckInput]>([
    ["100 headers beside a right key", (key) => ({ headers: { apikey: key, ...many(100) } })],
    ["60 KB beside a right key", (key) => ({ headers: { apikey: key, cookie: LONG, ":path": `/${LONG}` } })],
    [
      "a header beside it that is not UTF-8",
      (key) => ({
        rawHeaders: [
          ["apikey", key],
          ["cookie", Uint8Array.of(255)],
        ],
      }),
    ],
  ])("%s", async (_, inputOf) => {
    expect(await asking.check(inputOf(apiKey))).toMatchObject({ isAllowed: true });
  });

  it("what later Envoys may say, and what is left out here: path, body, certificate", async () => {
    const known = toBinary(CheckRequestSchema, checkRequest({ headers: { apikey: apiKey } }));
    const more = new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .bytes(
        new BinaryWriter()
          .tag(12, WireType.LengthDelimited)
          .bytes(Uint8Array.of(10, 1, 255))
          .finish(),
      )
      .tag(99, WireType.LengthDelimited)
      .string("later");
    const told = await asking.send(Buffer.concat([known, more.finish()]));
    expect(told).toMatchObject({ isAllowed: true });
  });
});

it.each([
  ["bytes that are no message", () => Buffer.from("no message at all")],
  [
    "a message that is cut",
    () => toBinary(CheckRequestSchema, checkRequest({ headers: { apikey: apiKey } })).slice(0, -3),
  ],
])("%s are an error, which no Envoy brings about", async (_, bytesOf) => {
  expect(await asking.send(bytesOf())).toBe("INTERNAL");
});

it("a message of more than 1 MiB is an error, one just below is answered", async () => {
  const sized = (length: number) =>
    toBinary(CheckRequestSchema, checkRequest({ headers: { apikey: apiKey, cookie: "x".repeat(length) } }));
  expect(await asking.send(sized(1_048_000))).toMatchObject({ isAllowed: true } satisfies Partial<Told>);
  expect(await asking.send(sized(1_049_000))).toBe("RESOURCE_EXHAUSTED");
});
