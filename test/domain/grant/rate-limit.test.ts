// A key is used at most as often as its rate limit says, in every stretch of time, and what it is told about
// the rest is true to the millisecond. Covers domain/grant/rate-limit.ts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Bucket,
  isLooserRate,
  RATE_LIMIT_MAX,
  RATE_WINDOW_MS_MAX,
  RATE_WINDOW_MS_MIN,
  type RateLimit,
  takeToken,
} from "../../../src/domain/grant/rate-limit.ts";
import { propertyRuns, START } from "../build.ts";

const TEN_A_MINUTE: RateLimit = { limit: 10, windowMs: 60_000 };

/** Takes as often as it is told to, each time at a time from START on. */
function takeAt(rateLimit: RateLimit, offsets: readonly number[], bucket?: Bucket) {
  let last = bucket;
  return offsets.map((offset) => {
    const taken = takeToken(last, rateLimit, START + offset);
    last = taken.bucket;
    return taken;
  });
}

const admissions = (takes: readonly { readonly isAdmitted: boolean }[]) =>
  takes.map(({ isAdmitted }) => isAdmitted);

const limits = fc.record({
  limit: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: RATE_LIMIT_MAX })),
  windowMs: fc.integer({ min: RATE_WINDOW_MS_MIN, max: RATE_WINDOW_MS_MAX }),
});
/** Pauses between calls: often none, now and then long ones. */
const pauses = fc.array(fc.oneof(fc.constant(0), fc.nat(5), fc.nat(2_000), fc.nat(2 * RATE_WINDOW_MS_MAX)), {
  minLength: 1,
  maxLength: 60,
});
const assertFor = <Ts extends [unknown, ...unknown[]]>(property: fc.IProperty<Ts>) =>
  fc.assert(property, { numRuns: propertyRuns() });

describe("takeToken", () => {
  it("admits a burst of the limit, and nothing above it", () => {
    const takes = takeAt(TEN_A_MINUTE, new Array(12).fill(0));
    expect(admissions(takes)).toEqual([...new Array(10).fill(true), false, false]);
    expect(takes.map(({ status }) => status.remaining)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]);
  });

  it.each([
    [5_999, false],
    [6_000, true],
    [6_001, true],
  ])("is empty after a burst; %i ms later one more is admitted: %s", (offset, isAdmitted) => {
    const takes = takeAt(TEN_A_MINUTE, [...new Array(10).fill(0), offset]);
    expect(takes.at(-1)?.isAdmitted).toBe(isAdmitted);
  });

  it.each([
    ["the first use", [0], 9, 6_000],
    ["the last token", new Array(10).fill(0), 0, 6_000],
    ["a refusal half of the time later", [...new Array(10).fill(0), 3_000], 0, 3_000],
    ["a use after a long rest", [...new Array(10).fill(0), 600_000], 9, 6_000],
  ])("tells after %s what is left and for how long", (_when, offsets, remaining, resetMs) => {
    const status = takeAt(TEN_A_MINUTE, offsets).at(-1)?.status;
    expect(status).toEqual({ limit: 10, remaining, resetMs });
  });

  it("takes nothing for what it refuses: who keeps asking is admitted as soon as who waits", () => {
    const asking = Array.from({ length: 6_000 }, (_, index) => index + 1);
    const takes = takeAt(TEN_A_MINUTE, [...new Array(10).fill(0), ...asking]);
    expect(admissions(takes.slice(10))).toEqual([...new Array(5_999).fill(false), true]);
  });

  it("A clock that was set back fills nothing, and does not stop the bucket from filling.", () => {
    const burst = takeAt(TEN_A_MINUTE, new Array(10).fill(0)).at(-1)?.bucket;
    const back = takeAt(TEN_A_MINUTE, [-3_600_000, -3_600_000 + 5_999, -3_600_000 + 6_000], burst);
    expect(admissions(back)).toEqual([false, false, true]);
  });

  it("admits at most the limit and what the elapsed time brings, in every interval", () => {
    assertFor(
      fc.property(limits, pauses, ({ limit, windowMs }, gaps) => {
        let now = 0;
        const times = gaps.map((gap) => {
          now += gap;
          return now;
        });
        const admitted = times.filter(
          (_, index) => takeAt({ limit, windowMs }, times.slice(0, index + 1)).at(-1)?.isAdmitted,
        );
        for (const [first, from] of admitted.entries()) {
          for (const [last, to] of admitted.slice(first).entries()) {
            // In whole numbers: so many tokens, times the window.
            expect((last + 1) * windowMs).toBeLessThanOrEqual(limit * windowMs + (to - from) * limit);
          }
        }
      }),
    );
  });

  it("admits as much as that: who asks each millisecond loses nothing to rounding", () => {
    assertFor(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.integer({ min: 1, max: 1_500 }),
        (limit, untilMs) => {
          const windowMs = RATE_WINDOW_MS_MIN;
          const each = Array.from({ length: untilMs + 1 }, (_, time) => time);
          const offsets = [...new Array(limit).fill(0), ...each.flatMap((time) => [time, time, time])];
          const count = admissions(takeAt({ limit, windowMs }, offsets)).filter(Boolean).length;
          expect(count).toBe(limit + Math.floor((untilMs * limit) / windowMs));
        },
      ),
    );
  });

  it("After exactly `resetMs` one more is left, and not a millisecond earlier.", () => {
    assertFor(
      fc.property(limits, pauses, (rateLimit, gaps) => {
        let now = 0;
        const { bucket, status } = takeAt(
          rateLimit,
          gaps.map((gap) => {
            now += gap;
            return now;
          }),
        ).at(-1) ?? { bucket: undefined, status: undefined };
        if (bucket === undefined || status?.resetMs === undefined) throw new Error("nothing was taken");
        // Whoever takes a token sees one less than there are.
        const leftAfter = (ms: number) => {
          const { isAdmitted, status: later } = takeToken(bucket, rateLimit, bucket.time + ms);
          return later.remaining + Number(isAdmitted);
        };
        expect(status.resetMs).toBeGreaterThan(0);
        expect(leftAfter(status.resetMs - 1)).toBe(status.remaining);
        expect(leftAfter(status.resetMs)).toBeGreaterThan(status.remaining);
      }),
    );
  });

  it("A clock that jumps back and forth brings no more than the way that it went forward.", () => {
    const jumps = fc.array(fc.integer({ min: -100_000, max: 100_000 }), { minLength: 1, maxLength: 60 });
    assertFor(
      fc.property(limits, jumps, ({ limit, windowMs }, steps) => {
        let now = 0;
        const takes = takeAt(
          { limit, windowMs },
          steps.map((step) => {
            now += step;
            return now;
          }),
        );
        const forward = steps.slice(1).reduce((sum, step) => sum + Math.max(0, step), 0);
        const count = admissions(takes).filter(Boolean).length;
        expect(count * windowMs).toBeLessThanOrEqual(limit * windowMs + forward * limit);
      }),
    );
  });
});

