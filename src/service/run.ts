// What this process is: a node of its own, the primary of one, or one of its workers.
import cluster from "node:cluster";
import type { Config } from "../config/load-config.ts";
import { welcome } from "../config/welcome.ts";
import type { Log } from "../observability/log.ts";
import { whenAborted } from "./aborted.ts";
import { startService } from "./service.ts";
import { runPrimary } from "./workers/primary.ts";
import { runWorker } from "./workers/worker.ts";

/** Runs until the signal, and then ends in good order. Rejects with StartRefused when it must not start. */
export async function runProcess(config: Config, log: Log, signal: AbortSignal): Promise<void> {
  // What a node says of its end its primary says once.
  if (cluster.isWorker) return runWorker(config, log, signal);
  signal.addEventListener("abort", () => log.info({ signal: signal.reason }, "stopping"));
  if (config.workers > 1) await runPrimary(config, log, signal);
  else await runAlone(config, log, signal);
  log.info("stopped");
}

async function runAlone(config: Config, log: Log, signal: AbortSignal): Promise<void> {
  const service = await startService(config, log, signal);
  if (service === undefined) return;
  process.stdout.write(welcome(service));
  await whenAborted(signal);
  await service.stop();
}
