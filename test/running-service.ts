// Starts the real service inside the test's process, on a free port of the loopback address, and stops it
// again.
import { Writable } from "node:stream";
import { loadConfig } from "../src/config/load-config.ts";
import { createLog } from "../src/observability/log.ts";
import { type Service, startService } from "../src/service/service.ts";

/** Long enough to be accepted and made of nothing that looks real. */
export const ROOT_KEY = "test-root-".padEnd(40, "x");

export interface RunningService extends Service {
  /** Everything that was logged so far, at level trace. */
  readonly logged: () => string;
}

/** `settings` are added to: any free port, SQLite in memory, the cheapest bcrypt, ROOT_KEY. */
export async function runService(settings: Readonly<Record<string, string>> = {}): Promise<RunningService> {
  const config = loadConfig({
    FLEETKEY_LISTEN: "127.0.0.1:0",
    FLEETKEY_STORE: "sqlite::memory:",
    FLEETKEY_ROOT_KEY: ROOT_KEY,
    FLEETKEY_BCRYPT_COST: "4",
    FLEETKEY_DRAIN_TIMEOUT: "5s",
    // Every test calls from one address.
    FLEETKEY_FAILED_ATTEMPTS: "1000000",
    ...settings,
  });
  let text = "";
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const service = await startService(config, createLog("trace", sink), new AbortController().signal);
  if (service === undefined) throw new Error("nobody gave up waiting for the store");
  return { ...service, logged: () => text };
}
