// Everything that the use cases need, on an empty store: a clock that is set by hand, seeded randomness,
// and a slow hash that is fast and counts. Keys are made through the use cases themselves, so a test starts
// from what callers can bring about.
import { createHash } from "node:crypto";
import { onTestFinished } from "vitest";
import { type Caller, nobody, rootCaller } from "../../src/access/caller.ts";
import { createKey } from "../../src/app/keys/create-key.ts";
import { getKey } from "../../src/app/keys/read-keys.ts";
import { KeyLimits } from "../../src/app/limits/key-limits.ts";
import { QuotaLeases } from "../../src/app/limits/quota-leases.ts";
import { RateLimits } from "../../src/app/limits/rate-limits.ts";
import type { AppPorts, KeyPolicy } from "../../src/app/ports.ts";
import type { SlowHash } from "../../src/app/secret/bcrypt-hash.ts";
import { SlowDigestCheck } from "../../src/app/secret/slow-digest-check.ts";
import { storedViews } from "../../src/app/target/read-view.ts";
import type { Use } from "../../src/app/verify/use-log.ts";
import { verifyKey } from "../../src/app/verify/verify-key.ts";
import { type Pepper, pepperSet } from "../../src/domain/api-key/digests.ts";
import { parseApiKey } from "../../src/domain/api-key/key-format.ts";
import type { NumberedEvent } from "../../src/domain/audit/event.ts";
import type { KeyRecord } from "../../src/domain/key.ts";
import { stateOf } from "../../src/domain/lifecycle.ts";
import { MEMORY_PATH, openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import type { Store } from "../../src/store/store.ts";
import { buildPepper, buildPrefixes, ENVIRONMENT, START, seededBytes } from "../domain/build.ts";
import { createInput } from "./requests.ts";

export const ROOT: Caller = rootCaller("192.0.2.1");
/** A caller that is a key. */
export const OTHER_CALLER: Caller = { ...rootCaller("192.0.2.2"), id: "flk_scaller00001" };
/** Who has nothing but an api_key. */
export const NOBODY: Caller = nobody("198.51.100.7");

export const POLICY: KeyPolicy = {
  environment: ENVIRONMENT,
  prefixes: buildPrefixes(),
  roles: new Map([["reader", ["orders:read", "invoices:read"]]]),
  ttlDefaultMs: {},
  ttlMaxMs: {},
  foreignFormats: [],
};

/** Stands in for bcrypt. `gate`, when set, holds every comparison until it resolves. */
export class CountingHash implements SlowHash {
  hashes = 0;
  comparisons = 0;
  gate: Promise<void> | undefined;

  async hash(secret: string): Promise<string> {
    this.hashes += 1;
    return digestOf(secret);
  }

  async matches(secret: string, digest: string): Promise<boolean> {
    this.comparisons += 1;
    await this.gate;
    return digestOf(secret) === digest;
  }
}

export interface World {
  readonly ports: AppPorts;
  readonly store: Store;
  /** Set `now` to move time. */
  readonly clock: { now: number };
  readonly hash: CountingHash;
  /** What Verify recorded, oldest first. */
  readonly uses: readonly Use[];
}

export interface WorldOptions {
  readonly store?: Store;
  readonly policy?: Partial<KeyPolicy>;
}

/** Opens a world for the running test and closes its store afterwards. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const store = options.store ?? (await openSqliteStore(MEMORY_PATH));
  onTestFinished(() => store.close());
  const clock = { now: START };
  const hash = new CountingHash();
  const uses: Use[] = [];
  const ports: AppPorts = {
    store,
    views: storedViews(store),
    clock: () => clock.now,
    randomBytes: seededBytes(1),
    peppers: pepperSet([buildPepper(1)]),
    slowHash: hash,
    slowCheck: new SlowDigestCheck(hash),
    limits: limitsOn(store),
    uses: { record: (use) => void uses.push(use) },
    policy: { ...POLICY, ...options.policy },
  };
  return { ports, store, clock, hash, uses };
}

let nodes = 0;

/** The limits as a node has them that has just started. */
export function limitsOn(store: Store): KeyLimits {
  return new KeyLimits(
    new RateLimits(),
    // Each node draws lease ids of its own.
    new QuotaLeases({ quotas: store.quotas, randomBytes: seededBytes(1_000 + ++nodes) }),
  );
}

/** The same service after a restart with other peppers; it remembers nothing. */
export function restarted(world: World, peppers: readonly Pepper[], lost: readonly number[] = []): AppPorts {
  return {
    ...world.ports,
    peppers: pepperSet(peppers, lost),
    slowCheck: new SlowDigestCheck(world.hash),
  };
}

export interface CreatedKey {
  readonly apiKey: string;
  readonly key: KeyRecord;
}

/** Creates a key that was not there before. */
export async function create(
  ports: AppPorts,
  overrides: Parameters<typeof createInput>[0] = {},
  caller = ROOT,
): Promise<CreatedKey> {
  const result = await createKey(ports, caller, createInput(overrides));
  if (result.isReplayed) throw new Error("the key was there before");
  return { apiKey: result.apiKey, key: result.view.key };
}

/** What Verify says, as one word: `valid`, or the reason. */
export async function verdictOf(ports: AppPorts, apiKey: string): Promise<string> {
  const verdict = await verifyKey(ports, ROOT, {
    apiKey,
    expectedType: undefined,
    requiredScopes: [],
    clientAddress: "",
    userAgent: "",
  });
  return verdict.valid ? "valid" : verdict.reason;
}

/** The state that Get tells. */
export async function stateNow(ports: AppPorts, keyId: string): Promise<string> {
  return stateOf((await getKey(ports, ROOT, keyId)).view, ports.clock());
}

/** The record as it is stored. */
export async function stored(ports: AppPorts, keyId: string): Promise<KeyRecord> {
  const key = await ports.store.keys.read(keyId);
  if (key === undefined) throw new Error(`no record of ${keyId}`);
  return key;
}

/** All events so far. */
export function feedOf(ports: AppPorts): Promise<readonly NumberedEvent[]> {
  return ports.store.events.list({ owner: {}, after: 0, limit: 100_000 });
}

/** The secret part of an api_key of this deployment. */
export function secretOf(apiKey: string): string {
  const parsed = parseApiKey(apiKey, POLICY.prefixes);
  if (typeof parsed === "string") throw new Error(`the api_key is ${parsed}`);
  return parsed.secret;
}

function digestOf(secret: string): string {
  return `test-digest-${createHash("sha256").update(secret).digest("base64url")}`;
}
