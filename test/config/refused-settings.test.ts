// Which settings stop the start: each one's bad values, at the bound and one past it, those that contradict
// each other, and names that are no setting. The message names the setting and never holds the value of a
// secret one.
import { describe, expect, it } from "vitest";
import { LISTENER_SETTINGS } from "../../src/config/listener/listener-settings.ts";
import { NODE_SETTINGS } from "../../src/config/node/node-settings.ts";
import { SETTINGS } from "../../src/config/settings.ts";
import { bytes, MONGODB, pepper, rootKey, type Settings, troublesOf } from "./settings.ts";

const LISTEN = "must be HOST:PORT or unix:PATH";
const STORE = "must be sqlite:PATH, sqlite::memory: or mongodb://HOST/DATABASE?OPTIONS";
const ROOT_KEY =
  "must be 32 to 256 printable ASCII characters without a comma; at most two, joined by a comma";
const PEPPERS = "must be version:base64[,version:base64] of 32 bytes each, versions counting from 1";
const VERSIONS = "must be version[,version]";
const TYPES = "must name types: user, organization, service, publishable, integration";
const PAIRS = "must be type=value[,type=value]";
const ROLE = "must be role=scope scope,role=scope";
const TWICE = "must not hold a type twice";
const COST = "must be a whole number from 4 to 14";
const DURATION = "must be a duration such as 10s, 5m, 24h or 90d";
const PREFIX = "a prefix must be at most 48 letters and digits, in groups joined by _";

const CALLER_HEADERS = "must be at most 8 different header names that begin with x-";
const FAILED_ATTEMPTS = "must be a whole number from 1 to 1000000";

const SIDECAR =
  "is not a loopback address; with FLEETKEY_SIDECAR_REMOTE=allow whoever reaches it can ask about api_keys " +
  "without a credential";

const HOPS = "must be a whole number from 0 to 16";
const REQUIREMENT_HEADERS = "must be of x-fleetkey-require-scopes, x-fleetkey-require-type";

const FORMATS = 'must be a JSON array such as [{"name":"legacy","type":"user","pattern":"lk_[a-z0-9]{32}"}]';

