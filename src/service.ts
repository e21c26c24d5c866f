// The one place where things are constructed: from a configuration to a running service, and back.
import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { rootCredential } from "./access/root-credential.ts";
import type { AppPorts } from "./app/ports.ts";
import { bcryptHash } from "./app/secret/bcrypt-hash.ts";
import { LostPepperFallback } from "./app/secret/lost-pepper-fallback.ts";
import { registerPeppers } from "./app/secret/register-peppers.ts";
import { peppersOf, rootKeysOf } from "./config/embedded-secrets.ts";
import type { Config } from "./config/load-config.ts";
import { readTlsFiles } from "./config/tls-files.ts";
import { pepperSet } from "./domain/api-key/digests.ts";
import { systemClock } from "./lib/clock.ts";
import type { Log } from "./observability/log.ts";
import { isStoreUnavailable } from "./store/errors.ts";
import { startRelay } from "./store/event-relay.ts";
import { openStore } from "./store/open-store.ts";
import type { Store } from "./store/store.ts";
import { connectHandler } from "./transport/connect/connect-handler.ts";
import { plainHttp } from "./transport/plain-http.ts";
import { listen } from "./transport/server.ts";

/** Pauses between attempts to reach a store that does not answer at start. */
const OPEN_PAUSE_MS_MIN = 500;
const OPEN_PAUSE_MS_MAX = 10_000;

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
  try {
    return await serve(config, log, store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function serve(config: Config, log: Log, store: Store): Promise<Service> {
  const rootKeys = rootKeysOf(config);
  const ports = await createPorts(config, log, store);
  const handler = connectHandler(ports, { isRoot: rootCredential(rootKeys.keys), log, fallback: plainHttp });
  const tls = config.tls && readTlsFiles(config.tls);
  const listener = await listen({ address: config.listen, tls, handler });
  const stopRelay = startRelay(store.events, ports.clock, {
    relayed: (count) => log.info({ count }, "relayed events that were left waiting"),
    failed: (error) => log.warn({ err: error }, "the store does not answer the sweeper"),
  });
  return {
    url: listener.url,
    rootKeyPath: rootKeys.path,
    async stop() {
      await listener.stop(config.drainTimeoutMs);
      await stopRelay();
      await store.close();
    },
  };
}

async function createPorts(config: Config, log: Log, store: Store): Promise<AppPorts> {
  const known = [...(await store.pepperChecks.read()).keys()];
  const peppers = peppersOf(config, known);
  const missing = await registerPeppers(store.pepperChecks, peppers, config.peppersLost);
  if (missing.length > 0) log.warn({ versions: missing }, "pepper versions of the database are missing here");
  return {
    store,
    clock: systemClock,
    randomBytes,
    peppers: pepperSet(peppers, config.peppersLost),
    slowHash: bcryptHash(config.bcryptCost),
    // A queue of its own: a Verify must not wait behind a burst of creates.
    fallback: new LostPepperFallback(bcryptHash(config.bcryptCost)),
    policy: config.policy,
  };
}

async function openWhenThere(config: Config, log: Log, signal: AbortSignal): Promise<Store | undefined> {
  let pauseMs = OPEN_PAUSE_MS_MIN;
  while (!signal.aborted) {
    try {
      return await openStore(config.store);
    } catch (error) {
      if (!isStoreUnavailable(error)) throw error;
      log.warn(
        { err: (error as Error).cause, retryInMs: pauseMs },
        "the store does not answer; trying again",
      );
      // An abort ends the pause, and then the loop.
      await setTimeout(pauseMs, undefined, { signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, OPEN_PAUSE_MS_MAX);
    }
  }
  return undefined;
}
