// Covers cache/lease.ts: from when and until when what is remembered may be used, by both clocks.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Lease } from "../../src/cache/lease.ts";
import { momentOf } from "../../src/lib/clock.ts";
import { propertyRuns } from "../domain/build.ts";
import { handStopwatch } from "./hand-stopwatch.ts";

const MS_MAX = 2_000;

function fresh() {
  const stopwatch = handStopwatch();
  return { stopwatch, lease: new Lease(stopwatch, MS_MAX), now: () => momentOf(stopwatch) };
}

describe("A lease", () => {
  it("is not live before it was renewed for the first time", () => {
    expect(fresh().lease.isLive()).toBe(false);
  });

  it("is live for its time and not a moment longer", () => {
    const { stopwatch, lease, now } = fresh();
    lease.renew(now());
    expect(lease.isLive()).toBe(true);
    stopwatch.pass(MS_MAX - 1);
    expect(lease.isLive()).toBe(true);
    stopwatch.pass(1);
    expect(lease.isLive()).toBe(false);
  });

  it("counts from the sending of the question, however late the answer comes", () => {
    const { stopwatch, lease, now } = fresh();
    const sentAt = now();
    stopwatch.pass(MS_MAX - 1);
    lease.renew(sentAt);
    expect(lease.isLive()).toBe(true);
    stopwatch.pass(1);
    expect(lease.isLive()).toBe(false);
  });

  it("is not begun by an answer that comes after its time", () => {
    const { stopwatch, lease, now } = fresh();
    const sentAt = now();
    stopwatch.pass(MS_MAX);
    lease.renew(sentAt);
    expect(lease.isLive()).toBe(false);
  });

  it("is not shortened or extended by the answer to an older question", () => {
    const { stopwatch, lease, now } = fresh();
    const older = now();
    stopwatch.pass(500);
    lease.renew(now());
    lease.renew(older);
    stopwatch.pass(MS_MAX - 1);
    expect(lease.isLive()).toBe(true);
    stopwatch.pass(1);
    lease.renew(older);
    expect(lease.isLive()).toBe(false);
  });

  it("ends in a suspended machine, whose monotonic clock stands still", () => {
    const { stopwatch, lease, now } = fresh();
    lease.renew(now());
    stopwatch.suspend(MS_MAX);
    expect(lease.isLive()).toBe(false);
    lease.renew(now());
    expect(lease.isLive()).toBe(false);
    stopwatch.pass(1);
    lease.renew(now());
    expect(lease.isLive()).toBe(true);
  });

  it("is not extended by a wall clock that is set back", () => {
    const { stopwatch, lease, now } = fresh();
    lease.renew(now());
    stopwatch.setWall(-3_600_000);
    stopwatch.pass(MS_MAX - 1);
    expect(lease.isLive()).toBe(true);
    stopwatch.pass(1);
    expect(lease.isLive()).toBe(false);
  });

  it("ends by a wall clock that is set forward, and begins anew with the next answer", () => {
    const { stopwatch, lease, now } = fresh();
    lease.renew(now());
    stopwatch.setWall(3_600_000);
    expect(lease.isLive()).toBe(false);
    stopwatch.pass(200);
    lease.renew(now());
    expect(lease.isLive()).toBe(true);
  });

  it("is never live longer than its time after the last question that was answered", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(1_500) }),
      fc.record({ kind: fc.constant("suspend" as const), ms: fc.nat(1_500) }),
      fc.record({ kind: fc.constant("wall" as const), ms: fc.integer({ min: -9_000, max: 9_000 }) }),
      fc.record({ kind: fc.constant("ask" as const), ms: fc.constant(0) }),
      fc.record({ kind: fc.constant("answer" as const), ms: fc.nat(5) }),
    );
    const runs = { numRuns: propertyRuns(300) };
    const isSafe = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { stopwatch, lease, now } = fresh();
      const asked: { readonly moment: ReturnType<typeof now>; readonly at: number }[] = [];
      let elapsed = 0;
      let last = Number.NEGATIVE_INFINITY;
      for (const { kind, ms } of steps) {
        if (kind === "pass") stopwatch.pass(ms);
        if (kind === "suspend") stopwatch.suspend(ms);
        if (kind === "pass") elapsed += ms;
        if (kind === "wall") stopwatch.setWall(ms);
        if (kind === "ask") asked.push({ moment: now(), at: elapsed });
        const answered = kind === "answer" ? asked[ms] : undefined;
        if (answered !== undefined) {
          lease.renew(answered.moment);
          last = Math.max(last, answered.at);
        }
        // What the monotonic clock counts is certain, whatever the other one says.
        if (lease.isLive()) expect(elapsed - last).toBeLessThan(MS_MAX);
      }
    });
    fc.assert(isSafe, runs);
  });
});
