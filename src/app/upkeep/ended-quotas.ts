// Removes the counts of quota periods that are over.
import { DAY_MS } from "../../lib/clock.ts";
import type { AppPorts } from "../ports.ts";
import { removeInSteps, type UpkeepJob } from "./upkeep-job.ts";

/** A node whose clock is behind, or that gives back what it had set aside, still finds its count so long. */
const KEPT_MS = 2 * DAY_MS;

export function endedQuotas({ store, clock }: AppPorts): UpkeepJob {
  const remove = (limit: number) => store.quotas.removeEnded(clock() - KEPT_MS, limit);
  return { name: "ended quotas", run: (signal) => removeInSteps(remove, signal) };
}
