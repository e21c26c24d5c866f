// Covers fast-lane/codec/write-verdict.ts: it says what the general encoder says, at every time, however
// often it is asked, and encodes what is told of an accepted key once.
import { toBinary, toJsonString } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { VerifyResponseSchema } from "../../../../gen/fleetkey/v1/key_service_pb.js";
import type { Verdict } from "../../../../src/domain/verdict.ts";
import { verifyResponse } from "../../../../src/transport/connect/services/key-message.ts";
import { verdictText } from "../../../../src/transport/fast-lane/codec/write-verdict.ts";
import { buildGeneration, buildKey, buildView, START } from "../../../domain/build.ts";
import { envelope } from "../../wire/grpc.ts";

const view = () => buildView(buildKey({ name: "clé 🔑", scopes: ["orders:*"] }));
const GRACE_END = START + 1_000;
const withGrace = () =>
  buildView(
    buildKey({ generations: [buildGeneration({ number: 2 }), buildGeneration({ endTime: GRACE_END })] }),
  );

function expectTrue(verdict: Verdict, now: number): void {
  const message = verifyResponse(verdict, now);
  const bytes = Buffer.from(toBinary(VerifyResponseSchema, message));
  const { binary, framed, json } = verdictText(verdict, now);
  expect(binary).toBe(bytes.toString("latin1"));
  expect(framed).toBe(envelope(bytes).toString("latin1"));
  expect(json).toBe(toJsonString(VerifyResponseSchema, message));
}

const LIMITS = { rateLimit: { limit: 5, remaining: 4, resetMs: 1_500 }, quota: undefined };

describe("what is said", () => {
  it.each<[string, Verdict]>([
    ["an accepted key", { valid: true, view: view() }],
    ["an accepted key with a former secret", { valid: true, view: withGrace() }],
    ["an accepted key with a limit", { valid: true, view: view(), limits: LIMITS }],
    ["a refused key", { valid: false, reason: "disabled", view: view() }],
    [
      "a key that lacks scopes",
      { valid: false, reason: "insufficient_scope", view: view(), missingScopes: ["a", "b"] },
    ],
    ["no key", { valid: false, reason: "unknown" }],
    ["a key over its limit", { valid: false, reason: "rate_limited", view: view(), limits: LIMITS }],
  ])("of %s", (_, verdict) => {
    for (const now of [START, START, GRACE_END - 1, GRACE_END, START]) expectTrue(verdict, now);
  });
});

describe("what is told of an accepted key is encoded once", () => {
  it("for a record", () => {
    const held = view();
    const text = verdictText({ valid: true, view: held }, START);
    expect(verdictText({ valid: true, view: held, limits: {} }, START + 5_000)).toBe(text);
  });

  it("and anew for another record, once a former secret has ended, and when the clock was set back", () => {
    const held = withGrace();
    const at = (now: number, of = held) => verdictText({ valid: true, view: of }, now);
    const text = at(START);
    expect(at(GRACE_END - 1)).toBe(text);
    expect(at(START, withGrace())).not.toBe(text);
    expect(at(GRACE_END)).not.toBe(text);
    expect(at(START)).not.toBe(text);
  });

  it("but never what differs from call to call", () => {
    const held = view();
    const limited = (remaining: number): Verdict => ({
      ...{ valid: true, view: held },
      limits: { rateLimit: { limit: 5, remaining, resetMs: 1 } },
    });
    expect(verdictText(limited(4), START).json).not.toBe(verdictText(limited(3), START).json);
    expect(verdictText({ valid: true, view: held }, START).json).not.toContain("rateLimitStatus");
  });
});
