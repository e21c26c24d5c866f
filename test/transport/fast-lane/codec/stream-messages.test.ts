// Covers fast-lane/codec/stream-messages.ts: requests are read as the general decoder reads them, and answers
// are what the general encoder writes.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  VerifyRequestSchema,
  VerifyResponseSchema,
  VerifyStreamRequestSchema,
  VerifyStreamResponseSchema,
} from "../../../../gen/fleetkey/v1/key_service_pb.js";
import { unavailable } from "../../../../src/domain/errors.ts";
import { toConnectError, toStatus } from "../../../../src/transport/connect/errors.ts";
import { verifyInput } from "../../../../src/transport/connect/services/requests.ts";
import { assertAllKnown } from "../../../../src/transport/connect/strict-request.ts";
import {
  framedAnswers,
  readStreamRequest,
  StreamAnswer,
} from "../../../../src/transport/fast-lane/codec/stream-messages.ts";
import { buildApiKey, propertyRuns } from "../../../domain/build.ts";
import { envelope } from "../../wire/grpc.ts";
import { anyBinary } from "../any-message.ts";

const KEYS = { plain: buildApiKey(), text: "no api_key at all", nothing: "" };
const anyId = fc.oneof(fc.constantFrom(0, 1, 127, 128, 4_294_967_295), fc.nat(4_294_967_295));

/** What the general decoder makes of it, or that it is none. */
function general(bytes: Buffer) {
  try {
    const message = fromBinary(VerifyStreamRequestSchema, bytes);
    assertAllKnown(message);
    const { apiKey, requiredScopes, expectedType, clientAddress, userAgent } = verifyInput(
      message.request ?? create(VerifyRequestSchema),
    );
    return { id: message.id, input: { apiKey, requiredScopes, expectedType, clientAddress, userAgent } };
  } catch {
    return "none";
  }
}

function read(bytes: Buffer) {
  try {
    return readStreamRequest(bytes, 0, bytes.length);
  } catch {
    return "none";
  }
}

/** A message around a request that need not be one. */
function around(id: number, request: Buffer): Buffer {
  const head = toBinary(VerifyStreamRequestSchema, create(VerifyStreamRequestSchema, { id }));
  const length: number[] = [];
  for (let rest = request.length; ; rest >>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) break;
  }
  return Buffer.concat([head, Buffer.from([0x12, ...length]), request]);
}

describe("readStreamRequest", () => {
  const anyRequest = fc.tuple(anyId, anyBinary(KEYS)).map(([id, request]) => around(id, request));
  const anyChanged = fc.tuple(anyRequest, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  const anyBytes = fc.array(fc.oneof(fc.constantFrom(0x08, 0x12, 0x0a, 0x80, 0, 1, 2), fc.nat(255)));

  it.each([
    ["right requests and wrong ones", anyRequest],
    ["requests with a byte changed", anyChanged],
    ["bytes of all kinds", anyBytes.map((numbers) => Buffer.from(numbers))],
  ])("reads %s as the general decoder", (_, any) => {
    fc.assert(
      fc.property(any, (bytes) => {
        const found = read(bytes);
        const expected = general(bytes);
        if (expected === "none" || found === "none") expect(found).toEqual(expected);
        else expect(found).toMatchObject(expected);
      }),
      { numRuns: propertyRuns(500) },
    );
  });

  it("does not take an id of more than 32 bits for one that it is not", () => {
    const bytes = Buffer.from([0x08, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x12, 0]);
    expect(read(bytes)).toMatchObject({ id: 4_294_967_295 });
  });
});

it("Answers are what the general encoder writes, each in its frame.", () => {
  const anyAnswer = fc.record({
    id: anyId,
    name: fc.string({ unit: "binary", maxLength: 300 }),
    isError: fc.boolean(),
  });
  const error = toConnectError(unavailable("not now", "REASON"));
  fc.assert(
    fc.property(fc.array(anyAnswer, { maxLength: 5 }), (answers) => {
      const mine = answers.map(({ id, name, isError }) => {
        const answer = new StreamAnswer(id);
        const verdict = create(VerifyResponseSchema, { valid: true, key: { name: name.toWellFormed() } });
        if (isError) answer.fail(error);
        else answer.verify(Buffer.from(toBinary(VerifyResponseSchema, verdict)).toString("latin1"));
        const result = isError
          ? ({ case: "error", value: toStatus(error) } as const)
          : ({ case: "verify", value: verdict } as const);
        return { answer, message: create(VerifyStreamResponseSchema, { id, result }) };
      });
      const bytes = framedAnswers(mine.map(({ answer }) => answer));
      const expected = mine.map(({ message }) => envelope(toBinary(VerifyStreamResponseSchema, message)));
      expect(bytes).toEqual(Buffer.concat(expected));
    }),
    { numRuns: propertyRuns() },
  );
});
