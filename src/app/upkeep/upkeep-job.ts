// What a job of the upkeep is, and the bound that small jobs share. Every node runs every job; each is made
// so that several nodes, or one that dies in the middle, do no harm.
import { setImmediate } from "node:timers/promises";

export interface UpkeepJob {
  /** For the log. */
  readonly name: string;
  /** Does a bounded part of what is to do, less when the signal comes. Gives how much it did. */
  run(signal: AbortSignal): Promise<number>;
}

const STEP_RECORDS = 1_000;
const STEPS_MAX = 10;

/** Removes records in steps until a step finds less than it may take. */
export async function removeInSteps(
  remove: (limit: number) => Promise<number>,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (let step = 0; step < STEPS_MAX && !signal.aborted; step++) {
    const removed = await remove(STEP_RECORDS);
    count += removed;
    if (removed < STEP_RECORDS) break;
    // A store in this process answers without a pause; calls get their turn.
    await setImmediate();
  }
  return count;
}
