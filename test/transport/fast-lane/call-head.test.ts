// Covers fast-lane/call-head.ts: of the times that clients name it takes those that Connect's adapter takes.
import { parseTimeout as connectTimeout } from "@connectrpc/connect/protocol-connect";
import { parseTimeout as grpcTimeout } from "@connectrpc/connect/protocol-grpc";
import fc from "fast-check";
import { expect, it } from "vitest";
import { CALL_MS_MAX } from "../../../src/transport/connect/connect-handler.ts";
import { isConnectTimeout, isGrpcTimeout } from "../../../src/transport/fast-lane/call-head.ts";
import { propertyRuns } from "../../domain/build.ts";

const anyDigits = fc.oneof(
  fc.nat(70_000).map(String),
  fc.nat({ max: 99_999_999 }).map(String),
  fc.constantFrom(
    "0",
    "00",
    "16",
    "17",
    "60",
    "61",
    "60000",
    "60001",
    "60000000",
    "60000001",
    "99999999",
    "1e3",
  ),
  fc.string({ maxLength: 11 }),
);
const anyUnit = fc.constantFrom("H", "M", "S", "m", "u", "n", "s", "", "１");
const anyTime = fc.oneof(
  fc.tuple(anyDigits, anyUnit).map(([digits, unit]) => digits + unit),
  fc.string({ maxLength: 12 }),
);

it.each([
  ["grpc-timeout", isGrpcTimeout, grpcTimeout],
  ["connect-timeout-ms", isConnectTimeout, connectTimeout],
])("%s is taken when the adapter takes it.", (_, isTimeout, parse) => {
  fc.assert(
    fc.property(anyTime, (text) => {
      expect(isTimeout(text)).toBe(parse(text, CALL_MS_MAX).error === undefined);
    }),
    { numRuns: propertyRuns(1_000) },
  );
});