describe("A bucket whose limit was changed", () => {
  const changes: readonly [string, RateLimit, number][] = [
    ["a lower limit", { limit: 3, windowMs: 60_000 }, 3],
    ["a higher limit", { limit: 100, windowMs: 60_000 }, 6],
    ["a longer window", { limit: 10, windowMs: 3_600_000 }, 6],
    ["a shorter window", { limit: 10, windowMs: 1_000 }, 6],
  ];
  it.each(changes)("goes on with its tokens, as far as they fit: %s", (_change, next, left) => {
    const bucket = takeAt(TEN_A_MINUTE, [0, 0, 0, 0]).at(-1)?.bucket;
    const takes = takeAt(next, new Array(10).fill(0), bucket);
    expect(admissions(takes).filter(Boolean).length).toBe(left);
  });

  it("never holds more than the new limit, nor more tokens than before, whatever the change", () => {
    assertFor(
      fc.property(limits, limits, pauses, (former, next, gaps) => {
        const before = takeAt(
          former,
          gaps.map(() => 0),
        ).at(-1);
        if (before === undefined) throw new Error("nothing was taken");
        const { isAdmitted, status } = takeToken(before.bucket, next, before.bucket.time);
        const held = status.remaining + Number(isAdmitted);
        expect(held).toBeLessThanOrEqual(Math.min(next.limit, before.status.remaining));
        // Converting parts can cost one token, by rounding down.
        expect(held).toBeGreaterThanOrEqual(Math.min(next.limit, before.status.remaining) - 1);
      }),
    );
  });
});

describe("isLooserRate", () => {
  const rate = (limit: number, windowMs: number): RateLimit => ({ limit, windowMs });

  it.each<[RateLimit | undefined, RateLimit | undefined, boolean]>([
    [undefined, undefined, false],
    [rate(RATE_LIMIT_MAX, RATE_WINDOW_MS_MIN), undefined, false],
    [undefined, rate(RATE_LIMIT_MAX, RATE_WINDOW_MS_MIN), true],
    [rate(10, 60_000), rate(10, 60_000), false],
    [rate(11, 60_000), rate(10, 60_000), true],
    [rate(9, 60_000), rate(10, 60_000), false],
    [rate(10, 59_999), rate(10, 60_000), true],
    [rate(10, 60_001), rate(10, 60_000), false],
    // Over time the same in a larger burst, less in a larger burst, more in a smaller one.
    [rate(20, 120_000), rate(10, 60_000), true],
    [rate(11, RATE_WINDOW_MS_MAX), rate(10, 60_000), true],
    [rate(5, 29_999), rate(10, 60_000), true],
    [rate(5, 30_000), rate(10, 60_000), false],
    [rate(RATE_LIMIT_MAX, RATE_WINDOW_MS_MAX - 1), rate(RATE_LIMIT_MAX, RATE_WINDOW_MS_MAX), true],
  ])("%j than %j: %s", (first, than, isLooser) => {
    expect(isLooserRate(first, than)).toBe(isLooser);
  });

  it("is exactly what lets through more of some stretch, when somebody asks all the time", () => {
    // Windows in steps that are small beside them: the simulation asks at each step.
    const stepMs = 1_000;
    const small = fc.record({
      limit: fc.integer({ min: 1, max: 5 }),
      windowMs: fc.integer({ min: 1, max: 6 }).map((steps) => steps * stepMs),
    });
    // How many were let through until each step, asking more often than any of them allows.
    const admitted = (rateLimit: RateLimit) => {
      const offsets = Array.from({ length: 100 }, (_, step) => new Array(6).fill(step * stepMs)).flat();
      let count = 0;
      return admissions(takeAt(rateLimit, offsets)).map((isAdmitted) => {
        if (isAdmitted) count += 1;
        return count;
      });
    };
    assertFor(
      fc.property(small, small, (first, second) => {
        const [most, than] = [admitted(first), admitted(second)];
        expect(isLooserRate(first, second)).toBe(most.some((count, index) => count > (than[index] ?? 0)));
      }),
    );
  });
});
