// A use counts against the rate limit first and against the quota only if that admits it. Covers
// app/limits/key-limits.ts.
import { expect, it, vi } from "vitest";
import { KeyLimits } from "../../../src/app/limits/key-limits.ts";
import { QuotaLeases } from "../../../src/app/limits/quota-leases.ts";
import { RateLimits } from "../../../src/app/limits/rate-limits.ts";
import { buildKey, START, seededBytes } from "../../domain/build.ts";
import { codeOf } from "../outcomes.ts";
import { MemoryQuotas } from "./memory-quotas.ts";
import { NO_ANSWER } from "./node.ts";

const RATE = { limit: 2, windowMs: 60_000 };
const DAILY = { limit: 3, period: "day" } as const;
const RATE_RESET_MS = 30_000;
const DAY_MS = 86_400_000;

function openLimits() {
  const quotas = new MemoryQuotas();
  const grant = vi.spyOn(quotas, "grant");
  const leases = new QuotaLeases({ quotas, randomBytes: seededBytes(1) });
  return { grant, limits: new KeyLimits(new RateLimits(), leases) };
}

it("A key without limits is admitted at once, with nothing to tell.", () => {
  const { limits, grant } = openLimits();
  expect(limits.take(buildKey(), START)).toEqual({ limits: {} });
  expect(grant).not.toHaveBeenCalled();
});

it("A key with a rate limit alone is answered at once, without the store.", () => {
  const { limits, grant } = openLimits();
  const key = buildKey({ rateLimit: RATE });
  const rateLimit = (remaining: number) => ({ limit: 2, remaining, resetMs: RATE_RESET_MS });
  expect([1, 2, 3].map(() => limits.take(key, START))).toEqual([
    { limits: { rateLimit: rateLimit(1) } },
    { limits: { rateLimit: rateLimit(0) } },
    { refusal: "rate_limited", limits: { rateLimit: rateLimit(0) } },
  ]);
  expect(grant).not.toHaveBeenCalled();
});

it("A key with a quota alone is refused when it is used up.", async () => {
  const { limits } = openLimits();
  const key = buildKey({ quota: DAILY });
  const quota = (remaining: number) => ({ limit: 3, remaining, resetMs: DAY_MS });
  for (const remaining of [2, 1, 0]) {
    expect(await limits.take(key, START)).toEqual({ limits: { quota: quota(remaining) } });
  }
  const refused = { refusal: "quota_exceeded", limits: { quota: quota(0) } };
  expect(await limits.take(key, START)).toEqual(refused);
  expect(limits.take(key, START)).toEqual(refused);
});

it("What the rate limit refuses is no use of the quota.", async () => {
  const { limits, grant } = openLimits();
  const key = buildKey({ rateLimit: RATE, quota: DAILY });
  await limits.take(key, START);
  expect(await limits.take(key, START)).toMatchObject({
    limits: { rateLimit: { remaining: 0 }, quota: { remaining: 1 } },
  });
  expect(limits.take(key, START)).toMatchObject({ refusal: "rate_limited" });
  expect(grant).toHaveBeenCalledTimes(2);
  expect(await limits.take(key, START + RATE_RESET_MS)).toMatchObject({
    limits: { quota: { remaining: 0 } },
  });
  expect(await limits.take(key, START + 2 * RATE_RESET_MS)).toMatchObject({
    refusal: "quota_exceeded",
    limits: { rateLimit: { remaining: 0 }, quota: { remaining: 0 } },
  });
});

it("A store that does not answer is no admission.", async () => {
  const { limits, grant } = openLimits();
  grant.mockRejectedValueOnce(NO_ANSWER);
  expect(await codeOf(Promise.resolve(limits.take(buildKey({ quota: DAILY }), START)))).toBe(
    "unavailable STORE_UNAVAILABLE",
  );
});

it("What another process refuses for the rate limit is no use of the quota.", async () => {
  const quotas = new MemoryQuotas();
  const grant = vi.spyOn(quotas, "grant");
  const rates = new RateLimits();
  const limits = new KeyLimits(
    { take: async (...use) => rates.take(...use) },
    new QuotaLeases({ quotas, randomBytes: seededBytes(1) }),
  );
  const key = buildKey({ rateLimit: { limit: 1, windowMs: 60_000 }, quota: DAILY });
  expect(await limits.take(key, START)).toMatchObject({
    limits: { rateLimit: { remaining: 0 }, quota: { remaining: 2 } },
  });
  expect(await limits.take(key, START)).toEqual({
    refusal: "rate_limited",
    limits: { rateLimit: { limit: 1, remaining: 0, resetMs: 60_000 } },
  });
  expect(grant).toHaveBeenCalledTimes(1);
});

it("A process that does not answer is no admission, and no use of the quota.", async () => {
  const quotas = new MemoryQuotas();
  const grant = vi.spyOn(quotas, "grant");
  const silent = { take: () => Promise.reject(NO_ANSWER) };
  const limits = new KeyLimits(silent, new QuotaLeases({ quotas, randomBytes: seededBytes(1) }));
  const key = buildKey({ rateLimit: RATE, quota: DAILY });
  expect(await codeOf(Promise.resolve(limits.take(key, START)))).toBe("unavailable STORE_UNAVAILABLE");
  expect(grant).not.toHaveBeenCalled();
});
