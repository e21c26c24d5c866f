// The passing of time that the memory of other processes is trusted to end by: never too short.
import type { Clock } from "../../lib/clock.ts";

/** Runs the job when so much time has passed, and not before. The returned function calls it off. */
export type After = (ms: number, job: () => void) => () => void;

/**
 * How far two processes may disagree on what the machine's monotonic clock says. Each finds its own start
 * on it at the cost of two readings.
 */
export const CLOCK_MARGIN_MS = 20;

/** A timer alone counts from the beginning of the event loop's turn: after a long one it ends too early. */
export function afterBy(monotonic: Clock): After {
  return (ms, job) => {
    const dueAt = monotonic() + ms;
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number) => {
      timer = setTimeout(() => {
        const left = dueAt - monotonic();
        if (left > 0) wait(left);
        else job();
      }, Math.ceil(leftMs));
    };
    wait(ms);
    return () => clearTimeout(timer);
  };
}
