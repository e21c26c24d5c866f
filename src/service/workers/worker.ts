// A worker of a node of several processes: it answers calls as a service of one process does, but hears from
// its primary what to forget, and asks it what is one for the node.
import cluster, { type Worker } from "node:cluster";
import { afterBy } from "../../cluster/channel/elapse.ts";
import type { ToPrimary, ToWorker } from "../../cluster/channel/messages.ts";
import { PrimaryLink } from "../../cluster/primary-link.ts";
import type { Config } from "../../config/load-config.ts";
import { StartRefused } from "../../domain/errors.ts";
import { systemStopwatch } from "../../lib/clock.ts";
import { repeat } from "../../lib/repeat.ts";
import type { Log } from "../../observability/log.ts";
import type { Store } from "../../store/store.ts";
import { whenAborted } from "../aborted.ts";
import { listenForCalls } from "../listeners.ts";
import { startProcessJobs } from "../node/jobs.ts";
import { createNode } from "../node/node.ts";
import { openWhenThere } from "../node/open-when-there.ts";
import { prepareSecrets } from "../node/secrets.ts";

const COUNTS_PAUSE_MS = 10_000;

/** Resolves when it has stopped: at the signal, when the primary is gone, or since it must not start. */
export async function runWorker(config: Config, log: Log, signal: AbortSignal): Promise<void> {
  const { worker } = cluster;
  if (worker === undefined) throw new TypeError("this process is no worker");
  const channel = new Channel(worker);
  const link = new PrimaryLink({
    send: (message) => void channel.send(message),
    leaseMs: config.leaseMs,
    after: afterBy(systemStopwatch.monotonic),
    soon: setImmediate,
  });
  worker.on("message", (message: ToWorker) => link.receive(message));
  channel.lost.addEventListener("abort", () => link.lose());
  const ending = AbortSignal.any([signal, channel.lost]);
  const store = await openWhenThere(config, log, ending);
  if (store === undefined) return;
  try {
    await serve(config, log, { store, link, channel, ending });
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    await channel.send({ kind: "refused", message: error.message });
  } finally {
    await store.close();
  }
}

async function serve(
  config: Config,
  log: Log,
  {
    store,
    link,
    channel,
    ending,
  }: {
    readonly store: Store;
    readonly link: PrimaryLink;
    readonly channel: Channel;
    readonly ending: AbortSignal;
  },
): Promise<void> {
  const secrets = await prepareSecrets(config, store);
  const node = createNode(config, log, store, {
    secrets,
    rates: link,
    forgetElsewhere: (changed) => link.forget(changed),
  });
  const { held, listener: memory } = node;
  link.join({ listener: memory, forget: (changed) => held.forget(changed) });
  const listening = await Promise.race([
    listenForCalls(config, log, node),
    // The primary has the port: without it nobody ever says that this process listens.
    whenAborted(channel.lost),
  ]);
  if (listening === undefined) return;
  const { listener, sidecarUrl, stopReload } = listening;
  const stopJobs = startProcessJobs(config, log, node);
  const stopCounts = repeat(COUNTS_PAUSE_MS, async () => link.tellCounts(held.counts));
  void channel.send({ kind: "listening", url: listener.url, sidecarUrl });
  await whenAborted(ending);
  await stopReload();
  await listener.stop(config.drainTimeoutMs);
  await stopCounts();
  await stopJobs();
}

/** The worker's end of the channel, as node:cluster has it. */
class Channel {
  readonly lost: AbortSignal;
  readonly #worker: Worker;

  constructor(worker: Worker) {
    this.#worker = worker;
    const lost = new AbortController();
    this.lost = lost.signal;
    worker.on("disconnect", () => {
      // Else node:cluster ends the process right now, and with it the calls that it answers.
      worker.exitedAfterDisconnect = true;
      lost.abort();
    });
  }

  /** Resolves when the message is on its way, or can no longer be. */
  send(message: ToPrimary): Promise<void> {
    return new Promise((resolve) => {
      this.#worker.send(message, undefined, undefined, () => resolve());
    });
  }
}
