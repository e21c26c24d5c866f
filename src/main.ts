// The process: environment to configuration to service, and signals. Everything else is elsewhere.
import { loadConfig } from "./config/load-config.ts";
import { StartRefused } from "./domain/errors.ts";
import { createLog } from "./observability/log.ts";
import { runProcess } from "./service/run.ts";

/** Exit status for a configuration that cannot be started (sysexits.h, EX_CONFIG). */
const EXIT_CONFIG = 78;

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const stopping = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stopping.abort(name));
  await runProcess(config, createLog(config.logLevel), stopping.signal);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  const isRefused = error instanceof StartRefused;
  process.stderr.write(`fleetkey cannot start: ${isRefused ? error.message : (error as Error).stack}\n`);
  process.exit(isRefused ? EXIT_CONFIG : 1);
}
