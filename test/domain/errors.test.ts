// Covers domain/errors.ts: the shape that the transports map (code, reason, violations, retry time), and
// that a missing key is told in one way however it was asked for.
import { describe, expect, it } from "vitest";
import { FleetkeyError, invalidArgument, keyNotFound, unavailable } from "../../src/domain/errors.ts";

describe("FleetkeyError", () => {
  it("is an Error with a name, a code, a message, its details and its cause", () => {
    const cause = new Error("socket closed");
    const details = { reason: "KEY_CHANGED", metadata: { keyId: "flk_1" }, retryAfterMs: 5, cause };
    const error = new FleetkeyError("aborted", "the key changed", details);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "FleetkeyError",
      code: "aborted",
      message: "the key changed",
      details,
    });
    expect(error.cause).toBe(cause);
    expect(error.stack).toContain("FleetkeyError");
  });
});

describe("invalidArgument", () => {
  it.each([
    [[{ field: "name", description: "too long" }], "name: too long"],
    [
      [
        { field: "owner.user_id", description: "is needed" },
        { field: "grace", description: "is negative" },
      ],
      "owner.user_id: is needed; grace: is negative",
    ],
  ])("of %j says them all at once", (violations, message) => {
    const error = invalidArgument(violations);
    expect(error).toMatchObject({ code: "invalid_argument", message });
    expect(error.details).toEqual({ reason: "INVALID_ARGUMENT", violations });
  });
});

describe("keyNotFound", () => {
  it("A missing key is told in one way, so that the answer does not show what was looked for.", () => {
    const [first, second] = [keyNotFound(), keyNotFound()];
    expect(first).toMatchObject({ code: "not_found", message: "no such key" });
    expect(first.details).toEqual({ reason: "KEY_NOT_FOUND" });
    expect({ ...second, message: second.message }).toEqual({ ...first, message: first.message });
  });
});

describe("unavailable", () => {
  it("says that a retry can help, after how long, and keeps the cause from the message", () => {
    const cause = new Error("connect ECONNREFUSED 10.0.0.1");
    const error = unavailable("the store does not answer", "STORE_DOWN", cause);
    expect(error).toMatchObject({ code: "unavailable", message: "the store does not answer", cause });
    expect(error.details).toEqual({ reason: "STORE_DOWN", retryAfterMs: 1_000, cause });
  });
});
