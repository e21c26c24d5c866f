// The primary of a node of several processes: it answers no calls, and does for its workers what must be one
// for the node: it makes what the first start makes, hears of changes, has all of them forget, and counts
// against rate limits.
import { RateLimits } from "../../app/limits/rate-limits.ts";
import type { Follower } from "../../cache/follow-feed.ts";
import { afterBy } from "../../cluster/channel/elapse.ts";
import { PrimaryDesk } from "../../cluster/primary-desk.ts";
import type { Config } from "../../config/load-config.ts";
import { welcome } from "../../config/welcome.ts";
import { StartRefused } from "../../domain/errors.ts";
import { systemClock, systemStopwatch } from "../../lib/clock.ts";
import type { Log } from "../../observability/log.ts";
import { MEMORY_PATH } from "../../store/sqlite/sqlite-store.ts";
import type { Store } from "../../store/store.ts";
import { makeWay } from "../../transport/listener/server.ts";
import { whenAborted } from "../aborted.ts";
import { tellOfSidecars } from "../listeners.ts";
import { startNodeJobs } from "../node/jobs.ts";
import { createNode } from "../node/node.ts";
import { openWhenThere } from "../node/open-when-there.ts";
import { prepareSecrets, type Secrets } from "../node/secrets.ts";
import { startTail, wakeOnChange } from "../node/tail.ts";
import { warnAtStart } from "../node/warnings.ts";
import { WorkerPool } from "./worker-pool.ts";

/** How long a worker may take to end beyond the time in which it drains. */
const STOP_EXTRA_MS = 5_000;

/** Resolves when all has stopped; rejects with StartRefused when the workers must not start. */
export async function runPrimary(config: Config, log: Log, signal: AbortSignal): Promise<void> {
  if (config.store.kind === "sqlite" && config.store.path === MEMORY_PATH) {
    throw new StartRefused(
      "FLEETKEY_WORKERS: must be 1 with a store in memory, which processes do not share",
    );
  }
  const store = await openWhenThere(config, log, signal);
  if (store === undefined) return;
  let follower: Follower | undefined;
  try {
    const secrets = await prepareSecrets(config, store);
    const desk = openDesk(
      config,
      wakeOnChange(config, () => follower),
    );
    const ports = portsOf(config, log, store, secrets, desk);
    await warnAtStart(config, log, ports, secrets);
    follower = startTail(config, log, store, desk);
    const stopJobs = startNodeJobs(config, log, ports, () => desk.counts);
    try {
      await runWorkers(config, log, { signal, desk, rootKeyPath: secrets.rootKeyPath });
    } finally {
      await stopJobs();
    }
  } finally {
    await follower?.stop();
    await store.close();
  }
}

function openDesk(config: Config, changed: () => void): PrimaryDesk {
  return new PrimaryDesk({
    leaseMs: config.leaseMs,
    after: afterBy(systemStopwatch.monotonic),
    clock: systemClock,
    rates: new RateLimits(),
    changed,
  });
}

// For what the service does by itself, whose changes the workers have to forget like all others.
function portsOf(config: Config, log: Log, store: Store, secrets: Secrets, desk: PrimaryDesk) {
  const remembering = { ...config, cacheKeysMax: 0 };
  const forgetElsewhere: PrimaryDesk["forget"] = (changed) => desk.forget(changed);
  return createNode(remembering, log, store, { secrets, rates: new RateLimits(), forgetElsewhere }).ports;
}

async function runWorkers(
  config: Config,
  log: Log,
  {
    signal,
    desk,
    rootKeyPath,
  }: { readonly signal: AbortSignal; readonly desk: PrimaryDesk; readonly rootKeyPath: string | undefined },
): Promise<void> {
  await makeWay(config.listen);
  if (config.sidecarListen !== undefined) await makeWay(config.sidecarListen);
  const pool = new WorkerPool(config.workers, desk, log);
  try {
    const stopped = whenAborted(signal);
    const first = await Promise.race([pool.listening, stopped]);
    if (first === undefined) return;
    tellOfSidecars(config, log, first.sidecarUrl);
    process.stdout.write(welcome({ url: first.url, rootKeyPath }));
    await stopped;
  } finally {
    await pool.stop(config.drainTimeoutMs + STOP_EXTRA_MS);
  }
}
