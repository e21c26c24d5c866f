// Periods follow each other without gap or overlap, in UTC, and blocks become small as the rest of a quota
// does. Covers domain/grant/quota.ts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockSize, periodAt, QUOTA_LIMIT_MAX } from "../../../src/domain/grant/quota.ts";
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
