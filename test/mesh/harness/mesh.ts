// A mesh of three: the real program, a service that echoes what reached it, and a proxy between that service
// and its clients, on the very configuration that users copy. Ports are those that the configuration names.
import { connect } from "node:net";
import { join } from "node:path";
import { vi } from "vitest";
import { KeyState, KeyType } from "../../../gen/fleetkey/v1/key_pb.js";
import type { CreateResponse } from "../../../gen/fleetkey/v1/key_service_pb.js";
import { ROOT_KEY } from "../../running-service.ts";
import { type Client, clientOf } from "../../system/client.ts";
import type { Processes, ServiceRun, Settings } from "../../system/process.ts";
import { type Answer, type Call, send, Upstream } from "./upstream.ts";

export const MESH = join(import.meta.dirname, "..");
/** Longer than a proxy takes to start on a busy machine. */
const START_MS_MAX = 15_000;

/** A proxy on one configuration. */
export interface ProxySetup {
  readonly title: string;
  /** The first of four: the proxy, the service, Fleetkey's for sidecars, Fleetkey's for everybody. */
  readonly port: number;
  /** How it is started; `folder` is empty and its own. */
  readonly command: (folder: string) => readonly [string, ...string[]];
  /** Where it is started, if not in `folder`. */
  readonly cwd?: string;
  /** What it finds there; `caller` is an api_key that may ask Fleetkey. */
  readonly environment?: (caller: string) => Settings;
  /** It asks Fleetkey where everybody does, not where sidecars do. */
  readonly isCaller?: boolean;
}

export interface Mesh {
  readonly client: Client;
  readonly upstream: Upstream;
  readonly keys: Keys;
  /** Through the proxy. */
  readonly call: (call: Call) => Promise<Answer>;
  /** Ends Fleetkey in good order. */
  readonly stopFleetkey: () => Promise<void>;
  readonly close: () => Promise<void>;
  readonly fleetkeyPort: number;
}

export async function startMesh(processes: Processes, proxy: ProxySetup): Promise<Mesh> {
  const [proxyPort, upstreamPort, sidecarPort, port] = [0, 1, 2, 3].map((step) => proxy.port + step);
  if (!proxyPort || !upstreamPort || !sidecarPort || !port) throw new Error("a port is missing");
  const upstream = await Upstream.at(upstreamPort);
  const fleetkey = await startFleetkey(processes, port, sidecarPort);
  const client = clientOf(fleetkey.url);
  await startProxy(processes, proxy, proxyPort, await makeCaller(client));
  return {
    client,
    upstream,
    keys: await makeKeys(client),
    call: (call) => send(proxyPort, call),
    stopFleetkey: async () => void (await processes.stop(fleetkey)),
    close: () => upstream.close(),
    fleetkeyPort: proxy.isCaller ? port : sidecarPort,
  };
}

async function startProxy(
  processes: Processes,
  proxy: ProxySetup,
  port: number,
  caller: string,
): Promise<void> {
  const folder = processes.folder();
  const command = proxy.command(folder);
  const run = processes.launch(proxy.environment?.(caller) ?? {}, { cwd: proxy.cwd ?? folder, command });
  await Promise.race([
    vi.waitUntil(() => isListening(port), { timeout: START_MS_MAX, interval: 50 }),
    run.exited.then(() => {
      throw new Error(`${proxy.title} has ended:\n${run.output}`);
    }),
  ]);
}

async function startFleetkey(processes: Processes, port: number, sidecarPort: number): Promise<ServiceRun> {
  return processes.start({
    FLEETKEY_LISTEN: `127.0.0.1:${port}`,
    FLEETKEY_SIDECAR_LISTEN: `127.0.0.1:${sidecarPort}`,
    FLEETKEY_TRUSTED_HOPS: "1",
    FLEETKEY_STORE: "sqlite::memory:",
    FLEETKEY_ROOT_KEY: ROOT_KEY,
    FLEETKEY_BCRYPT_COST: "4",
    FLEETKEY_FAILED_ATTEMPTS: "1000000",
    // Proxies keep their connections.
    FLEETKEY_DRAIN_TIMEOUT: "2s",
  });
}

async function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** One for each thing that can be said of a key. */
export interface Keys {
  /** Of user-1, with the scope profile:read. */
  readonly user: CreateResponse;
  /** Of a service account, with orders:read and nothing of a user. */
  readonly reader: CreateResponse;
  /** Of an integration, with all that one can carry. */
  readonly partner: CreateResponse;
  readonly revoked: CreateResponse;
  readonly expired: CreateResponse;
  /** For one use a day. */
  readonly limited: CreateResponse;
  /** For 127.0.0.2 only. */
  readonly bound: CreateResponse;
}

async function makeCaller({ keys }: Client): Promise<string> {
  const scopes = ["fleetkey:verify"];
  const { apiKey } = await keys.create({ type: KeyType.SERVICE, serviceAccountId: "proxy", scopes });
  return apiKey;
}

async function makeKeys({ keys }: Client): Promise<Keys> {
  const user = { type: KeyType.USER, userId: "user-1", scopes: ["profile:read"] };
  const expired = await keys.create({ ...user, ttl: { seconds: 1n } });
  const revoked = await keys.create(user);
  await keys.revoke({ target: { case: "keyId", value: keyIdOf(revoked) } });
  const service = { type: KeyType.SERVICE, serviceAccountId: "shop", scopes: ["orders:read"] };
  const integration = { type: KeyType.INTEGRATION, provider: "stripe", userId: "user-1" };
  const made = {
    user: await keys.create(user),
    reader: await keys.create(service),
    partner: await keys.create({
      ...integration,
      organizationId: "org-1",
      scopes: ["payments:write", "profile:read"],
    }),
    revoked,
    expired,
    limited: await keys.create({ ...user, rateLimit: { limit: 1, window: { seconds: 86_400n } } }),
    bound: await keys.create({ ...user, allowedCidrs: ["127.0.0.2/32"] }),
  };
  await vi.waitUntil(
    async () => (await keys.get({ keyId: keyIdOf(expired) })).key?.state === KeyState.EXPIRED,
    { timeout: 10_000, interval: 50 },
  );
  return made;
}

export function keyIdOf({ key }: CreateResponse): string {
  if (key === undefined) throw new Error("the answer holds no key");
  return key.keyId;
}
