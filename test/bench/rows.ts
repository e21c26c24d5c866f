// The rows of the bench, as data: which servers, under which load, compared with what.
import type { Entry, FleetkeySpec, LatencyRow, Load, MemoryRow, PeerSpec, RateRow, Row } from "./row.ts";

const MAIN: FleetkeySpec = { kind: "fleetkey", listener: "main", store: "sqlite", keys: "few" };
const SIDECAR: FleetkeySpec = { ...MAIN, listener: "sidecar" };
const peer = (program: PeerSpec["program"]): PeerSpec => ({ kind: "peer", program });

const HIT: Load = { call: "Verify", wire: "grpc", of: "stored", draw: "one", connections: 8, streams: 16 };
const EACH: Load = { ...HIT, draw: "in-turn" };
const HTTP1: Load = { ...HIT, wire: "json-http1", connections: 64, streams: 1 };
const HTTP2: Load = { ...HIT, wire: "json-http2" };
const UNKNOWN: Load = { ...EACH, of: "unknown" };
const BAD_CHECKSUM: Load = { ...EACH, of: "bad-checksum" };
const CACHE_KEYS = { few: 5_000, many: 100_000 };

const entry = (label: string, server: Entry["server"], load: Load, against?: readonly string[]): Entry => ({
  ...{ label, server, load, against },
});

const rate = (name: string, entries: readonly Entry[], more: Partial<RateRow> = {}): RateRow => ({
  ...{ kind: "rate", name, unit: "verdicts/s", entries },
  ...more,
});

const GRPC_PEERS = ["bare-http2", "grpc-js", "connect-node"] as const;
const latency: LatencyRow = {
  kind: "latency",
  name: "latency",
  entries: [entry("fleetkey", MAIN, HIT), entry("bare-http2", peer("bare-http2"), HIT)],
  peakOf: { row: "verify-grpc", label: "fleetkey" },
};
const memory = (keys: number): MemoryRow => ({
  kind: "memory",
  name: "memory",
  entries: [entry("fleetkey", { ...SIDECAR, keys: "many" }, EACH)],
  keys,
});

/** In the order in which they run. `isQuick`: a smaller working set in a smaller cache. */
export function rowsFor(isQuick: boolean): readonly Row[] {
  const cacheKeys = isQuick ? CACHE_KEYS.few : CACHE_KEYS.many;
  const without: FleetkeySpec = { ...MAIN, cacheKeys: 0 };
  return [
    rate("verify-grpc", [
      entry("fleetkey", MAIN, HIT, GRPC_PEERS),
      entry("fleetkey sidecar", SIDECAR, HIT, GRPC_PEERS),
      ...GRPC_PEERS.map((program) => entry(program, peer(program), HIT)),
    ]),
    rate("verify-json-http1", [
      entry("fleetkey", MAIN, HTTP1, ["bare-http1", "better-auth"]),
      entry("fleetkey sidecar", SIDECAR, HTTP1, ["bare-http1", "better-auth"]),
      entry("bare-http1", peer("bare-http1"), HTTP1),
      entry("better-auth", peer("better-auth"), HTTP1),
    ]),
    rate("verify-json-http2", [
      entry("fleetkey", MAIN, HTTP2, ["connect-node"]),
      entry("connect-node", peer("connect-node"), HTTP2),
    ]),
    rate("verify-stream", [
      entry("fleetkey", MAIN, { ...HIT, call: "VerifyStream", connections: 4, streams: 1_024 }),
    ]),
    rate("batch-100", [
      entry("fleetkey", MAIN, { ...HIT, call: "BatchVerify", connections: 4, streams: 2, unitsEach: 100 }),
    ]),
    rate("verify-miss-sqlite", [entry("fleetkey", { ...without, keys: "some" }, EACH)]),
    rate("verify-miss-mongodb", [entry("fleetkey", { ...without, keys: "some", store: "mongodb" }, EACH)]),
    rate("unknown-keys", [entry("fleetkey", MAIN, UNKNOWN)]),
    rate("bad-checksums", [entry("fleetkey", MAIN, BAD_CHECKSUM)]),
    rate(
      "storm",
      [
        entry("hits alone", MAIN, HIT),
        { ...entry("hits beside a storm", MAIN, HIT, ["hits alone"]), beside: UNKNOWN },
      ],
      { showsMemory: true },
    ),
    rate("create", [entry("fleetkey", MAIN, { ...HIT, call: "Create", connections: 4, streams: 4 })], {
      unit: "keys/s",
    }),
    rate("refresh", [entry("fleetkey", MAIN, refreshLoad())], { unit: "keys/s" }),
    latency,
    rate(
      "working-set",
      [entry("fleetkey", { ...MAIN, keys: "many", cacheKeys }, { ...EACH, draw: "zipf" })],
      {
        warmUpS: 20,
        showsMemory: true,
      },
    ),
    rate("size", [
      entry("hits, many keys", { ...MAIN, keys: "many" }, HIT, ["hits, few keys"]),
      entry("hits, few keys", MAIN, HIT),
      entry("misses, many keys", { ...without, keys: "many" }, EACH, ["misses, few keys"]),
      entry("misses, few keys", without, EACH),
    ]),
    memory(isQuick ? 15_000 : 100_000),
  ];
}

// Each key in its turn: two at once for one key would only contend.
function refreshLoad(): Load {
  return { ...EACH, call: "Refresh", of: "key-ids", connections: 4, streams: 4 };
}
