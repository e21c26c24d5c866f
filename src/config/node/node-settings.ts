// The settings of a node: what it remembers of keys, how it hears of changes, and of how many processes it
// is. Part of SETTINGS, in this order.
import { availableParallelism } from "node:os";
import type { z } from "zod";
import { parseDurationFrom } from "../duration.ts";
import { parsed, parseWhole } from "../parsed.ts";

const WORKERS_MAX = 128;

function parseWorkers(text: string): number {
  return text === "auto" ? Math.min(availableParallelism(), WORKERS_MAX) : parseWhole(1, WORKERS_MAX)(text);
}

export const NODE_SETTINGS = {
  FLEETKEY_CACHE_KEYS: parsed(parseWhole(0, 10_000_000))
    .prefault("100000")
    .describe("How many keys each process remembers, so that Verify need not ask the store. `0`: none."),
  FLEETKEY_CACHE_AGE: parsed(parseDurationFrom("1s", "24h"))
    .prefault("10m")
    .describe(
      "How long a key is remembered at most before it is read anew. Changes are heard of long before.",
    ),
  FLEETKEY_POLL_INTERVAL: parsed(parseDurationFrom("10ms", "1m"))
    .prefault("200ms")
    .describe("How often a node asks the store what has changed: how soon it refuses what others revoke."),
  FLEETKEY_LEASE: parsed(parseDurationFrom("100ms", "5m"))
    .prefault("2s")
    .describe(
      "The bound of a revocation: how long a node that hears of nothing goes on trusting what it " +
        "remembers. At least twice FLEETKEY_POLL_INTERVAL.",
    ),
  FLEETKEY_WORKERS: parsed(parseWorkers)
    .prefault("1")
    .describe(
      "Processes that answer calls behind the one address, 1 to 128; `auto`: one for each core. Limits " +
        "that hold for each process hold for each of them.",
    ),
};

/** Their values. */
export type NodeSettings = z.output<z.ZodObject<typeof NODE_SETTINGS>>;

/** What a node runs with. */
export interface NodeConfig {
  /** 0: nothing is remembered. */
  readonly cacheKeysMax: number;
  readonly cacheAgeMsMax: number;
  readonly pollIntervalMs: number;
  readonly leaseMs: number;
  readonly workers: number;
}

export function nodeConfig(settings: NodeSettings): NodeConfig {
  return {
    cacheKeysMax: settings.FLEETKEY_CACHE_KEYS,
    cacheAgeMsMax: settings.FLEETKEY_CACHE_AGE,
    pollIntervalMs: settings.FLEETKEY_POLL_INTERVAL,
    leaseMs: settings.FLEETKEY_LEASE,
    workers: settings.FLEETKEY_WORKERS,
  };
}

/** What is wrong between settings that are each right. */
export function nodeContradictions(settings: NodeSettings): readonly string[] {
  const { FLEETKEY_LEASE: leaseMs, FLEETKEY_POLL_INTERVAL: pollIntervalMs } = settings;
  return leaseMs >= 2 * pollIntervalMs
    ? []
    : ["FLEETKEY_LEASE: must be at least twice FLEETKEY_POLL_INTERVAL"];
}
