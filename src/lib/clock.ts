// Time as an argument: whatever needs the time of day takes a Clock, and tests hand in one of their own.

/** Milliseconds since the Unix epoch. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** One day in milliseconds. */
export const DAY_MS = 86_400_000;
