// Removes events that are older than the operator wants to keep them.
import type { AppPorts } from "../ports.ts";
import { removeInSteps, type UpkeepJob } from "./upkeep-job.ts";

export function oldEvents({ store, clock }: AppPorts, retentionMs: number): UpkeepJob {
  const remove = (limit: number) => store.events.removeOld(clock() - retentionMs, limit);
  return { name: "old events", run: (signal) => removeInSteps(remove, signal) };
}
