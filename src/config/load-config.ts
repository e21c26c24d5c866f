// From the environment to one frozen, validated object, once, at start. Pure: files are read elsewhere.
import { z } from "zod";
import type { KeyPolicy } from "../app/ports.ts";
import type { UpkeepSettings } from "../app/upkeep/start-upkeep.ts";
import { keyPrefixes } from "../domain/api-key/key-format.ts";
import { StartRefused } from "../domain/errors.ts";
import { NO_ROLES } from "../domain/grant/scope.ts";
import { MEMORY_PATH } from "../store/sqlite/sqlite-store.ts";
import { isLocal } from "../transport/http.ts";
import { type ListenerConfig, listenerConfig, listenerContradictions } from "./listener/listener-config.ts";
import { type NodeConfig, nodeConfig, nodeContradictions } from "./node/node-settings.ts";
import { type ProxyConfig, proxyConfig } from "./proxy/proxy-settings.ts";
import { SETTINGS } from "./settings.ts";

const PREFIX = "FLEETKEY_";
const SCHEMA = z.strictObject(SETTINGS);
type Settings = z.output<typeof SCHEMA>;

/** What the process runs with. */
export interface Config extends ListenerConfig, NodeConfig, ProxyConfig {
  readonly listen: Settings["FLEETKEY_LISTEN"];
  /** Absent: there is none. */
  readonly sidecarListen: Settings["FLEETKEY_SIDECAR_LISTEN"];
  readonly store: Settings["FLEETKEY_STORE"];
  /** Absent: embedded mode keeps one in a file. */
  readonly rootKeys: Settings["FLEETKEY_ROOT_KEY"];
  /** Absent: embedded mode keeps one in a file. */
  readonly peppers: Settings["FLEETKEY_PEPPERS"];
  readonly callerHeaders: readonly string[];
  readonly failedAttemptsMax: number;
  readonly peppersLost: readonly number[];
  readonly policy: KeyPolicy;
  readonly bcryptCost: number;
  readonly useIntervalMs: number;
  readonly upkeep: UpkeepSettings;
  /** Absent: GitHub has no way to report leaks. */
  readonly githubKeysPath: string | undefined;
  readonly logLevel: Settings["FLEETKEY_LOG_LEVEL"];
  readonly drainTimeoutMs: number;
}

/**
 * Throws StartRefused with everything that is wrong at once: each setting and what to do, never its value.
 */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  // An empty variable counts as one that is not set, as container files often have them.
  const given = Object.entries(environment)
    .filter(([name, value]) => name.startsWith(PREFIX) && value !== undefined)
    .map(([name, value]) => [name, value === "" ? undefined : value]);
  const result = SCHEMA.safeParse(Object.fromEntries(given));
  if (!result.success) throw refused(result.error.issues.flatMap(describeIssue));
  const settings = result.data;
  const troubles = contradictions(settings);
  if (troubles.length > 0) throw refused(troubles);
  return toConfig(settings);
}

function refused(troubles: readonly string[]): StartRefused {
  return new StartRefused(["wrong settings", ...troubles].join("\n  "));
}

function describeIssue(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((name) => `${name}: is not a setting; README has the table of all`);
  }
  return [`${issue.path.join(".")}: ${issue.message}`];
}

