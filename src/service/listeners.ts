// What listens: the port that everybody calls, with its certificate kept fresh, and the sidecar's.
import type { Socket } from "node:net";
import type { AppPorts } from "../app/ports.ts";
import { readTlsFiles } from "../config/listener/tls-files.ts";
import { TLS_CHECK_PAUSE_MS, TlsReload } from "../config/listener/tls-reload.ts";
import type { Config } from "../config/load-config.ts";
import { unavailable } from "../domain/errors.ts";
import { repeat } from "../lib/repeat.ts";
import type { Log } from "../observability/log.ts";
import { connectHandler } from "../transport/connect/connect-handler.ts";
import { requestGate, sidecarGate } from "../transport/connect/gate.ts";
import { WATCH_BLOCKED_MS_MAX } from "../transport/connect/services/key-streams.ts";
import { isStreamCall } from "../transport/connect/streams/stream-calls.ts";
import { withCors } from "../transport/cors.ts";
import { type Admission, credentialAdmission, SIDECAR_ADMISSION } from "../transport/fast-lane/admission.ts";
import { fastLane } from "../transport/fast-lane/lane.ts";
import { askingProxy, askingSidecar } from "../transport/forward-auth/asking-proxy.ts";
import { forwardAuth } from "../transport/forward-auth/forward-auth.ts";
import { type HttpHandler, isLocal, type MakeFastLane } from "../transport/http.ts";
import { githubLeaks } from "../transport/leaks/github.ts";
import { readGithubKeys } from "../transport/leaks/github-keys.ts";
import { type Listener, listen } from "../transport/listener/server.ts";
import { plainHttp } from "../transport/plain-http.ts";
import { type ProxyParts, proxyParts } from "../transport/proxy/proxy-parts.ts";
import { certificateIdentity } from "../transport/tls/client-certificate.ts";
import type { Node } from "./node/node.ts";

/** What listens, and what keeps its certificate fresh. */
export interface Listening {
  readonly listener: Listener;
  /** Where sidecars are answered, if they are. */
  readonly sidecarUrl?: string;
  readonly stopReload: () => Promise<void>;
}

/**
 * The port that everybody calls and, where there is one, the sidecar's: one listener of both. When it stops,
 * streams end at once, and other calls are answered.
 */
export async function listenForCalls(
  config: Config,
  log: Log,
  { ports, authentication, news }: Pick<Node, "ports" | "authentication" | "news">,
): Promise<Listening> {
  const stopping = new AbortController();
  const parts = partsForProxies(config, log, ports);
  const streams = { news, leaseMs: config.leaseMs, watchBlockedMsMax: WATCH_BLOCKED_MS_MAX };
  const ends = { stopping: stopping.signal, ...connectLimits(config) };
  const options = { authentication, log, streams, proxies: parts, ...ends };
  const certificateOf = (socket: Socket) => certificateIdentity(socket, config.clientScopes, ports.clock());
  const handler = connectHandler(ports, {
    ...options,
    gate: requestGate(authentication, config.callerHeaders),
    certificateOf,
    fallback: withGithubLeaks(config, log, ports, plainHttp),
  });
  const { callerHeaders } = config;
  const admission = credentialAdmission({ authentication, callerHeaders, certificateOf });
  const lane = laneFor(config, log, ports, admission, config.corsOrigins.size > 0);
  const asking = askingProxy(authentication, certificateOf);
  const mainHandler = forwardAuth({ parts, log, asking, next: withCors(config, handler) });
  const main = await startListener(config, log, mainHandler, lane);
  try {
    const next = connectHandler(ports, { ...options, gate: sidecarGate(), fallback: plainHttp });
    const sidecarHandler = forwardAuth({ parts, log, asking: askingSidecar, next });
    const sidecarLane = laneFor(config, log, ports, SIDECAR_ADMISSION, false);
    const sidecar = await listenForSidecars(config, log, sidecarHandler, sidecarLane);
    const stop = async (timeoutMs: number) => {
      stopping.abort(unavailable("this node is being stopped", "NODE_STOPPING"));
      await Promise.all([main.listener.stop(timeoutMs), sidecar?.stop(timeoutMs)]);
    };
    return { ...main, listener: { ...main.listener, stop }, sidecarUrl: sidecar?.url };
  } catch (error) {
    await main.stopReload();
    await main.listener.stop(0);
    throw error;
  }
}

async function listenForSidecars(
  config: Config,
  log: Log,
  handler: HttpHandler,
  fastLane: MakeFastLane,
): Promise<Listener | undefined> {
  const { sidecarListen: address } = config;
  if (address === undefined) return undefined;
  return listen({ ...listenOptions(config, log), address, tls: undefined, handler, fastLane });
}

function partsForProxies(config: Config, log: Log, ports: AppPorts): ProxyParts {
  return proxyParts(ports, config.proxies, (trouble) =>
    log.warn({ trouble }, "what a route requires cannot be read, so no key is let through there"),
  );
}

function connectLimits({ bodyBytesMax, limits }: Config) {
  return { requestBytesMax: bodyBytesMax, streamIdleMsMax: limits.idleTimeoutMs };
}

/** Says once for a node who is answered without a credential. */
export function tellOfSidecars({ sidecarListen }: Config, log: Log, url: string | undefined): void {
  if (sidecarListen === undefined) return;
  if (isLocal(sidecarListen)) log.info({ url }, "sidecars are answered without a credential");
  else log.warn({ url }, "whoever reaches the sidecar listener can ask about api_keys");
}

// Both listeners answer Verify without Connect's adapter where they can.
function laneFor(
  config: Config,
  log: Log,
  ports: AppPorts,
  admission: Admission,
  hasOrigins: boolean,
): MakeFastLane {
  const { bodyBytesMax, leaseMs } = config;
  const limits = { ...config.limits, bodyBytesMax, leaseMs };
  return fastLane({ ports, admission, log, limits, hasOrigins });
}

function listenOptions({ limits }: Config, log: Log) {
  return {
    limits,
    isStream: isStreamCall,
    onRefused: (report: object) => log.warn(report, "refused"),
  };
}

async function startListener(
  config: Config,
  log: Log,
  handler: HttpHandler,
  fastLane: MakeFastLane,
): Promise<Listening> {
  const { listen: address, tls: files } = config;
  const tls = files && readTlsFiles(files);
  const listener = await listen({ ...listenOptions(config, log), address, tls, handler, fastLane });
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

function withGithubLeaks(config: Config, log: Log, ports: AppPorts, next: HttpHandler): HttpHandler {
  const { githubKeysPath: path } = config;
  return path === undefined ? next : githubLeaks(ports, { keys: readGithubKeys(path), log, next });
}
