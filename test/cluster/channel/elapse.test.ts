// A wait never ends before its time by the clock that counts, whatever the timers of the event loop say.
// Covers src/cluster/channel/elapse.ts.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { afterBy } from "../../../src/cluster/channel/elapse.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("waits on when a timer ends early by the monotonic clock", () => {
  let now = 1_000;
  const job = vi.fn();
  afterBy(() => now)(100, job);
  now += 40.5;
  vi.advanceTimersByTime(100);
  expect(job).not.toHaveBeenCalled();
  now += 59.4;
  vi.advanceTimersByTime(60);
  expect(job).not.toHaveBeenCalled();
  now += 0.1;
  vi.advanceTimersByTime(1);
  expect(job).toHaveBeenCalledTimes(1);
});

it("does nothing once it is called off", () => {
  let now = 0;
  const job = vi.fn();
  const callOff = afterBy(() => now)(100, job);
  vi.advanceTimersByTime(100);
  callOff();
  now = 200;
  vi.advanceTimersByTime(200);
  expect(job).not.toHaveBeenCalled();
});
