// The process: environment to configuration to service, and signals. Everything else is elsewhere.
import { loadConfig } from "./config/load-config.ts";
import { welcome } from "./config/welcome.ts";
import { StartRefused } from "./domain/errors.ts";
import { createLog } from "./observability/log.ts";
import { startService } from "./service.ts";

/** Exit status for a configuration that cannot be started (sysexits.h, EX_CONFIG). */
const EXIT_CONFIG = 78;

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const log = createLog(config.logLevel);
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.on(name, () => {
        log.info({ signal: name }, "stopping");
        stopping.abort();
        resolve();
      });
    }
  });
  const service = await startService(config, log, stopping.signal);
  if (service !== undefined) {
    process.stdout.write(welcome(service));
    await stopped;
    await service.stop();
  }
  log.info("stopped");
}

try {
  await main();
  process.exit(0);
} catch (error) {
  const isRefused = error instanceof StartRefused;
  process.stderr.write(`fleetkey cannot start: ${isRefused ? error.message : (error as Error).stack}\n`);
  process.exit(isRefused ? EXIT_CONFIG : 1);
}
