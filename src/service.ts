// The one place where things are constructed: from a configuration to a running service, and back.
import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { FailedAttempts } from "./access/failed-attempts.ts";
import { rootCredential } from "./access/root-credential.ts";
import { type Authentication, callerAuthentication } from "./app/callers/authenticate-caller.ts";
import { hasCallerKey } from "./app/callers/find-caller-key.ts";
import { KeyLimits } from "./app/limits/key-limits.ts";
import { QuotaLeases } from "./app/limits/quota-leases.ts";
import { RateLimits } from "./app/limits/rate-limits.ts";
import type { AppPorts } from "./app/ports.ts";
import { bcryptHash } from "./app/secret/bcrypt-hash.ts";
import { registerPeppers } from "./app/secret/register-peppers.ts";
import { SlowDigestCheck } from "./app/secret/slow-digest-check.ts";
import { startUpkeep } from "./app/upkeep/start-upkeep.ts";
import { startUseLog, UseLog } from "./app/verify/use-log.ts";
import { peppersOf, rootKeysOf } from "./config/embedded-secrets.ts";
import { readTlsFiles } from "./config/listener/tls-files.ts";
import { TLS_CHECK_PAUSE_MS, TlsReload } from "./config/listener/tls-reload.ts";
import type { Config } from "./config/load-config.ts";
import { pepperSet } from "./domain/api-key/digests.ts";
import { systemClock } from "./lib/clock.ts";
import { repeat } from "./lib/repeat.ts";
import type { Log } from "./observability/log.ts";
import { isStoreUnavailable } from "./store/errors.ts";
import { startRelay } from "./store/event-relay.ts";
import { openStore } from "./store/open-store.ts";
import type { Store } from "./store/store.ts";
import { connectHandler } from "./transport/connect/connect-handler.ts";
import { requestGate, sidecarGate } from "./transport/connect/gate.ts";
import { isStreamCall } from "./transport/connect/streams/stream-calls.ts";
import { withCors } from "./transport/cors.ts";
import { type HttpHandler, isLocal, type ListenAddress } from "./transport/http.ts";
import { githubLeaks } from "./transport/leaks/github.ts";
import { readGithubKeys } from "./transport/leaks/github-keys.ts";
import { type Listener, listen } from "./transport/listener/server.ts";
import { plainHttp } from "./transport/plain-http.ts";
import { certificateIdentity } from "./transport/tls/client-certificate.ts";

/** Pauses between attempts to reach a store that does not answer at start. */
const OPEN_PAUSE_MS_MIN = 500;
const OPEN_PAUSE_MS_MAX = 10_000;
/** How often resting keys have what is set aside for them given back. */
const QUOTA_RELEASE_PAUSE_MS = 5_000;
/** How often failed attempts are told of. */
const TALLY_PAUSE_MS = 60_000;
/** How long the last writes may take at the end. */
const STOP_MS_MAX = 5_000;

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
  const quotas = new QuotaLeases({
    quotas: store.quotas,
    randomBytes,
    lost: (error) => log.warn({ err: error }, "uses of a quota could not be given back and count as used"),
  });
  const uses = new UseLog(store.usage);
  const ports = await createPorts(config, log, { store, quotas, uses });
  const attempts = new FailedAttempts(config.failedAttemptsMax);
  const authentication = callerAuthentication(ports, { isRoot: rootCredential(rootKeys.keys), attempts });
  await warnOfRoot(config, log, ports);
  const { listener, stopReload } = await listenForCalls(config, log, ports, authentication);
  const stopJobs = startJobs(config, log, { ports, quotas, uses, attempts });
  return {
    url: listener.url,
    rootKeyPath: rootKeys.path,
    async stop() {
      await stopReload();
      await listener.stop(config.drainTimeoutMs);
      await stopJobs();
      await store.close();
    },
  };
}

/** What listens, and what keeps its certificate fresh. */
interface Listening {
  readonly listener: Listener;
  readonly stopReload: () => Promise<void>;
}

/** The port that everybody calls and, where there is one, the sidecar's: one listener of both. */
async function listenForCalls(
  config: Config,
  log: Log,
  ports: AppPorts,
  authentication: Authentication,
): Promise<Listening> {
  const options = { authentication, log, ...connectLimits(config) };
  const handler = connectHandler(ports, {
    ...options,
    gate: requestGate(authentication, config.callerHeaders),
    certificateOf: (socket) => certificateIdentity(socket, config.clientScopes, ports.clock()),
    fallback: withGithubLeaks(config, log, ports, plainHttp),
  });
  const main = await startListener(config, log, withCors(config, handler));
  if (config.sidecarListen === undefined) return main;
  try {
    const sidecarHandler = connectHandler(ports, { ...options, gate: sidecarGate(), fallback: plainHttp });
    const sidecar = await listenForSidecars(config, config.sidecarListen, log, sidecarHandler);
    const stop = async (timeoutMs: number) => {
      await Promise.all([main.listener.stop(timeoutMs), sidecar.stop(timeoutMs)]);
    };
    return { ...main, listener: { ...main.listener, stop } };
  } catch (error) {
    await main.stopReload();
    await main.listener.stop(0);
    throw error;
  }
}

