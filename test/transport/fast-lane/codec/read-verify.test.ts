// Covers fast-lane/codec/read-verify.ts: what it reads, the general decoder reads the same; what it leaves to
// that can be anything; and the usual requests it does read.
import { fromBinary, fromJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type VerifyRequest, VerifyRequestSchema } from "../../../../gen/fleetkey/v1/key_service_pb.js";
import { verifyInput } from "../../../../src/transport/connect/services/requests.ts";
import { assertAllKnown } from "../../../../src/transport/connect/strict-request.ts";
import { readVerifyBinary, readVerifyJson } from "../../../../src/transport/fast-lane/codec/read-verify.ts";
import { buildApiKey, propertyRuns } from "../../../domain/build.ts";
import { anyAsked, anyBinary, anyJson, binaryOf } from "../any-message.ts";

const KEYS = { plain: buildApiKey(), text: "no api_key at all", nothing: "" };
const usualAsked = anyAsked(KEYS).filter(
  ({ apiKey, requiredScopes, userAgent, clientAddress, expectedType }) =>
    [apiKey, ...requiredScopes, userAgent, clientAddress].every((text) => /^[ -~]*$/.test(text)) &&
    expectedType >= 0 &&
    expectedType < 6,
);

/** The request as the general decoder understands it; undefined when it is none. */
function decoded(decode: () => VerifyRequest) {
  try {
    const message = decode();
    assertAllKnown(message);
    const { apiKey, requiredScopes, expectedType, clientAddress, userAgent } = verifyInput(message);
    return { apiKey, requiredScopes, expectedType, clientAddress, userAgent };
  } catch {
    return undefined;
  }
}

describe("readVerifyBinary", () => {
  it("says what the general decoder says, or nothing.", () => {
    fc.assert(
      fc.property(anyBinary(KEYS), fc.nat(9), (bytes, before) => {
        const padded = Buffer.concat([Buffer.alloc(before, 0x0a), bytes, Buffer.from([0x0a])]);
        const read = readVerifyBinary(padded, before, before + bytes.length);
        if (read !== undefined) expect(read).toEqual(decoded(() => fromBinary(VerifyRequestSchema, bytes)));
      }),
      { numRuns: propertyRuns(500) },
    );
  });

  it("says the same of bytes of all kinds, or nothing.", () => {
    const anyBytes = fc.array(
      fc.oneof(fc.constantFrom(0x0a, 0x12, 0x18, 0x22, 0x2a, 0, 1, 2, 3), fc.nat(255)),
    );
    fc.assert(
      fc.property(anyBytes, (numbers) => {
        const bytes = Buffer.from(numbers);
        const read = readVerifyBinary(bytes, 0, bytes.length);
        if (read !== undefined) expect(read).toEqual(decoded(() => fromBinary(VerifyRequestSchema, bytes)));
      }),
      { numRuns: propertyRuns(2_000) },
    );
  });

  it("reads every usual request.", () => {
    fc.assert(
      fc.property(usualAsked, (asked) => {
        const bytes = binaryOf(asked);
        expect(readVerifyBinary(bytes, 0, bytes.length)).toMatchObject({ apiKey: asked.apiKey });
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("readVerifyJson", () => {
  it("says what the general decoder says, or nothing.", () => {
    fc.assert(
      fc.property(anyJson(KEYS), (bytes) => {
        const read = readVerifyJson(bytes);
        if (read === undefined) return;
        const general = decoded(() => fromJsonString(VerifyRequestSchema, bytes.toString("utf8")));
        expect(read).toEqual(general);
      }),
      { numRuns: propertyRuns(1_000) },
    );
  });

  it.each([
    "[]",
    "null",
    '""',
    '{"apiKey":"a","apiKey":"b"}',
    '{"apiKey":"a","requiredScopes":["x"],"requiredScopes":["y","z"]}',
    '{"apiKey":1}',
    '{"api_key":"a"}',
    '{"requiredScopes":[1]}',
    '{"expectedType":"KEY_TYPE_NONE"}',
    '{"__proto__":"x"}',
    '{"apiKey":"a"}x',
    '{"apiKey":"\\u0061"}',
    '{"apiKey":"é"}',
  ])("leaves %s to the general decoder", (text) => {
    expect(readVerifyJson(Buffer.from(text))).toBeUndefined();
  });

  it("reads every usual request, whatever space is in it.", () => {
    fc.assert(
      fc.property(usualAsked, fc.constantFrom(0, 2), ({ expectedType: _, ...asked }, space) => {
        const text = JSON.stringify(asked, undefined, space);
        fc.pre(!text.includes("\\"));
        expect(readVerifyJson(Buffer.from(text))).toEqual({ ...asked, expectedType: undefined });
      }),
      { numRuns: propertyRuns() },
    );
  });
});
