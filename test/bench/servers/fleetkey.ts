// Starts Fleetkey as its operators do, from src/main.ts and settings, on a copy of a filled store of its own.
import { copyFileSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { SETTINGS } from "../../../src/config/settings.ts";
import { ENVIRONMENT } from "../keys/make-keys.ts";
import { type FleetkeySpec, type Load, NotMeasured } from "../row.ts";
import type { World } from "../world.ts";
import { ServerProcess } from "./processes.ts";

const MAIN = join(import.meta.dirname, "../../../src/main.ts");
/** A Fleetkey without this setting remembers nothing. */
const CACHE_KEYS_SETTING = "FLEETKEY_CACHE_KEYS";

export const hasCache = Object.hasOwn(SETTINGS, CACHE_KEYS_SETTING);

export interface RunningFleetkey {
  readonly process: ServerProcess;
  readonly url: string;
  readonly sidecarUrl: string;
}

/** `usesManyKeys`: their last uses are then written within the time that is measured, not after it. */
export async function startFleetkey(
  world: World,
  spec: FleetkeySpec,
  { nodeArgs = [], usesManyKeys = false }: { nodeArgs?: readonly string[]; usesManyKeys?: boolean } = {},
): Promise<RunningFleetkey> {
  const cwd = mkdtempSync(join(world.folder, "fleetkey-"));
  const env = {
    ...inherited(),
    FLEETKEY_LISTEN: "127.0.0.1:0",
    FLEETKEY_SIDECAR_LISTEN: "127.0.0.1:0",
    FLEETKEY_STORE: await storeOf(world, spec, cwd),
    FLEETKEY_ROOT_KEY: world.rootKey,
    FLEETKEY_PEPPERS: `${world.pepper.version}:${world.pepper.secret.toString("base64")}`,
    FLEETKEY_ENVIRONMENT: ENVIRONMENT,
    FLEETKEY_BCRYPT_COST: "4",
    FLEETKEY_LOG_LEVEL: "info",
    ...(usesManyKeys ? { FLEETKEY_USE_INTERVAL: "1s" } : {}),
    ...(hasCache && spec.cacheKeys !== undefined ? { [CACHE_KEYS_SETTING]: String(spec.cacheKeys) } : {}),
  };
  const process_ = new ServerProcess([process.execPath, ...nodeArgs, MAIN], { cwd, env });
  const [, sidecarUrl = ""] = await process_.printed(/"url":"([^"]+)","msg":"sidecars are answered/);
  const [, url = ""] = await process_.printed(/ is listening on (\S+)\n/);
  return { process: process_, url, sidecarUrl };
}

/** What a load calls as. */
export async function credentialFor(
  world: World,
  spec: FleetkeySpec,
  load: Load,
): Promise<string | undefined> {
  if (spec.listener === "sidecar") return undefined;
  const { verifier, writer } = await world.stored(spec.keys);
  return load.call === "Create" || load.call === "Refresh" ? writer : verifier;
}

async function storeOf(world: World, { store, keys }: FleetkeySpec, cwd: string): Promise<string> {
  if (store === "mongodb") {
    const uri = await world.mongoDatabase(keys);
    if (uri === undefined) throw new NotMeasured("MONGODB_TEST_URI is not set");
    return uri;
  }
  const path = join(cwd, "fleetkey.db");
  copyFileSync((await world.stored(keys)).databasePath, path);
  return `sqlite:${path}`;
}

/** Without settings of whoever runs the bench. */
export function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(FLEETKEY_|NODE_)/.test(name)));
}
