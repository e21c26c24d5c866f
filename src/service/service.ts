// A node of one process: from a configuration to a running service, and back. A node of several is
// primary.ts and worker.ts.
import { RateLimits } from "../app/limits/rate-limits.ts";
import type { Follower } from "../cache/follow-feed.ts";
import type { Config } from "../config/load-config.ts";
import type { Log } from "../observability/log.ts";
import type { Store } from "../store/store.ts";
import { listenForCalls, tellOfSidecars } from "./listeners.ts";
import { startNodeJobs, startProcessJobs } from "./node/jobs.ts";
import { createNode } from "./node/node.ts";
import { openWhenThere } from "./node/open-when-there.ts";
import { prepareSecrets } from "./node/secrets.ts";
import { startTail, wakeOnChange } from "./node/tail.ts";
import { warnAtStart } from "./node/warnings.ts";

export interface Service {
  /** Where it answers. */
  readonly url: string;
  /** The file with the root credential, in embedded mode. */
  readonly rootKeyPath: string | undefined;
  /** Drains the listener, then closes the store. */
  stop(): Promise<void>;
}

/** Resolves once calls are answered; with undefined when `signal` came while the store was waited for. */
export async function startService(
  config: Config,
  log: Log,
  signal: AbortSignal,
): Promise<Service | undefined> {
  const store = await openWhenThere(config, log, signal);
  if (store === undefined) return undefined;
  let follower: Follower | undefined;
  try {
    const secrets = await prepareSecrets(config, store);
    const wake = wakeOnChange(config, () => follower);
    const node = createNode(config, log, store, {
      secrets,
      rates: new RateLimits(),
      forgetElsewhere: async () => wake(),
    });
    follower = startTail(config, log, store, node.listener);
    await warnAtStart(config, log, node.ports, secrets);
    const listening = await listenForCalls(config, log, node);
    tellOfSidecars(config, log, listening.sidecarUrl);
    const stopJobs = [
      startProcessJobs(config, log, node),
      startNodeJobs(config, log, node.ports, () => node.held.counts),
    ];
    return {
      url: listening.listener.url,
      rootKeyPath: secrets.rootKeyPath,
      async stop() {
        await listening.stopReload();
        await listening.listener.stop(config.drainTimeoutMs);
        await follower?.stop();
        await Promise.all(stopJobs.map((stop) => stop()));
        await store.close();
      },
    };
  } catch (error) {
    await close(store, follower);
    throw error;
  }
}

async function close(store: Store, follower: Follower | undefined): Promise<void> {
  await follower?.stop();
  await store.close();
}
