// Both clocks of a machine, set by hand, and a promise that is settled by hand.
import type { Stopwatch } from "../../src/lib/clock.ts";

export interface HandStopwatch extends Stopwatch {
  /** Time passes, for both clocks. */
  pass(ms: number): void;
  /** Somebody sets the time of day; below 0: back. */
  setWall(byMs: number): void;
  /** The machine is suspended: the monotonic clock stands still. */
  suspend(ms: number): void;
}

export function handStopwatch(): HandStopwatch {
  let monotonic = 5_000;
  let wall = Date.UTC(2030, 0, 1);
  return {
    monotonic: () => monotonic,
    wall: () => wall,
    pass(ms) {
      monotonic += ms;
      wall += ms;
    },
    setWall(byMs) {
      wall += byMs;
    },
    suspend(ms) {
      wall += ms;
    },
  };
}

/** Lets everything run that is not held up by hand: promises, and what begins in the next turns. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
