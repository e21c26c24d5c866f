// How soon a worker that has ended is replaced: at once when it has served for a while, ever slower when its
// like ends again and again.

const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 5_000;
/** One that has lived for so long was well. */
const WELL_MS = 30_000;

/** `formerPauseMs` is the pause before the one that has ended, if it replaced another one. */
export function respawnPauseMs(formerPauseMs: number | undefined, livedMs: number): number {
  if (formerPauseMs === undefined || livedMs >= WELL_MS) return PAUSE_MS_MIN;
  return Math.min(formerPauseMs * 2, PAUSE_MS_MAX);
}
