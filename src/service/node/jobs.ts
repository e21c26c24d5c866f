// What is done beside the calls, again and again: once for a node, and in each of its processes.

import type { FailedAttempts } from "../../access/failed-attempts.ts";
import type { AppPorts } from "../../app/ports.ts";
import { startUpkeep } from "../../app/upkeep/start-upkeep.ts";
import { startUseLog } from "../../app/verify/use-log.ts";
import type { HeldKeysCounts } from "../../cache/held-keys.ts";
import type { Config } from "../../config/load-config.ts";
import { repeat } from "../../lib/repeat.ts";
import type { Log } from "../../observability/log.ts";
import { startRelay } from "../../store/event-relay.ts";
import type { Node } from "./node.ts";

/** How often resting keys have what is set aside for them given back. */
const QUOTA_RELEASE_PAUSE_MS = 5_000;
/** How often failed attempts are told of. */
const TALLY_PAUSE_MS = 60_000;
const COUNTS_PAUSE_MS = 60_000;
/** How long the last writes may take at the end. */
const STOP_MS_MAX = 5_000;

/** Ends what was started, in bounded time. */
export type Stop = () => Promise<void>;

/** Starts what one process does for the node, with the counts of all of them. */
export function startNodeJobs(config: Config, log: Log, ports: AppPorts, counts: () => HeldKeysCounts): Stop {
  const { clock, store } = ports;
  const stopRelay = startRelay(store.events, clock, {
    relayed: (count) => log.info({ count }, "relayed events that were left waiting"),
    failed: (error) => log.warn({ err: error }, "the store does not answer the sweeper"),
  });
  const stopUpkeep = startUpkeep(ports, config.upkeep, {
    done: (job, count) => log.info({ job, count }, "upkeep"),
    failed: (job, error) => log.warn({ err: error, job }, "upkeep failed and is tried again"),
  });
  const stopCounts = repeat(COUNTS_PAUSE_MS, async () => log.debug({ ...counts() }, "held keys"));
  return () => inTime(() => [stopRelay(), stopUpkeep(), stopCounts()]);
}

/** Starts what each process that answers calls does. */
export function startProcessJobs(config: Config, log: Log, { ports, quotas, uses, attempts }: Node): Stop {
  const { clock } = ports;
  const stopTally = startTally(attempts, log);
  const stopReleases = repeat(QUOTA_RELEASE_PAUSE_MS, () => quotas.releaseIdle(clock()));
  const stopUses = startUseLog(uses, config.useIntervalMs, {
    dropped: (count) => log.warn({ count }, "dropped uses of keys: more keys were used than are remembered"),
    failed: (error) => log.warn({ err: error }, "uses of keys could not be written yet"),
  });
  return () =>
    inTime((late) => [stopReleases().then(() => quotas.releaseAll(clock(), late)), stopUses(), stopTally()]);
}

// A store that does not answer must not hold up the end; what could not be written then is lost.
async function inTime(stop: (late: AbortSignal) => readonly Promise<void>[]): Promise<void> {
  const late = AbortSignal.timeout(STOP_MS_MAX);
  const over = new Promise((resolve) => late.addEventListener("abort", resolve));
  await Promise.race([Promise.allSettled(stop(late)), over]);
}

// One line a minute at most, however many there are.
function startTally(attempts: FailedAttempts, log: Log): () => Promise<void> {
  let told = 0;
  return repeat(TALLY_PAUSE_MS, async () => {
    const count = attempts.count - told;
    told += count;
    if (count > 0) log.warn({ count }, "attempts without a valid credential");
  });
}