function connectLimits({ bodyBytesMax, limits }: Config) {
  return { requestBytesMax: bodyBytesMax, streamIdleMsMax: limits.idleTimeoutMs };
}

async function listenForSidecars(
  config: Config,
  address: ListenAddress,
  log: Log,
  handler: HttpHandler,
): Promise<Listener> {
  const listener = await listen({ ...listenOptions(config, log), address, tls: undefined, handler });
  if (isLocal(address)) log.info({ url: listener.url }, "sidecars are answered without a credential");
  else log.warn({ url: listener.url }, "whoever reaches the sidecar listener can ask about api_keys");
  return listener;
}

function listenOptions({ limits }: Config, log: Log) {
  return {
    limits,
    isStream: isStreamCall,
    onRefused: (report: object) => log.warn(report, "refused"),
  };
}

async function startListener(config: Config, log: Log, handler: HttpHandler): Promise<Listening> {
  const { listen: address, tls: files } = config;
  const tls = files && readTlsFiles(files);
  const listener = await listen({ ...listenOptions(config, log), address, tls, handler });
  if (files === undefined || tls === undefined) return { listener, stopReload: async () => {} };
  const reload = new TlsReload(files, tls, {
    changed(texts) {
      listener.changeTls(texts);
      log.info("the TLS files have changed: new connections get the new certificate");
    },
    failed: (error) =>
      log.error({ err: error }, "the TLS files have changed and are of no use; the former stay"),
  });
  return { listener, stopReload: repeat(TLS_CHECK_PAUSE_MS, async () => reload.check()) };
}

// Whoever holds the root credential can do everything: it is for making callers, not for calling.
async function warnOfRoot(config: Config, log: Log, ports: AppPorts): Promise<void> {
  const isOtherwise = config.sidecarListen !== undefined || config.clientScopes.size > 0;
  if (isOtherwise || (await hasCallerKey(ports))) return;
  log.warn("no key has a scope of fleetkey: yet, so every caller needs the root credential: make them keys");
}

function withGithubLeaks(config: Config, log: Log, ports: AppPorts, next: HttpHandler): HttpHandler {
  const { githubKeysPath: path } = config;
  return path === undefined ? next : githubLeaks(ports, { keys: readGithubKeys(path), log, next });
}

/** Starts what is done beside the calls; the returned function ends it, in bounded time. */
function startJobs(
  config: Config,
  log: Log,
  {
    ports,
    quotas,
    uses,
    attempts,
  }: {
    readonly ports: AppPorts;
    readonly quotas: QuotaLeases;
    readonly uses: UseLog;
    readonly attempts: FailedAttempts;
  },
): () => Promise<void> {
  const { clock, store } = ports;
  const stopRelay = startRelay(store.events, clock, {
    relayed: (count) => log.info({ count }, "relayed events that were left waiting"),
    failed: (error) => log.warn({ err: error }, "the store does not answer the sweeper"),
  });
  const stopTally = startTally(attempts, log);
  const stopUpkeep = startUpkeep(ports, config.upkeep, {
    done: (job, count) => log.info({ job, count }, "upkeep"),
    failed: (job, error) => log.warn({ err: error, job }, "upkeep failed and is tried again"),
  });
  const stopReleases = repeat(QUOTA_RELEASE_PAUSE_MS, () => quotas.releaseIdle(clock()));
  const stopUses = startUseLog(uses, config.useIntervalMs, {
    dropped: (count) => log.warn({ count }, "dropped uses of keys: more keys were used than are remembered"),
    failed: (error) => log.warn({ err: error }, "uses of keys could not be written yet"),
  });
  return async () => {
    const late = AbortSignal.timeout(STOP_MS_MAX);
    const stopped = Promise.allSettled([
      stopRelay(),
      stopUpkeep(),
      stopReleases().then(() => quotas.releaseAll(clock(), late)),
      stopUses(),
      stopTally(),
    ]);
    // A store that does not answer must not hold up the end; what could not be written then is lost.
    await Promise.race([stopped, new Promise((resolve) => late.addEventListener("abort", resolve))]);
  };
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

async function createPorts(
  config: Config,
  log: Log,
  { store, quotas, uses }: { readonly store: Store; readonly quotas: QuotaLeases; readonly uses: UseLog },
): Promise<AppPorts> {
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
    slowCheck: new SlowDigestCheck(bcryptHash(config.bcryptCost)),
    limits: new KeyLimits(new RateLimits(), quotas),
    uses,
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
