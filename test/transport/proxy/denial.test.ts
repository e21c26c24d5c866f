// Covers transport/proxy/denial.ts and limit-headers.ts: each reason's status, headers and body; one
// answer for all that must not be told apart; what is told of limits.
import { describe, expect, it } from "vitest";
import type { DenialReason, Verdict } from "../../../src/domain/verdict.ts";
import { type Denial, denialOf, KEY_REQUIRED } from "../../../src/transport/proxy/denial.ts";
import { limitHeaders } from "../../../src/transport/proxy/limit-headers.ts";
import { buildKey } from "../../domain/build.ts";

const headersOf = ({ headers }: Denial) => Object.fromEntries(headers);
const bodyOf = ({ body }: Denial) => JSON.parse(body);
const denied = (reason: DenialReason, more: object = {}) =>
  ({ valid: false, reason, ...more }) as Verdict & { readonly valid: false };
const view = (overrides: Parameters<typeof buildKey>[0] = {}) => ({
  key: buildKey(overrides),
  principals: new Map(),
});

const INVALID: readonly DenialReason[] = ["malformed", "unknown", "revoked", "expired", "disabled"];
const NOT_HERE: readonly DenialReason[] = ["address_not_allowed", "wrong_type"];

describe("a key that is not valid", () => {
  it.each(INVALID)("because it is %s is refused as every other one is", (reason) => {
    const { reason: known, ...told } = denialOf(denied(reason), false);
    const { reason: _, ...other } = denialOf(denied("unknown"), false);
    expect(known).toBe(reason.toUpperCase());
    expect(told).toEqual(other);
    expect(told.status).toBe(401);
    expect(headersOf(denialOf(denied(reason), false))).toEqual({
      "content-type": "application/problem+json",
      "www-authenticate": 'Bearer error="invalid_token"',
    });
    expect(JSON.parse(told.body)).toEqual({
      title: "Unauthorized",
      status: 401,
      detail: "the API key is not valid",
      reason: "KEY_INVALID",
    });
  });

  it.each(INVALID)("because it is %s is told so where the operator allows it", (reason) => {
    const denial = denialOf(denied(reason), true);
    expect(denial.status).toBe(401);
    expect(bodyOf(denial)).toMatchObject({ status: 401, reason: reason.toUpperCase() });
  });

  it.each(NOT_HERE)("here because of %s is refused with 403, and told why only where it may be", (reason) => {
    const hidden = denialOf(denied(reason, { view: view() }), false);
    expect(bodyOf(hidden)).toMatchObject({ status: 403, reason: "KEY_NOT_ALLOWED" });
    expect(hidden).toMatchObject({ status: 403, reason: reason.toUpperCase() });
    expect(bodyOf(denialOf(denied(reason), true))).toMatchObject({ reason: reason.toUpperCase() });
  });
});

it("a request without a key is asked for one, without an error (RFC 6750, section 3.1)", () => {
  expect(KEY_REQUIRED.status).toBe(401);
  expect(headersOf(KEY_REQUIRED)["www-authenticate"]).toBe("Bearer");
});

it("a scope that is missing is named in the header and in the body", () => {
  const denial = denialOf(denied("insufficient_scope", { missingScopes: ["a:b", "c"] }), false);
  expect(denial.status).toBe(403);
  expect(headersOf(denial)["www-authenticate"]).toBe('Bearer error="insufficient_scope", scope="a:b c"');
  expect(bodyOf(denial)).toMatchObject({ reason: "INSUFFICIENT_SCOPE", missing_scopes: ["a:b", "c"] });
});

describe("a key over its limit", () => {
  it("of uses in a short time is told when to come again, in whole seconds and at least one", () => {
    const key = view({ rateLimit: { limit: 5, windowMs: 90_500 } });
    for (const [resetMs, seconds] of [
      [1, "1"],
      [1_000, "1"],
      [1_001, "2"],
    ] as const) {
      const limits = { rateLimit: { limit: 5, remaining: 0, resetMs } };
      const denial = denialOf(denied("rate_limited", { view: key, limits }), false);
      expect(denial.status).toBe(429);
      expect(headersOf(denial)).toMatchObject({
        "retry-after": seconds,
        "ratelimit-policy": '"rate";q=5;w=91',
        ratelimit: `"rate";r=0;t=${seconds}`,
      });
    }
  });

  it("of a quota that comes again is told when, and of one that does not, not", () => {
    const of = (period: "day" | "none", resetMs?: number) =>
      denialOf(
        denied("quota_exceeded", {
          view: view({ quota: { limit: 9, period } }),
          limits: {
            rateLimit: { limit: 5, remaining: 4, resetMs: 10 },
            quota: { limit: 9, remaining: 0, resetMs },
          },
        }),
        false,
      );
    expect(headersOf(of("day", 3_600_000))).toMatchObject({
      "retry-after": "3600",
      "ratelimit-policy": '"rate";q=5, "quota";q=9;w=86400',
      ratelimit: '"rate";r=4;t=1, "quota";r=0;t=3600',
    });
    expect(headersOf(of("none"))).not.toHaveProperty("retry-after");
    expect(of("none").status).toBe(429);
  });
});

it("a key without limits has no headers of them", () => {
  expect(limitHeaders({ valid: true, view: view() })).toEqual([]);
  expect(limitHeaders({ valid: true, view: view(), limits: {} })).toEqual([]);
  expect(limitHeaders({ valid: false, reason: "revoked" })).toEqual([]);
});
