// Periods follow each other without gap or overlap, in UTC, blocks become small as the rest of a quota does,
// and a quota is looser when it can let through more. Covers domain/grant/quota.ts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  blockSize,
  isLooserQuota,
  periodAt,
  QUOTA_LIMIT_MAX,
  QUOTA_PERIODS,
  type Quota,
} from "../../../src/domain/grant/quota.ts";
import { propertyRuns } from "../build.ts";

describe("periodAt", () => {
  it.each([
    ["day", "2030-01-31T00:00:00.000Z", "2030-01-31", "2030-02-01T00:00:00.000Z"],
    ["day", "2030-01-31T23:59:59.999Z", "2030-01-31", "2030-02-01T00:00:00.000Z"],
    ["day", "2028-02-28T12:00:00.000Z", "2028-02-28", "2028-02-29T00:00:00.000Z"],
    ["day", "2030-12-31T23:59:59.999Z", "2030-12-31", "2031-01-01T00:00:00.000Z"],
    ["month", "2030-01-01T00:00:00.000Z", "2030-01", "2030-02-01T00:00:00.000Z"],
    ["month", "2028-02-29T23:59:59.999Z", "2028-02", "2028-03-01T00:00:00.000Z"],
    ["month", "2030-12-31T23:59:59.999Z", "2030-12", "2031-01-01T00:00:00.000Z"],
  ] as const)("counts by %s: %s is in %s, until %s", (period, now, id, end) => {
    expect(periodAt(period, Date.parse(now))).toEqual({ id, endTime: Date.parse(end) });
  });

  it("counts for ever without a period", () => {
    expect(periodAt("none", 0)).toEqual({ id: "all" });
  });

  it("is the same until its end, and another one from then on", () => {
    const times = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2200, 0) });
    fc.assert(
      fc.property(fc.constantFrom("day", "month"), times, (period, now) => {
        const { id, endTime = 0 } = periodAt(period, now);
        expect(endTime).toBeGreaterThan(now);
        expect(periodAt(period, endTime - 1)).toEqual({ id, endTime });
        expect(periodAt(period, endTime).id > id).toBe(true);
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("blockSize", () => {
  it.each([
    [-5, 1],
    [0, 1],
    [1, 1],
    [199, 1],
    [200, 2],
    [99_999, 999],
    [100_000, 1_000],
    [QUOTA_LIMIT_MAX, 1_000],
  ])("of %i left is %i", (left, size) => {
    expect(blockSize(left)).toBe(size);
  });
});

describe("isLooserQuota", () => {
  const day = (limit: number): Quota => ({ limit, period: "day" });
  const month = (limit: number): Quota => ({ limit, period: "month" });
  const ever = (limit: number): Quota => ({ limit, period: "none" });

  it.each<[Quota | undefined, Quota | undefined, boolean]>([
    [undefined, undefined, false],
    [day(QUOTA_LIMIT_MAX), undefined, false],
    [undefined, ever(QUOTA_LIMIT_MAX), true],
    [undefined, day(QUOTA_LIMIT_MAX), true],
    [day(10), day(10), false],
    [day(11), day(10), true],
    [month(10), month(10), false],
    [month(11), month(10), true],
    [ever(10), ever(10), false],
    [ever(11), ever(10), true],
    [month(10), day(10), false],
    [month(11), day(10), true],
    [ever(10), month(10), false],
    [ever(11), day(10), true],
    [day(10), month(309), true],
    [day(10), month(310), false],
    [day(1), ever(QUOTA_LIMIT_MAX), true],
    [month(1), ever(QUOTA_LIMIT_MAX), true],
  ])("%j than %j: %s", (quota, than, isLooser) => {
    expect(isLooserQuota(quota, than)).toBe(isLooser);
  });

  it("is exactly what can let through more in some period of the other, day by day over eight years", () => {
    // 96 months, which is more than any limit below.
    const days = Array.from({ length: 2_922 }, (_, index) => Date.UTC(2030, 0, 1 + index));
    // How many periods of one kind begin or go on within one of the other, at most.
    const counts = new Map<string, number>();
    for (const inner of QUOTA_PERIODS) {
      for (const outer of QUOTA_PERIODS) {
        const stretches = Map.groupBy(days, (now) => periodAt(outer, now).id);
        const sizes = [...stretches.values()].map(
          (each) => new Set(each.map((now) => periodAt(inner, now).id)).size,
        );
        counts.set(`${inner} ${outer}`, Math.max(...sizes));
      }
    }
    const most = (quota: Quota, than: Quota) =>
      quota.limit * (counts.get(`${quota.period} ${than.period}`) ?? Number.NaN);
    const quota = fc.record({
      limit: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 28, max: 95 })),
      period: fc.constantFrom(...QUOTA_PERIODS),
    });
    fc.assert(
      fc.property(quota, quota, (first, second) => {
        expect(isLooserQuota(first, second)).toBe(most(first, second) > second.limit);
      }),
      { numRuns: propertyRuns() },
    );
  });
});
