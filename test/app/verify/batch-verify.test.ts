// Covers BatchVerify (verifyKeys in app/verify-key.ts): answers stand in the order of their requests, and one
// that cannot be judged takes no other with it and is never taken for a verdict.
import { expect, it, vi } from "vitest";
import {
  BATCH_MAX,
  type BatchOutcome,
  type VerifyKeyInput,
  verifyKeys,
} from "../../../src/app/verify/verify-key.ts";
import { FleetkeyError } from "../../../src/domain/errors.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { onEachStore } from "../backends.ts";
import { violatedFields } from "../outcomes.ts";
import { create, openWorld, ROOT } from "../world.ts";

const ask = (apiKey: string, overrides: Partial<VerifyKeyInput> = {}): VerifyKeyInput => ({
  apiKey,
  expectedType: undefined,
  requiredScopes: [],
  clientAddress: "",
  userAgent: "",
  ...overrides,
});

/** `valid`, the reason of a refusal, or the code of a failure. */
function wordOf(outcome: BatchOutcome): string {
  if ("failure" in outcome) return outcome.failure instanceof FleetkeyError ? outcome.failure.code : "bug";
  return outcome.verdict.valid ? "valid" : outcome.verdict.reason;
}

onEachStore("BatchVerify", (open) => {
  it("answers each request in its place", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports);
    const outcomes = await verifyKeys(ports, ROOT, [
      ask("garbage"),
      ask(apiKey),
      ask(apiKey, { requiredScopes: ["orders:read"] }),
      ask(apiKey, { expectedType: "99" }),
      ask(apiKey),
    ]);
    expect(outcomes.map(wordOf)).toEqual([
      "malformed",
      "valid",
      "insufficient_scope",
      "invalid_argument",
      "valid",
    ]);
  });
});

it("A request whose truth cannot be had fails alone, and never as a verdict.", async () => {
  const { ports, store } = await openWorld();
  const [lost, found] = [await create(ports), await create(ports)];
  const read = store.keys.read.bind(store.keys);
  vi.spyOn(store.keys, "read").mockImplementation(async (keyId) => {
    if (keyId === lost.key.keyId) throw storeUnavailable(new Error("cut off"));
    return read(keyId);
  });
  const outcomes = await verifyKeys(ports, ROOT, [ask(lost.apiKey), ask(found.apiKey)]);
  expect(outcomes.map(wordOf)).toEqual(["unavailable", "valid"]);
});

it.each([
  [0, []],
  [BATCH_MAX, []],
  [BATCH_MAX + 1, ["requests"]],
])("of %i requests", async (count, violations) => {
  const { ports } = await openWorld();
  const call = verifyKeys(
    ports,
    ROOT,
    Array.from({ length: count }, () => ask("garbage")),
  );
  if (violations.length > 0) expect(await violatedFields(call)).toEqual(violations);
  else expect((await call).map(wordOf)).toEqual(Array.from({ length: count }, () => "malformed"));
});

it("reads no more than 16 keys at a time", async () => {
  const { ports, store } = await openWorld();
  const { apiKey } = await create(ports);
  const read = store.keys.read.bind(store.keys);
  let reading = 0;
  let readingMax = 0;
  vi.spyOn(store.keys, "read").mockImplementation(async (keyId) => {
    reading += 1;
    readingMax = Math.max(readingMax, reading);
    const key = await read(keyId);
    reading -= 1;
    return key;
  });
  await verifyKeys(
    ports,
    ROOT,
    Array.from({ length: 100 }, () => ask(apiKey)),
  );
  expect(readingMax).toBe(16);
});