function contradictions(settings: Settings): readonly string[] {
  const troubles: string[] = [];
  const { FLEETKEY_STORE: store, FLEETKEY_PEPPERS: peppers, FLEETKEY_ROOT_KEY: rootKeys } = settings;
  if (store.kind === "mongodb" && peppers === undefined) {
    troubles.push(
      'FLEETKEY_PEPPERS: is required with MongoDB; make one with: echo "1:$(openssl rand -base64 32)" ' +
        "and keep it: digests cannot be checked without it",
    );
  }
  const needsRootKey = store.kind === "mongodb" || store.path === MEMORY_PATH;
  if (needsRootKey && rootKeys === undefined) {
    troubles.push("FLEETKEY_ROOT_KEY: is required with this store; make one with: openssl rand -hex 32");
  }
  for (const version of settings.FLEETKEY_PEPPERS_LOST ?? []) {
    if (peppers?.some((pepper) => pepper.version === version)) {
      troubles.push(
        `FLEETKEY_PEPPERS_LOST: version ${version} is also given in FLEETKEY_PEPPERS; it is one or the other`,
      );
    }
    if (peppers?.[0] !== undefined && peppers[0].version < version) {
      troubles.push(`FLEETKEY_PEPPERS: the current version must be higher than the lost version ${version}`);
    }
  }
  const { FLEETKEY_SIDECAR_LISTEN: sidecar, FLEETKEY_SIDECAR_REMOTE: isRemoteAllowed } = settings;
  if (sidecar !== undefined && !isLocal(sidecar) && isRemoteAllowed === undefined) {
    troubles.push(
      "FLEETKEY_SIDECAR_LISTEN: is not a loopback address; with FLEETKEY_SIDECAR_REMOTE=allow whoever " +
        "reaches it can ask about api_keys without a credential",
    );
  }
  return [
    ...troubles,
    ...nodeContradictions(settings),
    ...listenerContradictions(settings),
    ...policyContradictions(settings),
  ];
}

function policyContradictions(settings: Settings): readonly string[] {
  const troubles: string[] = [];
  for (const [type, defaultMs] of Object.entries(settings.FLEETKEY_TTL_DEFAULT ?? {})) {
    const maxMs = settings.FLEETKEY_TTL_MAX?.[type as keyof typeof settings.FLEETKEY_TTL_MAX];
    if (maxMs !== undefined && defaultMs > maxMs) {
      troubles.push(`FLEETKEY_TTL_DEFAULT: is longer than FLEETKEY_TTL_MAX for ${type}`);
    }
  }
  const prefixes = Object.values(keyPrefixes(settings.FLEETKEY_ENVIRONMENT, settings.FLEETKEY_KEY_PREFIXES));
  if (new Set(prefixes).size < prefixes.length) {
    troubles.push("FLEETKEY_KEY_PREFIXES: two types must not have the same prefix");
  }
  return troubles;
}

function toConfig(settings: Settings): Config {
  const { FLEETKEY_ENVIRONMENT: environment } = settings;
  return Object.freeze({
    listen: settings.FLEETKEY_LISTEN,
    sidecarListen: settings.FLEETKEY_SIDECAR_LISTEN,
    store: settings.FLEETKEY_STORE,
    rootKeys: settings.FLEETKEY_ROOT_KEY,
    peppers: settings.FLEETKEY_PEPPERS,
    callerHeaders: settings.FLEETKEY_CALLER_HEADERS ?? [],
    failedAttemptsMax: settings.FLEETKEY_FAILED_ATTEMPTS,
    peppersLost: settings.FLEETKEY_PEPPERS_LOST ?? [],
    policy: {
      environment,
      prefixes: keyPrefixes(environment, settings.FLEETKEY_KEY_PREFIXES),
      foreignFormats: settings.FLEETKEY_FOREIGN_FORMATS ?? [],
      roles: settings.FLEETKEY_ROLES ?? NO_ROLES,
      ttlDefaultMs: settings.FLEETKEY_TTL_DEFAULT ?? {},
      ttlMaxMs: settings.FLEETKEY_TTL_MAX ?? {},
    },
    bcryptCost: settings.FLEETKEY_BCRYPT_COST,
    useIntervalMs: settings.FLEETKEY_USE_INTERVAL,
    upkeep: {
      expiryNoticeMs: settings.FLEETKEY_EXPIRY_NOTICE,
      keyRetentionMs: settings.FLEETKEY_KEY_RETENTION,
      eventRetentionMs: settings.FLEETKEY_EVENT_RETENTION,
    },
    ...nodeConfig(settings),
    ...listenerConfig(settings),
    ...proxyConfig(settings),
    githubKeysPath: settings.FLEETKEY_GITHUB_KEYS,
    logLevel: settings.FLEETKEY_LOG_LEVEL,
    drainTimeoutMs: settings.FLEETKEY_DRAIN_TIMEOUT,
  });
}
