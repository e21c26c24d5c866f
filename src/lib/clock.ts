// Time as an argument: whatever needs the time of day takes a Clock, and tests hand in one of their own.

/** Milliseconds since the Unix epoch. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/**
 * Two readings of the time, for measuring what passed. The monotonic one stands still while a machine is
 * suspended, the wall one can be set back: neither alone tells how long ago something was.
 */
export interface Moment {
  /** Milliseconds since some fixed time that is the same for all processes of a machine. */
  readonly monotonic: number;
  /** Milliseconds since the Unix epoch. */
  readonly wall: number;
}
export interface Stopwatch {
  readonly monotonic: Clock;
  readonly wall: Clock;
}

export const systemStopwatch: Stopwatch = {
  // Of the machine; performance.now() counts from the start of each process.
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
  wall: systemClock,
};

export function momentOf({ monotonic, wall }: Stopwatch): Moment {
  return { monotonic: monotonic(), wall: wall() };
}

/** How long ago a moment was, by the clock that says more. */
export function elapsedMs({ monotonic, wall }: Stopwatch, since: Moment): number {
  return Math.max(monotonic() - since.monotonic, wall() - since.wall);
}

/** One day in milliseconds. */
export const DAY_MS = 86_400_000;
