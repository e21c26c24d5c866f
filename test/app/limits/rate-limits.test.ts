// Each key has a bucket of its own on each node, and memory is bounded. Covers app/limits/rate-limits.ts; how
// a bucket fills is domain/grant/rate-limit.test's.
import { expect, it } from "vitest";
import { RateLimits } from "../../../src/app/limits/rate-limits.ts";
import { START } from "../../domain/build.ts";

const TWO_A_MINUTE = { limit: 2, windowMs: 60_000 };
const BUCKETS_MAX = 100_000;

it("admits as often as the limit says, and tells what is left", () => {
  const rates = new RateLimits();
  const uses = [0, 0, 0, 29_999, 30_000].map((later) => rates.take("a", TWO_A_MINUTE, START + later));
  expect(uses.map(({ isAdmitted }) => isAdmitted)).toEqual([true, true, false, false, true]);
  expect(uses.map(({ status }) => status)).toEqual([
    { limit: 2, remaining: 1, resetMs: 30_000 },
    { limit: 2, remaining: 0, resetMs: 30_000 },
    { limit: 2, remaining: 0, resetMs: 30_000 },
    { limit: 2, remaining: 0, resetMs: 1 },
    { limit: 2, remaining: 0, resetMs: 30_000 },
  ]);
});

it("Keys do not use each other's tokens, nor do nodes.", () => {
  const [rates, other] = [new RateLimits(), new RateLimits()];
  for (const at of [rates, other]) {
    for (const keyId of ["a", "b"]) {
      const takes = [1, 2, 3].map(() => at.take(keyId, TWO_A_MINUTE, START).isAdmitted);
      expect(takes).toEqual([true, true, false]);
    }
  }
});

it("A limit that was changed gives no new tokens.", () => {
  const rates = new RateLimits();
  const take = (limit: number) => rates.take("a", { limit, windowMs: 60_000 }, START).isAdmitted;
  expect([take(3), take(2), take(9), take(9)]).toEqual([true, true, true, false]);
});

it(`Of ${BUCKETS_MAX} buckets the one unused for longest goes, and its key has a full one.`, () => {
  const rates = new RateLimits();
  const isAdmitted = (keyId: string) => rates.take(keyId, { limit: 1, windowMs: 60_000 }, START).isAdmitted;
  for (let key = 0; key < BUCKETS_MAX; key++) isAdmitted(`key-${key}`);
  // This one is the newest now, so the next oldest is key-1.
  expect(isAdmitted("key-0")).toBe(false);
  isAdmitted("another");
  expect(isAdmitted("key-0")).toBe(false);
  expect(isAdmitted("key-2")).toBe(false);
  expect(isAdmitted("key-1")).toBe(true);
});
