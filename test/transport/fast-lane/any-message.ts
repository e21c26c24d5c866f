// VerifyRequests of all kinds, in binary and in JSON, right and wrong.
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { KeyType } from "../../../gen/fleetkey/v1/key_pb.js";
import { VerifyRequestSchema } from "../../../gen/fleetkey/v1/key_service_pb.js";
import type { Keys } from "./keys.ts";

/** What is nearly always so, and once in a while something else. */
export function mostly<Value>(usual: fc.Arbitrary<Value>, unusual: fc.Arbitrary<Value>, weight = 9) {
  return fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: unusual });
}

const anyScopes = mostly(
  fc.subarray(["orders:read", "invoices:read"], { maxLength: 2 }),
  fc.oneof(
    fc.constantFrom(
      ["A B"],
      ["orders:*"],
      [""],
      Array.from({ length: 65 }, () => "a"),
      ["é"],
    ),
    fc.array(fc.string(), { maxLength: 3 }),
  ),
);
const anyAddress = mostly(
  fc.constantFrom("", "192.0.2.7", "198.51.100.1", "2001:db8::7"),
  fc.constantFrom("x", "192.0.2.7/24", "::ffff:192.0.2.7", "fe80::1%eth0", "１.1.1.1"),
);
const anyUserAgent = mostly(
  fc.constantFrom("", "curl/8.5", "a browser with a name of its own"),
  fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("u".repeat(300), "new\nline", "日本")),
);

export interface Asked {
  readonly apiKey: string;
  readonly requiredScopes: readonly string[];
  readonly expectedType: number;
  readonly clientAddress: string;
  readonly userAgent: string;
}

export function anyAsked(keys: Keys): fc.Arbitrary<Asked> {
  return fc.record({
    apiKey: mostly(
      fc.constantFrom(...Object.values(keys)),
      fc.oneof(fc.string(), fc.string({ unit: "binary" })),
    ),
    requiredScopes: anyScopes,
    expectedType: mostly(fc.constant(0), fc.constantFrom(1, 2, 3, 4, 5, 6, 200, -1)),
    clientAddress: anyAddress,
    userAgent: anyUserAgent,
  });
}

export function binaryOf(asked: Asked): Buffer {
  const { requiredScopes, ...rest } = asked;
  const message = create(VerifyRequestSchema, {
    ...rest,
    apiKey: asked.apiKey.toWellFormed(),
    userAgent: asked.userAgent.toWellFormed(),
    requiredScopes: requiredScopes.map((scope) => scope.toWellFormed()),
  });
  return Buffer.from(toBinary(VerifyRequestSchema, message));
}

/** The message in binary, mostly as it is. */
export function anyBinary(keys: Keys): fc.Arbitrary<Buffer> {
  const right = anyAsked(keys).map(binaryOf);
  const wrong = fc.oneof(
    // A field that is not known, in front or behind.
    right.map((bytes) => Buffer.concat([bytes, Buffer.from([0x32, 0x01, 0x61])])),
    right.map((bytes) => Buffer.concat([Buffer.from([0x30, 0x01]), bytes])),
    // Cut off, too long, turned over.
    fc.tuple(right, fc.nat(40)).map(([bytes, count]) => bytes.subarray(0, Math.max(0, bytes.length - count))),
    fc.tuple(right, fc.uint8Array({ minLength: 1, maxLength: 8 })).map((parts) => Buffer.concat(parts)),
    fc.tuple(right, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([bytes, at, byte]) => {
      const changed = Buffer.from(bytes);
      if (changed.length > 0) changed[at % changed.length] = byte;
      return changed;
    }),
    // A length in more bytes than it needs, the fields twice, nothing.
    right.map((bytes) => Buffer.concat([Buffer.from([0x22, 0x80, 0x00]), bytes])),
    right.map((bytes) => Buffer.concat([bytes, bytes])),
    fc.constant(Buffer.alloc(0)),
    right.map((bytes) => Buffer.concat([bytes, Buffer.from([0x2a, 0x90, 0x4e]), Buffer.alloc(10_000, 0x61)])),
  );
  return mostly(right, wrong, 6);
}

function jsonOf({ expectedType, ...asked }: Asked): Record<string, unknown> {
  const given = Object.entries(asked).filter(([, value]) => value.length > 0);
  const type = expectedType === 0 ? [] : [["expectedType", `KEY_TYPE_${KeyType[expectedType]}`] as const];
  return Object.fromEntries([...given, ...type]);
}

const ODD_MEMBERS: readonly (readonly [string, unknown])[] = [
  ["unknown", 1],
  ["required_scopes", ["orders:read"]],
  ["api_key", "x"],
  ["client_address", "192.0.2.7"],
  ["expectedType", 1],
  ["expectedType", "KEY_TYPE_NONE"],
  ["expectedType", null],
  ["expectedType", "KEY_TYPE_UNSPECIFIED"],
  ["requiredScopes", null],
  ["requiredScopes", "orders:read"],
  ["requiredScopes", [null]],
  ["requiredScopes", [1]],
  ["clientAddress", null],
  ["userAgent", 7],
  ["userAgent", "\ud800"],
  ["__proto__", "x"],
  ["constructor", {}],
  ["", ""],
];

/** The message as JSON, mostly as it is. */
export function anyJson(keys: Keys): fc.Arbitrary<Buffer> {
  const right = anyAsked(keys).map(jsonOf);
  const text = right.map((json) => JSON.stringify(json));
  const wrong = fc.oneof(
    fc.tuple(text, fc.constantFrom(...ODD_MEMBERS)).map(
      ([json, [name, value]]) =>
        // Spelled out, since an object could not hold a member twice.
        `${json.slice(0, -1)}${json === "{}" ? "" : ","}${JSON.stringify(name)}:${JSON.stringify(value)}}`,
    ),
    text.map((json) => ` \n${json}\t`),
    text.map((json) => `\ufeff${json}`),
    text.map((json) => `${json}x`),
    text.map((json) => `[${json}]`),
    text.map((json) => json.replace(/"apiKey"/, '"\\u0061piKey"')),
    text.map((json) => json.slice(0, -1)),
    text.map((json) => json.replaceAll('"', "'")),
    fc.constantFrom(
      "null",
      "1",
      '""',
      "[]",
      "",
      "{",
      "{}",
      "nul",
      '{"apiKey":1}',
      '{"apiKey":"a","apiKey":"b"}',
    ),
    right.map((json) => JSON.stringify({ ...json, userAgent: "u".repeat(5_000) })),
    fc.json(),
  );
  const bytes = mostly(text, wrong, 6).map((json) => Buffer.from(json));
  const invalid = text.map((json) =>
    Buffer.concat([Buffer.from(json.slice(0, -1)), Buffer.from([0xff, 0x7d])]),
  );
  return mostly(bytes, invalid, 20);
}
