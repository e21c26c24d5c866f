// The settings of the port: what their texts become at the bounds, which texts are refused and with which
// words, and which settings cannot stand without each other.
import { describe, expect, it } from "vitest";
import { LISTENER_SETTINGS } from "../../../src/config/listener/listener-settings.ts";
import { type Config, loadConfig } from "../../../src/config/load-config.ts";
import { type Settings, troublesOf } from "../settings.ts";

const SPIFFE = "spiffe://cluster.local/ns/shop/sa/checkout";
const TLS: Settings = { FLEETKEY_TLS_CERT: "c", FLEETKEY_TLS_KEY: "k" };
const CLIENTS: Settings = { ...TLS, FLEETKEY_TLS_CLIENT_CA: "a" };
const LABEL = "a".repeat(63);

type Row = readonly [name: string, text: string, pick: (config: Config) => unknown, value: unknown];

const ROWS: readonly Row[] = [
  ["TLS_CLIENT_SCOPES", `${SPIFFE}=a:b`, (c) => [...c.clientScopes], [[SPIFFE, ["a:b"]]]],
  [
    "TLS_CLIENT_SCOPES",
    "gateway.internal=fleetkey:verify  fleetkey:read, localhost=*",
    (c) => [...c.clientScopes],
    [
      ["gateway.internal", ["fleetkey:verify", "fleetkey:read"]],
      ["localhost", ["*"]],
    ],
  ],
  ["TLS_CLIENT_SCOPES", `${LABEL}.${LABEL}.${LABEL}.${"a".repeat(61)}=a`, (c) => c.clientScopes.size, 1],
  ["CORS_ORIGINS", "https://a.example", (c) => [...c.corsOrigins], ["https://a.example"]],
  [
    "CORS_ORIGINS",
    "http://localhost:3000, https://[::1]:8443",
    (c) => [...c.corsOrigins],
    ["http://localhost:3000", "https://[::1]:8443"],
  ],
  ["HEADER_BYTES_MAX", "1024", (c) => c.limits.headerBytesMax, 1_024],
  ["HEADER_BYTES_MAX", "1048576", (c) => c.limits.headerBytesMax, 1_048_576],
  ["BODY_BYTES_MAX", "4096", (c) => c.bodyBytesMax, 4_096],
  ["BODY_BYTES_MAX", "4194304", (c) => c.bodyBytesMax, 4_194_304],
  ["STREAMS_MAX", "1", (c) => c.limits.streamsMax, 1],
  ["STREAMS_MAX", "65536", (c) => c.limits.streamsMax, 65_536],
  ["CONNECTIONS_MAX", "1", (c) => c.limits.connectionsMax, 1],
  ["CONNECTIONS_MAX", "1000000", (c) => c.limits.connectionsMax, 1_000_000],
  ["HEADERS_TIMEOUT", "100ms", (c) => c.limits.headersTimeoutMs, 100],
  ["HEADERS_TIMEOUT", "5m", (c) => c.limits.headersTimeoutMs, 300_000],
  ["BODY_TIMEOUT", "100ms", (c) => c.limits.bodyTimeoutMs, 100],
  ["BODY_TIMEOUT", "60m", (c) => c.limits.bodyTimeoutMs, 3_600_000],
  ["IDLE_TIMEOUT", "100ms", (c) => c.limits.idleTimeoutMs, 100],
  ["IDLE_TIMEOUT", "24h", (c) => c.limits.idleTimeoutMs, 86_400_000],
  ["RESETS_MAX", "1", (c) => c.limits.resetsPerSecondMax, 1],
  ["RESETS_MAX", "100000", (c) => c.limits.resetsPerSecondMax, 100_000],
  ["PINGS_MAX", "1", (c) => c.limits.pingsPerSecondMax, 1],
  ["PINGS_MAX", "100000", (c) => c.limits.pingsPerSecondMax, 100_000],
];

const companionsOf = (name: string) => (name === "TLS_CLIENT_SCOPES" ? CLIENTS : {});

describe("loadConfig accepts", () => {
  it.each(ROWS)("FLEETKEY_%s=%s", (name, text, pick, value) => {
    expect(pick(loadConfig({ ...companionsOf(name), [`FLEETKEY_${name}`]: text }))).toEqual(value);
  });

  it("a client CA beside a certificate and its key", () => {
    const config = loadConfig({ ...CLIENTS, FLEETKEY_TLS_CLIENT_SCOPES: "a=b" });
    expect(config.tls).toEqual({ certPath: "c", keyPath: "k", clientCaPath: "a" });
  });
});

const PAIRS = "must be name=scope scope,name=scope";
const NAME = "a name must be a SPIFFE id or a DNS name in small letters, without wildcards";
const ORIGINS = /must be origins such as https:\/\/console\.example\.com/;
const whole = (least: number, most: number) => `must be a whole number from ${least} to ${most}`;
const between = (least: string, most: string) => `must be from ${least} to ${most}`;

