// What an operator is warned of at the start of a node, once.
import { hasCallerKey } from "../../app/callers/find-caller-key.ts";
import type { AppPorts } from "../../app/ports.ts";
import type { Config } from "../../config/load-config.ts";
import type { Log } from "../../observability/log.ts";
import type { Secrets } from "./secrets.ts";

export async function warnAtStart(
  config: Config,
  log: Log,
  ports: AppPorts,
  { missingPeppers }: Secrets,
): Promise<void> {
  if (missingPeppers.length > 0) {
    log.warn({ versions: missingPeppers }, "pepper versions of the database are missing here");
  }
  await warnOfRoot(config, log, ports);
}

// Whoever holds the root credential can do everything: it is for making callers, not for calling.
async function warnOfRoot(config: Config, log: Log, ports: AppPorts): Promise<void> {
  const isOtherwise = config.sidecarListen !== undefined || config.clientScopes.size > 0;
  if (isOtherwise || (await hasCallerKey(ports))) return;
  log.warn("no key has a scope of fleetkey: yet, so every caller needs the root credential: make them keys");
}
