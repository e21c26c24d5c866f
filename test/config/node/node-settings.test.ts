// The settings of a node: what their texts become at the bounds, which texts are refused and with which
// words, and which lease is too short for how often the store is asked.
import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { type Config, loadConfig } from "../../../src/config/load-config.ts";
import { NODE_SETTINGS } from "../../../src/config/node/node-settings.ts";
import { type Settings, troublesOf } from "../settings.ts";

type Row = readonly [name: string, text: string, pick: (config: Config) => unknown, value: unknown];

const ROWS: readonly Row[] = [
  ["CACHE_KEYS", "0", (c) => c.cacheKeysMax, 0],
  ["CACHE_KEYS", "10000000", (c) => c.cacheKeysMax, 10_000_000],
  ["CACHE_AGE", "1s", (c) => c.cacheAgeMsMax, 1_000],
  ["CACHE_AGE", "1d", (c) => c.cacheAgeMsMax, 86_400_000],
  ["POLL_INTERVAL", "10ms", (c) => c.pollIntervalMs, 10],
  ["POLL_INTERVAL", "60s", (c) => c.pollIntervalMs, 60_000],
  ["LEASE", "100ms", (c) => c.leaseMs, 100],
  ["LEASE", "5m", (c) => c.leaseMs, 300_000],
  ["WORKERS", "1", (c) => c.workers, 1],
  ["WORKERS", "128", (c) => c.workers, 128],
  ["WORKERS", "auto", (c) => c.workers, Math.min(availableParallelism(), 128)],
];

/** What a value at a bound cannot stand without. */
function companionsOf(name: string): Settings {
  if (name === "POLL_INTERVAL") return { FLEETKEY_LEASE: "5m" };
  return name === "LEASE" ? { FLEETKEY_POLL_INTERVAL: "10ms" } : {};
}

describe("loadConfig accepts", () => {
  it.each(ROWS)("FLEETKEY_%s=%s", (name, text, pick, value) => {
    expect(pick(loadConfig({ ...companionsOf(name), [`FLEETKEY_${name}`]: text }))).toEqual(value);
  });

  it("takes an empty variable for one that is not set", () => {
    const empty = Object.fromEntries(Object.keys(NODE_SETTINGS).map((name) => [name, ""]));
    expect(loadConfig(empty)).toEqual(loadConfig({}));
  });
});

const KEYS = "must be a whole number from 0 to 10000000";
const WORKERS = "must be a whole number from 1 to 128";
const DURATION = "must be a duration such as 10s, 5m, 24h or 90d";
const AGE = "must be from 1s to 24h";
const POLL = "must be from 10ms to 1m";
const LEASE = "must be from 100ms to 5m";

const BAD_VALUES: Readonly<Record<string, readonly (readonly [text: string, message: string])[]>> = {
  CACHE_KEYS: [
    ["-1", KEYS],
    ["10000001", KEYS],
    ["1.5", KEYS],
    ["all", KEYS],
  ],
  CACHE_AGE: [
    ["999ms", AGE],
    ["0", AGE],
    ["86401s", AGE],
    ["ever", DURATION],
  ],
  POLL_INTERVAL: [
    ["9ms", POLL],
    ["0", POLL],
    ["61s", POLL],
    ["often", DURATION],
  ],
  LEASE: [
    ["99ms", LEASE],
    ["0", LEASE],
    ["301s", LEASE],
    ["ever", DURATION],
  ],
  WORKERS: [
    ["0", WORKERS],
    ["129", WORKERS],
    ["AUTO", WORKERS],
    ["2.5", WORKERS],
  ],
};

describe.each(Object.entries(BAD_VALUES))(
  "FLEETKEY_%s is refused with its name and what is expected",
  (name, rows) => {
    it.each(rows)("%s", (text, message) => {
      expect(troublesOf({ [`FLEETKEY_${name}`]: text })).toEqual([`FLEETKEY_${name}: ${message}`]);
    });
  },
);

it("the table of bad values has every setting of a node", () => {
  expect(Object.keys(BAD_VALUES).map((name) => `FLEETKEY_${name}`)).toEqual(Object.keys(NODE_SETTINGS));
});

describe("A lease of less than two looks at the feed would end between them", () => {
  const TOO_SHORT = ["FLEETKEY_LEASE: must be at least twice FLEETKEY_POLL_INTERVAL"];
  it.each<[string, Settings, readonly string[]]>([
    ["twice as long is enough", { FLEETKEY_LEASE: "2s", FLEETKEY_POLL_INTERVAL: "1s" }, []],
    ["1 ms less is refused", { FLEETKEY_LEASE: "1999ms", FLEETKEY_POLL_INTERVAL: "1s" }, TOO_SHORT],
    ["the shortest one beside the default pause", { FLEETKEY_LEASE: "100ms" }, TOO_SHORT],
    ["the longest pause beside the default lease", { FLEETKEY_POLL_INTERVAL: "1m" }, TOO_SHORT],
  ])("%s", (_, settings, troubles) => {
    expect(troublesOf(settings)).toEqual(troubles);
  });
});
