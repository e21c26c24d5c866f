// What each setting's texts become, at the bounds and at the default. An empty variable counts as one that is
// not set, and the result cannot be changed.
import { describe, expect, it } from "vitest";
import { type Config, loadConfig } from "../../src/config/load-config.ts";
import { bytes, foreignFormats, MONGODB, manyFormats, pepper, rootKey, type Settings } from "./settings.ts";

const READER_AND_CLERK = [
  ["reader", ["read", "list"]],
  ["clerk", ["orders:*"]],
];
const formatsOf = ({ policy }: Config) =>
  policy.foreignFormats.map(({ name, type, hasLookup }) => [name, type, hasLookup]);
const pepperBytes = (byte: number) => Buffer.alloc(32, byte);
const uri = (text: string) => ({ kind: "mongodb", uri: text });

type Row = readonly [name: string, text: string, pick: (config: Config) => unknown, value: unknown];

const ROWS: readonly Row[] = [
  ["LISTEN", "0.0.0.0:0", (c) => c.listen, { kind: "tcp", host: "0.0.0.0", port: 0 }],
  ["LISTEN", "localhost:65535", (c) => c.listen, { kind: "tcp", host: "localhost", port: 65_535 }],
  ["LISTEN", "[::1]:8080", (c) => c.listen, { kind: "tcp", host: "::1", port: 8_080 }],
  ["LISTEN", "unix:/run/a b.sock", (c) => c.listen, { kind: "unix", path: "/run/a b.sock" }],
  ["STORE", "sqlite:x.db", (c) => c.store, { kind: "sqlite", path: "x.db" }],
  ["STORE", "sqlite:/a:b/x.db", (c) => c.store, { kind: "sqlite", path: "/a:b/x.db" }],
  ["STORE", "sqlite::memory:", (c) => c.store, { kind: "sqlite", path: ":memory:" }],
  ["STORE", "mongodb://a/b", (c) => c.store, uri("mongodb://a/b")],
  ["STORE", "mongodb://a:1,b:2/c?replicaSet=d", (c) => c.store, uri("mongodb://a:1,b:2/c?replicaSet=d")],
  ["STORE", "mongodb+srv://u:p@a/b", (c) => c.store, uri("mongodb+srv://u:p@a/b")],
  ["ROOT_KEY", rootKey(), (c) => c.rootKeys, [rootKey()]],
  ["ROOT_KEY", "r".repeat(256), (c) => c.rootKeys, ["r".repeat(256)]],
  ["ROOT_KEY", `${rootKey("a")},${rootKey("b")}`, (c) => c.rootKeys, [rootKey("a"), rootKey("b")]],
  ["ROOT_KEY", `!${"~".repeat(31)}`, (c) => c.rootKeys, [`!${"~".repeat(31)}`]],
  ["PEPPERS", pepper(1), (c) => c.peppers, [{ version: 1, secret: pepperBytes(1) }]],
  ["PEPPERS", `999999999:${bytes(32)}`, (c) => c.peppers?.[0]?.version, 999_999_999],
  ["PEPPERS", `${pepper(2)}, ${pepper(1)}`, (c) => c.peppers?.map((p) => p.version), [2, 1]],
  ["PEPPERS", pepper(1, 255).replace(/=+$/, ""), (c) => c.peppers?.[0]?.secret, pepperBytes(255)],
  ["PEPPERS", pepper(1, 255).replaceAll("/", "_"), (c) => c.peppers?.[0]?.secret, pepperBytes(255)],
  ["PEPPERS_LOST", "1", (c) => c.peppersLost, [1]],
  ["PEPPERS_LOST", "2, 999999999", (c) => c.peppersLost, [2, 999_999_999]],
  ["ENVIRONMENT", "p", (c) => c.policy.environment, "p"],
  ["ENVIRONMENT", "0123456789ab", (c) => c.policy.prefixes.user, "fl_user_0123456789ab"],
  ["KEY_PREFIXES", "user=acme", (c) => c.policy.prefixes.user, "acme"],
  ["KEY_PREFIXES", "user=acme, service=acme_svc", (c) => c.policy.prefixes.service, "acme_svc"],
  ["KEY_PREFIXES", `user=${"a".repeat(48)}`, (c) => c.policy.prefixes.user, "a".repeat(48)],
  ["FOREIGN_FORMATS", "[]", formatsOf, []],
  ["FOREIGN_FORMATS", foreignFormats(["a", "lk_[a-z0-9]{8}"]), formatsOf, [["a", "user", false]]],
  ["FOREIGN_FORMATS", foreignFormats(["a", "lk_(?<lookup>.)"]), formatsOf, [["a", "user", true]]],
  ["FOREIGN_FORMATS", foreignFormats(["a", "lk_(?P<lookup>.)"]), formatsOf, [["a", "user", true]]],
  ["FOREIGN_FORMATS", foreignFormats(["_.-09az", "^(a+)+$"], ["b", "a"]), (c) => formatsOf(c).length, 2],
  ["FOREIGN_FORMATS", foreignFormats(["a".repeat(32), "a".repeat(500)]), (c) => formatsOf(c).length, 1],
  ["FOREIGN_FORMATS", foreignFormats(...manyFormats(16)), (c) => formatsOf(c).length, 16],
  ["ROLES", "reader=read list, clerk=orders:*", (c) => [...c.policy.roles], READER_AND_CLERK],
  ["ROLES", "nothing=", (c) => [...c.policy.roles], [["nothing", []]]],
  ["TTL_DEFAULT", "user=1s", (c) => c.policy.ttlDefaultMs, { user: 1_000 }],
  ["TTL_MAX", "user=90d,service=1", (c) => c.policy.ttlMaxMs, { user: 7_776_000_000, service: 1_000 }],
  ["BCRYPT_COST", "4", (c) => c.bcryptCost, 4],
  ["BCRYPT_COST", "14", (c) => c.bcryptCost, 14],
  ["USE_INTERVAL", "1s", (c) => c.useIntervalMs, 1_000],
  ["USE_INTERVAL", "60m", (c) => c.useIntervalMs, 3_600_000],
  ["EXPIRY_NOTICE", "0s", (c) => c.upkeep.expiryNoticeMs, 0],
  ["EXPIRY_NOTICE", "30d", (c) => c.upkeep.expiryNoticeMs, 2_592_000_000],
  ["KEY_RETENTION", "60m", (c) => c.upkeep.keyRetentionMs, 3_600_000],
  ["KEY_RETENTION", "365d", (c) => c.upkeep.keyRetentionMs, 31_536_000_000],
  ["EVENT_RETENTION", "24h", (c) => c.upkeep.eventRetentionMs, 86_400_000],
  ["GITHUB_KEYS", "/run/a b.json", (c) => c.githubKeysPath, "/run/a b.json"],
  ["CALLER_HEADERS", "X-Company-Key, x-team", (c) => c.callerHeaders, ["x-company-key", "x-team"]],
  ["FAILED_ATTEMPTS", "1", (c) => c.failedAttemptsMax, 1],
  ["FAILED_ATTEMPTS", "1000000", (c) => c.failedAttemptsMax, 1_000_000],
  ["SIDECAR_LISTEN", "unix:/run/fk.sock", (c) => c.sidecarListen, { kind: "unix", path: "/run/fk.sock" }],
  ["SIDECAR_LISTEN", "127.9.9.9:81", (c) => c.sidecarListen, { kind: "tcp", host: "127.9.9.9", port: 81 }],
  ["SIDECAR_LISTEN", "[::1]:81", (c) => c.sidecarListen, { kind: "tcp", host: "::1", port: 81 }],
  ["TRUSTED_HOPS", "0", (c) => c.proxies.trustedHops, 0],
  ["TRUSTED_HOPS", "16", (c) => c.proxies.trustedHops, 16],
  ["DENIAL_REASONS", "tell", (c) => c.proxies.tellsReasons, true],
  ["STRIP_KEY", "on", (c) => c.proxies.stripsKey, true],
  ["STRIP_KEY", "off", (c) => c.proxies.stripsKey, false],
  [
    "REQUIREMENT_HEADERS",
    "X-Fleetkey-Require-Scopes, x-fleetkey-require-type",
    (c) => [...c.proxies.requirementHeaders],
    ["x-fleetkey-require-scopes", "x-fleetkey-require-type"],
  ],
  ["LOG_LEVEL", "trace", (c) => c.logLevel, "trace"],
  ["LOG_LEVEL", "silent", (c) => c.logLevel, "silent"],
  ["DRAIN_TIMEOUT", "1s", (c) => c.drainTimeoutMs, 1_000],
  ["DRAIN_TIMEOUT", "5m", (c) => c.drainTimeoutMs, 300_000],
];