const BAD_VALUES: Readonly<Record<string, readonly (readonly [text: string, message: string])[]>> = {
  LISTEN: [
    ["8080", LISTEN],
    [":8080", LISTEN],
    ["localhost", LISTEN],
    ["localhost:65536", LISTEN],
    ["localhost:-1", LISTEN],
    ["::1:8080", LISTEN],
    ["http://localhost:80", LISTEN],
    ["unix:", LISTEN],
  ],
  SIDECAR_LISTEN: [
    ["8081", LISTEN],
    ["0.0.0.0:8081", SIDECAR],
    ["[::]:8081", SIDECAR],
    ["127.0.0.1.example:8081", SIDECAR],
    ["192.0.2.1:8081", SIDECAR],
  ],
  SIDECAR_REMOTE: [["yes", "must be allow"]],
  TRUSTED_HOPS: [
    ["-1", HOPS],
    ["17", HOPS],
    ["1.5", HOPS],
    ["one", HOPS],
  ],
  DENIAL_REASONS: [["yes", "must be tell"]],
  STRIP_KEY: [
    ["yes", "must be on or off"],
    ["ON", "must be on or off"],
  ],
  REQUIREMENT_HEADERS: [
    ["x-other", REQUIREMENT_HEADERS],
    ["x-fleetkey-require-scopes,", REQUIREMENT_HEADERS],
    ["scopes", REQUIREMENT_HEADERS],
  ],
  STORE: [
    ["x.db", STORE],
    ["sqlite:", STORE],
    ["mongodb://host", STORE],
    ["mongodb://host/", STORE],
    ["mongodb://host/?replicaSet=x", STORE],
    ["mongodb://user:pass/word@host/db", STORE],
    ["postgres://host/db", STORE],
  ],
  ROOT_KEY: [
    ["r".repeat(31), ROOT_KEY],
    ["r".repeat(257), ROOT_KEY],
    [`${"r".repeat(31)} `, ROOT_KEY],
    [`${"r".repeat(32)}é`, ROOT_KEY],
    [`${rootKey()},`, ROOT_KEY],
    [`${rootKey("a")},${rootKey("b")},${rootKey("c")}`, ROOT_KEY],
  ],
  CALLER_HEADERS: [
    ["authorization", CALLER_HEADERS],
    ["x-a,x-a", CALLER_HEADERS],
    ["x-a b", CALLER_HEADERS],
    ["x-", CALLER_HEADERS],
    [Array.from({ length: 9 }, (_, index) => `x-${index}`).join(","), CALLER_HEADERS],
  ],
  FAILED_ATTEMPTS: [
    ["0", FAILED_ATTEMPTS],
    ["1000001", FAILED_ATTEMPTS],
    ["1.5", FAILED_ATTEMPTS],
    ["many", FAILED_ATTEMPTS],
  ],
  PEPPERS: [
    [bytes(32), PEPPERS],
    [`0:${bytes(32)}`, PEPPERS],
    [`01:${bytes(32)}`, PEPPERS],
    [`1000000000:${bytes(32)}`, PEPPERS],
    [`1:${bytes(31)}`, PEPPERS],
    [`1:${bytes(33)}`, PEPPERS],
    ["1:", PEPPERS],
    [`1:${bytes(32)}!`, PEPPERS],
    [`${pepper(1)},`, PEPPERS],
    [`${pepper(1, 1)},${pepper(1, 2)}`, "must not hold a version twice"],
  ],
  PEPPERS_LOST: [
    ["0", VERSIONS],
    ["1000000000", VERSIONS],
    ["1,", VERSIONS],
    ["one", VERSIONS],
    ["1;2", VERSIONS],
  ],
  ENVIRONMENT: [
    ["PROD", "must be 1 to 12 of a-z and 0-9"],
    ["a".repeat(13), "must be 1 to 12 of a-z and 0-9"],
    ["my_env", "must be 1 to 12 of a-z and 0-9"],
  ],
  KEY_PREFIXES: [
    ["acme", TYPES],
    ["users=acme", TYPES],
    ["user=acme,", TYPES],
    ["user=", PREFIX],
    [`user=${"a".repeat(49)}`, PREFIX],
    ["user=acme_", PREFIX],
    ["user=ac-me", PREFIX],
    ["user=acme=x", PAIRS],
    ["user=acme,user=acme2", TWICE],
  ],
  // The others are foreign-formats.test.ts's.
  FOREIGN_FORMATS: [["legacy", FORMATS]],
  ROLES: [
    ["reader", ROLE],
    ["READER=read", ROLE],
    [`${"r".repeat(65)}=read`, ROLE],
    ["reader=read=list", ROLE],
    ["reader=read,reader=list", "must not hold a role twice"],
    ["reader=Read", "a scope of the role reader must be of a-z, 0-9, _ . : - and *"],
    ["reader=fleetkey:verify", "a scope of the role reader must not begin with fleetkey:"],
    ["reader=fleetkey:*", "a scope of the role reader must not begin with fleetkey:"],
  ],
  TTL_DEFAULT: [
    ["90d", TYPES],
    ["user=", DURATION],
    ["user=forever", DURATION],
    ["user=999ms", "must be at least 1s"],
    ["user=0", "must be at least 1s"],
    ["user=1d=2", PAIRS],
  ],
  TTL_MAX: [
    ["toString=1d", TYPES],
    ["user=999ms", "must be at least 1s"],
    ["user=1d,user=2d", TWICE],
  ],
  BCRYPT_COST: [
    ["3", COST],
    ["15", COST],
    ["4.5", COST],
    ["1e1", COST],
    ["ten", COST],
  ],
  USE_INTERVAL: [
    ["999ms", "must be from 1s to 1h"],
    ["3601s", "must be from 1s to 1h"],
    ["often", DURATION],
  ],
  EXPIRY_NOTICE: [
    ["-1s", DURATION],
    ["never", DURATION],
  ],
  KEY_RETENTION: [
    ["3599s", "must be at least 1h"],
    ["0", "must be at least 1h"],
    ["ever", DURATION],
  ],
  EVENT_RETENTION: [
    ["86399s", "must be at least 1d"],
    ["ever", DURATION],
  ],
  LOG_LEVEL: [
    ["loud", "must be one of trace, debug, info, warn, error, fatal, silent"],
    ["INFO", "must be one of trace, debug, info, warn, error, fatal, silent"],
  ],
  DRAIN_TIMEOUT: [
    ["999ms", "must be at least 1s"],
    ["-1s", DURATION],
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

it("the table of bad values has every setting whose text can be wrong", () => {
  const anyText = ["FLEETKEY_GITHUB_KEYS"];
  // listener/listener-settings.test.ts and node/node-settings.test.ts have their own.
  const elsewhere = [...Object.keys(LISTENER_SETTINGS), ...Object.keys(NODE_SETTINGS)];
  const covered = [...Object.keys(BAD_VALUES).map((name) => `FLEETKEY_${name}`), ...anyText, ...elsewhere];
  expect(covered.sort()).toEqual(Object.keys(SETTINGS).sort());
});

const CONTRADICTIONS: readonly (readonly [title: string, settings: Settings, troubles: readonly RegExp[]])[] =
  [
    ["a name that is no setting", { FLEETKEY_LISTN: "x" }, [/^FLEETKEY_LISTN: is not a setting; README/]],
    ["an empty variable of such a name", { FLEETKEY_LISTN: "" }, [/^FLEETKEY_LISTN: is not a setting/]],
    [
      "MongoDB without peppers",
      { ...MONGODB, FLEETKEY_PEPPERS: undefined },
      [/^FLEETKEY_PEPPERS: is required with MongoDB; make one with: echo "1:\$\(openssl rand -base64 32\)"/],
    ],
    [
      "MongoDB without a root key",
      { ...MONGODB, FLEETKEY_ROOT_KEY: "" },
      [/^FLEETKEY_ROOT_KEY: is required with this store; make one with: openssl rand -hex 32$/],
    ],
    [
      "a store in memory without a root key",
      { FLEETKEY_STORE: "sqlite::memory:" },
      [/^FLEETKEY_ROOT_KEY: is required with this store/],
    ],
    [
      "a pepper that is given and lost",
      { FLEETKEY_PEPPERS: `${pepper(2)},${pepper(1)}`, FLEETKEY_PEPPERS_LOST: "1" },
      [/^FLEETKEY_PEPPERS_LOST: version 1 is also given in FLEETKEY_PEPPERS/],
    ],
    [
      "a lost pepper above the current one",
      { FLEETKEY_PEPPERS: pepper(2), FLEETKEY_PEPPERS_LOST: "3" },
      [/^FLEETKEY_PEPPERS: the current version must be higher than the lost version 3$/],
    ],
    [
      "a lost pepper that is the current one",
      { FLEETKEY_PEPPERS: pepper(2), FLEETKEY_PEPPERS_LOST: "2" },
      [/^FLEETKEY_PEPPERS_LOST: version 2 is also given/],
    ],
    [
      "a default lifetime over the longest one",
      { FLEETKEY_TTL_DEFAULT: "user=91d,service=1d", FLEETKEY_TTL_MAX: "user=90d,service=1d" },
      [/^FLEETKEY_TTL_DEFAULT: is longer than FLEETKEY_TTL_MAX for user$/],
    ],
    [
      "two types with the same prefix",
      { FLEETKEY_KEY_PREFIXES: "user=acme,service=acme" },
      [/^FLEETKEY_KEY_PREFIXES: two types must not have the same prefix$/],
    ],
    [
      "a prefix that is another type's default",
      { FLEETKEY_KEY_PREFIXES: "user=fl_svc_dev" },
      [/^FLEETKEY_KEY_PREFIXES: two types must not have the same prefix$/],
    ],
    [
      "several at once, all of them told",
      { FLEETKEY_LISTEN: "x", FLEETKEY_BCRYPT_COST: "99", FLEETKEY_COLOUR: "red" },
      [/^FLEETKEY_LISTEN: /, /^FLEETKEY_BCRYPT_COST: /, /^FLEETKEY_COLOUR: /],
    ],
  ];

describe("loadConfig refuses", () => {
  it.each(CONTRADICTIONS)("%s", (_title, settings, expected) => {
    const troubles = troublesOf(settings);
    expect(troubles).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(troubles[index]).toMatch(pattern);
  });
});

describe("a refusal never holds the value of a secret setting:", () => {
  const MARK = "confidential";
  it.each([
    ["a root key that is too short", { FLEETKEY_ROOT_KEY: MARK }],
    ["a root key beside a broken one", { FLEETKEY_ROOT_KEY: `${MARK.padEnd(40, "x")},${MARK}` }],
    ["a pepper that is not base64", { FLEETKEY_PEPPERS: `1:${MARK}` }],
    ["a pepper in the place of versions", { FLEETKEY_PEPPERS_LOST: MARK }],
    ["a password in a URI without a database", { ...MONGODB, FLEETKEY_STORE: `mongodb://u:${MARK}@h` }],
    ["a password with a slash", { ...MONGODB, FLEETKEY_STORE: `mongodb://u:${MARK}/@h/db` }],
    ["a password where other settings are wrong", { FLEETKEY_STORE: `mongodb://u:${MARK}@h/db` }],
    ["a secret in the place of a number", { FLEETKEY_BCRYPT_COST: MARK }],
    ["a secret in the place of a level", { FLEETKEY_LOG_LEVEL: MARK }],
    ["a secret in the place of a type", { FLEETKEY_TTL_MAX: `${MARK}=1d` }],
    ["a secret in the place of formats", { FLEETKEY_FOREIGN_FORMATS: MARK }],
    ["a secret in the place of a format's name", { FLEETKEY_FOREIGN_FORMATS: `[{"name":"${MARK}!"}]` }],
    ["a secret behind a name that is no setting", { FLEETKEY_ROOTKEY: MARK }],
  ])("%s", (_title, settings: Settings) => {
    const text = troublesOf(settings).join("\n");
    expect(text).not.toBe("");
    expect(text).not.toContain(MARK);
  });
});