const BAD_VALUES: Readonly<Record<string, readonly (readonly [text: string, message: string | RegExp])[]>> = {
  TLS_CLIENT_SCOPES: [
    [SPIFFE, PAIRS],
    ["a=b=c", PAIRS],
    ["a=b,", PAIRS],
    ["=b", NAME],
    ["*.internal=b", NAME],
    ["Gateway.internal=b", NAME],
    ["gateway..internal=b", NAME],
    ["-a.internal=b", NAME],
    [`${"a".repeat(64)}.internal=b`, NAME],
    [`${LABEL}.${LABEL}.${LABEL}.${"a".repeat(62)}=a`, NAME],
    ["spiffe://cluster.local=b", NAME],
    ["spiffe://cluster.local/=b", NAME],
    ["spiffe://Cluster.local/a=b", NAME],
    ["spiffe://cluster.local/a/=b", NAME],
    ["spiffe://cluster.local/a//c=b", NAME],
    ["spiffe://cluster.local/a/../c=b", NAME],
    ["spiffe://cluster.local/.=b", NAME],
    ["spiffe://cluster.local:8080/a=b", NAME],
    ["spiffe://cluster.local/a?c=b", NAME],
    ["spiffe://cluster.local/a%20c=b", NAME],
    ["https://cluster.local/a=b", NAME],
    [`spiffe://a/${"a".repeat(2_038)}=b`, NAME],
    ["a=b,a=c", "must not hold a name twice"],
    ["a=", "a must have 1 to 64 scopes"],
    [`a=${"b ".repeat(65)}`, "a must have 1 to 64 scopes"],
    ["a=B", "a scope of a must be of a-z, 0-9, _ . : - and *"],
    ["a=b*", "a scope of a may hold * only as its whole last segment"],
  ],
  CORS_ORIGINS: [
    ["*", ORIGINS],
    ["null", ORIGINS],
    ["https://*.example", ORIGINS],
    ["console.example.com", ORIGINS],
    ["https://a.example/", ORIGINS],
    ["https://a.example/path", ORIGINS],
    ["https://a.example:443", ORIGINS],
    ["http://a.example:80", ORIGINS],
    ["https://A.example", ORIGINS],
    ["HTTPS://a.example", ORIGINS],
    ["https://user@a.example", ORIGINS],
    ["https://a.example:99999", ORIGINS],
    ["https://", ORIGINS],
    ["ftp://a.example", ORIGINS],
    ["https://a.example,", ORIGINS],
    ["https://a.example https://b.example", ORIGINS],
  ],
  HEADER_BYTES_MAX: [
    ["1023", whole(1_024, 1_048_576)],
    ["1048577", whole(1_024, 1_048_576)],
    ["16k", whole(1_024, 1_048_576)],
  ],
  BODY_BYTES_MAX: [
    ["4095", whole(4_096, 4_194_304)],
    ["4194305", whole(4_096, 4_194_304)],
    ["6e4", whole(4_096, 4_194_304)],
  ],
  STREAMS_MAX: [
    ["0", whole(1, 65_536)],
    ["65537", whole(1, 65_536)],
  ],
  CONNECTIONS_MAX: [
    ["0", whole(1, 1_000_000)],
    ["1000001", whole(1, 1_000_000)],
    ["-1", whole(1, 1_000_000)],
  ],
  HEADERS_TIMEOUT: [
    ["99ms", between("100ms", "5m")],
    ["301s", between("100ms", "5m")],
  ],
  BODY_TIMEOUT: [
    ["0", between("100ms", "1h")],
    ["3601s", between("100ms", "1h")],
  ],
  IDLE_TIMEOUT: [
    ["99ms", between("100ms", "24h")],
    ["1441m", between("100ms", "24h")],
  ],
  RESETS_MAX: [
    ["0", whole(1, 100_000)],
    ["100001", whole(1, 100_000)],
  ],
  PINGS_MAX: [
    ["0", whole(1, 100_000)],
    ["100001", whole(1, 100_000)],
  ],
};

describe.each(Object.entries(BAD_VALUES))("FLEETKEY_%s is refused", (name, rows) => {
  it.each(rows)("%s", (text, message) => {
    const troubles = troublesOf({ ...companionsOf(name), [`FLEETKEY_${name}`]: text });
    expect(troubles).toHaveLength(1);
    const [trouble = ""] = troubles;
    expect(trouble.startsWith(`FLEETKEY_${name}: `)).toBe(true);
    expect(trouble).toMatch(message);
  });
});

it("the table of bad values has every setting whose text can be wrong", () => {
  const anyText = ["FLEETKEY_TLS_CERT", "FLEETKEY_TLS_KEY", "FLEETKEY_TLS_CLIENT_CA"];
  const covered = [...Object.keys(BAD_VALUES).map((name) => `FLEETKEY_${name}`), ...anyText];
  expect(covered.sort()).toEqual(Object.keys(LISTENER_SETTINGS).sort());
});

describe("loadConfig refuses", () => {
  const BOTH = "FLEETKEY_TLS_CERT, FLEETKEY_TLS_KEY: set both or neither";
  const BOTH_CLIENT = "FLEETKEY_TLS_CLIENT_CA, FLEETKEY_TLS_CLIENT_SCOPES: set both or neither";
  it.each<readonly [string, Settings, readonly string[]]>([
    ["a certificate without its key", { FLEETKEY_TLS_CERT: "c" }, [BOTH]],
    ["a key without its certificate", { FLEETKEY_TLS_KEY: "k" }, [BOTH]],
    ["a client CA without scopes", CLIENTS, [BOTH_CLIENT]],
    ["scopes of clients without a CA", { ...TLS, FLEETKEY_TLS_CLIENT_SCOPES: "a=b" }, [BOTH_CLIENT]],
    [
      "a client CA without TLS",
      { FLEETKEY_TLS_CLIENT_CA: "a", FLEETKEY_TLS_CLIENT_SCOPES: "a=b" },
      ["FLEETKEY_TLS_CLIENT_CA: needs FLEETKEY_TLS_CERT and FLEETKEY_TLS_KEY"],
    ],
  ])("%s", (_title, settings, troubles) => {
    expect(troublesOf(settings)).toEqual(troubles);
  });
});