/** What a setting cannot stand without. */
function companionsOf(name: string, text: string): Settings {
  const needsSecrets = name === "STORE" && !text.endsWith(".db");
  return needsSecrets ? { ...MONGODB } : {};
}

describe("loadConfig accepts", () => {
  it.each(ROWS)("FLEETKEY_%s=%s", (name, text, pick, value) => {
    expect(pick(loadConfig({ ...companionsOf(name, text), [`FLEETKEY_${name}`]: text }))).toEqual(value);
  });

  it("a certificate with its key", () => {
    const config = loadConfig({ FLEETKEY_TLS_CERT: "cert.pem", FLEETKEY_TLS_KEY: "key.pem" });
    expect(config.tls).toEqual({ certPath: "cert.pem", keyPath: "key.pem", clientCaPath: undefined });
  });

  it("a sidecar listener at any address, when that is said twice", () => {
    const settings = { FLEETKEY_SIDECAR_LISTEN: "0.0.0.0:81", FLEETKEY_SIDECAR_REMOTE: "allow" };
    expect(loadConfig(settings).sidecarListen).toEqual({ kind: "tcp", host: "0.0.0.0", port: 81 });
  });

  it("a default lifetime that is as long as the longest one", () => {
    const ttl = "user=90d";
    const config = loadConfig({ FLEETKEY_TTL_DEFAULT: ttl, FLEETKEY_TTL_MAX: ttl });
    expect(config.policy.ttlDefaultMs).toEqual(config.policy.ttlMaxMs);
  });

  it("a current pepper one above a lost one", () => {
    const config = loadConfig({ FLEETKEY_PEPPERS: pepper(3), FLEETKEY_PEPPERS_LOST: "2,1" });
    expect(config.peppersLost).toEqual([2, 1]);
  });
});

const DEFAULTS: Config = {
  listen: { kind: "tcp", host: "127.0.0.1", port: 8_080 },
  sidecarListen: undefined,
  store: { kind: "sqlite", path: "./data/fleetkey.db" },
  rootKeys: undefined,
  peppers: undefined,
  callerHeaders: [],
  failedAttemptsMax: 60,
  peppersLost: [],
  policy: {
    environment: "dev",
    prefixes: {
      user: "fl_user_dev",
      organization: "fl_org_dev",
      service: "fl_svc_dev",
      publishable: "fl_pub_dev",
      integration: "fl_int_dev",
    },
    foreignFormats: [],
    roles: new Map(),
    ttlDefaultMs: {},
    ttlMaxMs: {},
  },
  bcryptCost: 10,
  useIntervalMs: 5_000,
  upkeep: { expiryNoticeMs: 604_800_000, keyRetentionMs: undefined, eventRetentionMs: undefined },
  cacheKeysMax: 100_000,
  cacheAgeMsMax: 600_000,
  pollIntervalMs: 200,
  leaseMs: 2_000,
  workers: 1,
  tls: undefined,
  clientScopes: new Map(),
  corsOrigins: new Set(),
  bodyBytesMax: 65_536,
  limits: {
    headerBytesMax: 16_384,
    streamsMax: 256,
    connectionsMax: 10_000,
    resetsPerSecondMax: 33,
    pingsPerSecondMax: 33,
    headersTimeoutMs: 10_000,
    bodyTimeoutMs: 30_000,
    idleTimeoutMs: 300_000,
  },
  proxies: { trustedHops: 0, tellsReasons: false, stripsKey: true, requirementHeaders: new Set() },
  githubKeysPath: undefined,
  logLevel: "info",
  drainTimeoutMs: 10_000,
};

describe("loadConfig", () => {
  it("needs no setting at all, and looks at FLEETKEY_ variables only", () => {
    expect(loadConfig({})).toEqual(DEFAULTS);
    expect(loadConfig({ PATH: "/bin", fleetkey_listen: "x", MY_FLEETKEY_LISTEN: "x" })).toEqual(DEFAULTS);
  });

  it("takes an empty variable for one that is not set", () => {
    const names = [...new Set(ROWS.map(([name]) => name)), "TLS_CERT", "TLS_KEY"];
    const empty = Object.fromEntries(names.map((name) => [`FLEETKEY_${name}`, ""]));
    expect(loadConfig(empty)).toEqual(DEFAULTS);
  });

  it("gives an object that nobody can change", () => {
    expect(Object.isFrozen(loadConfig({}))).toBe(true);
  });
});
