// Every setting: its name, its default, what it means, and how its text becomes a value. README's table is
// checked against this one. How settings depend on each other is load-config.ts's.
import { z } from "zod";
import { PEPPER_BYTES, type Pepper } from "../domain/api-key/digests.ts";
import { ENVIRONMENT_PATTERN, PREFIX_LENGTH_MAX, PREFIX_PATTERN } from "../domain/api-key/key-format.ts";
import { RATE_LIMIT_MAX } from "../domain/grant/rate-limit.ts";
import { isOwnScope, OWN_SCOPES, ROLE_PATTERN, type Roles, scopeTrouble } from "../domain/grant/scope.ts";
import { KEY_TYPES, type KeyType } from "../domain/key-type.ts";
import type { StoreAddress } from "../store/open-store.ts";
import { MEMORY_PATH } from "../store/sqlite/sqlite-store.ts";
import type { ListenAddress } from "../transport/http.ts";
import { parseDuration, parseDurationFrom } from "./duration.ts";
import { parseForeignFormats } from "./foreign-formats.ts";
import { LISTENER_SETTINGS } from "./listener/listener-settings.ts";
import { NODE_SETTINGS } from "./node/node-settings.ts";
import { parsed, parseWhole } from "./parsed.ts";
import { PROXY_SETTINGS } from "./proxy/proxy-settings.ts";

/** Printable ASCII without a comma, which separates two of them. */
const ROOT_KEY_PATTERN = /^[\x21-\x2b\x2d-\x7e]{32,256}$/;
const BCRYPT_COST_MIN = 4;
const BCRYPT_COST_MAX = 14;
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

function parseListen(text: string): ListenAddress {
  if (text.startsWith("unix:") && text.length > 5) return { kind: "unix", path: text.slice(5) };
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) throw new Error("must be HOST:PORT or unix:PATH");
  return { kind: "tcp", host, port: Number(port) };
}

function parseStore(text: string): StoreAddress {
  if (text.startsWith("sqlite:") && text.length > 7) return { kind: "sqlite", path: text.slice(7) };
  if (/^mongodb(\+srv)?:\/\/[^/]+\/[^/?]+(\?.*)?$/.test(text)) return { kind: "mongodb", uri: text };
  throw new Error(`must be sqlite:PATH, sqlite:${MEMORY_PATH} or mongodb://HOST/DATABASE?OPTIONS`);
}

function parseRootKeys(text: string): readonly string[] {
  const keys = text.split(",");
  if (keys.length > 2 || !keys.every((key) => ROOT_KEY_PATTERN.test(key))) {
    throw new Error(
      "must be 32 to 256 printable ASCII characters without a comma; at most two, joined by a comma",
    );
  }
  return keys;
}

function parsePeppers(text: string): readonly Pepper[] {
  const peppers = text.split(",").map((part) => {
    const [, version, encoded = ""] = /^([1-9]\d{0,8}):([A-Za-z0-9+/_-]+={0,2})$/.exec(part.trim()) ?? [];
    const secret = Buffer.from(encoded, "base64");
    if (version === undefined || secret.length !== PEPPER_BYTES) {
      throw new Error("must be version:base64[,version:base64] of 32 bytes each, versions counting from 1");
    }
    return { version: Number(version), secret };
  });
  if (new Set(peppers.map(({ version }) => version)).size < peppers.length) {
    throw new Error("must not hold a version twice");
  }
  return peppers;
}

function parseVersions(text: string): readonly number[] {
  const versions = text.split(",").map((part) => part.trim());
  if (!versions.every((version) => /^[1-9]\d{0,8}$/.test(version)))
    throw new Error("must be version[,version]");
  return versions.map(Number);
}

/** `user=…,service=…` with the types' full names. */
function parsePerType<Value>(parse: (text: string) => Value) {
  return (text: string): Partial<Record<KeyType, Value>> => {
    const entries = text.split(",").map((part) => {
      const [type = "", value = "", ...rest] = part.trim().split("=");
      if (!KEY_TYPES.includes(type as KeyType)) throw new Error(`must name types: ${KEY_TYPES.join(", ")}`);
      if (rest.length > 0) throw new Error("must be type=value[,type=value]");
      return [type, parse(value)] as const;
    });
    if (new Map(entries).size < entries.length) throw new Error("must not hold a type twice");
    return Object.fromEntries(entries);
  };
}

function parsePrefix(text: string): string {
  if (text.length <= PREFIX_LENGTH_MAX && PREFIX_PATTERN.test(text)) return text;
  throw new Error(`a prefix must be at most ${PREFIX_LENGTH_MAX} letters and digits, in groups joined by _`);
}

const parsePositiveDuration = parseDurationFrom("1s");

function parseRoles(text: string): Roles {
  const roles = text.split(",").map((part) => {
    const [name = "", list, ...rest] = part.trim().split("=");
    if (!ROLE_PATTERN.test(name) || list === undefined || rest.length > 0) {
      throw new Error("must be role=scope scope,role=scope");
    }
    const scopes = list.split(" ").filter((scope) => scope !== "");
    for (const scope of scopes) {
      const trouble = isOwnScope(scope) ? `must not begin with ${OWN_SCOPES}` : scopeTrouble(scope);
      if (trouble !== undefined) throw new Error(`a scope of the role ${name} ${trouble}`);
    }
    return [name, scopes] as const;
  });
  if (new Map(roles).size < roles.length) throw new Error("must not hold a role twice");
  return new Map(roles);
}

const HEADER_NAMES_MAX = 8;

function parseHeaderNames(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim().toLowerCase());
  const isFine = names.length <= HEADER_NAMES_MAX && names.every((name) => /^x-[a-z0-9-]{1,62}$/.test(name));
  if (!isFine || new Set(names).size < names.length) {
    throw new Error(`must be at most ${HEADER_NAMES_MAX} different header names that begin with x-`);
  }
  return names;
}

/** All settings by name. `describe` is the meaning in README's table, `default` its default. */
export const SETTINGS = {
  FLEETKEY_LISTEN: parsed(parseListen)
    .prefault("127.0.0.1:8080")
    .describe("Where calls come in: `HOST:PORT` (port 0: any that is free) or `unix:PATH`."),
  FLEETKEY_SIDECAR_LISTEN: parsed(parseListen)
    .optional()
    .describe(
      "Where sidecars and proxies ask without a credential, `HOST:PORT` or `unix:PATH`: only Verify, " +
        "BatchVerify, VerifyStream, Check, `/authz` and health are answered there.",
    ),
  FLEETKEY_SIDECAR_REMOTE: z
    .literal("allow", "must be allow")
    .optional()
    .describe(
      "`allow`: the sidecar listener may be at an address that others than this machine reach. Whoever " +
        "reaches it can ask about api_keys without limit.",
    ),
  FLEETKEY_STORE: parsed(parseStore)
    .prefault("sqlite:./data/fleetkey.db")
    .describe("Where keys are kept: `sqlite:PATH`, `sqlite::memory:` or `mongodb://HOST/DATABASE?OPTIONS`."),
  FLEETKEY_ROOT_KEY: parsed(parseRootKeys)
    .optional()
    .describe(
      "The root credential, 32 to 256 printable ASCII characters without a comma; two joined by a comma " +
        "are both accepted. Required with MongoDB; with SQLite made at the first start, in `root.key` " +
        "beside the database.",
    ),
  FLEETKEY_CALLER_HEADERS: parsed(parseHeaderNames)
    .optional()
    .describe(
      "Names of more headers that can hold a caller's credential, as `x-company-key,x-team-key`; beside " +
        "`Authorization: Bearer` and `X-API-Key`.",
    ),
  FLEETKEY_FAILED_ATTEMPTS: parsed(parseWhole(1, RATE_LIMIT_MAX))
    .prefault("60")
    .describe(
      "How many wrong credentials an address (in IPv6, a /64) can show in a minute before it is told only " +
        "to wait, 1 to 1000000. A valid one always passes.",
    ),
  FLEETKEY_PEPPERS: parsed(parsePeppers)
    .optional()
    .describe(
      "Secrets that digests are made under, `version:base64[,version:base64]` of 32 bytes each; the first " +
        "is current, all are accepted. Required with MongoDB; with SQLite made at the first start, in " +
        "`peppers` beside the database.",
    ),
  FLEETKEY_PEPPERS_LOST: parsed(parseVersions)
    .optional()
    .describe(
      "Pepper versions that are gone, `version[,version]`: keys made under them are checked by bcrypt once.",
    ),
  FLEETKEY_ENVIRONMENT: z
    .string()
    .regex(ENVIRONMENT_PATTERN, "must be 1 to 12 of a-z and 0-9")
    .prefault("dev")
    .describe(
      "Stands in every api_key; keys of another environment are unknown here. 1 to 12 of a-z and 0-9.",
    ),
  FLEETKEY_KEY_PREFIXES: parsed(parsePerType(parsePrefix))
    .optional()
    .describe("Whole prefixes instead of `fl_<type>_<environment>`, as `user=acme,service=acme_svc`."),
  FLEETKEY_FOREIGN_FORMATS: parsed(parseForeignFormats)
    .optional()
    .describe(
      "Forms of api_keys that another system issued and that can be imported, a JSON array of at most 16, " +
        'as `[{"name":"legacy","type":"user","pattern":"lk_(?<lookup>[a-z0-9]{8})_[a-z0-9]{24}"}]`. ' +
        "A pattern is in RE2's syntax and for the whole api_key; bcrypt digests need the group `lookup`.",
    ),
  FLEETKEY_ROLES: parsed(parseRoles)
    .optional()
    .describe(
      "Named sets of scopes, as `reader=orders:read invoices:read,clerk=orders:*`. A key has what its " +
        "roles hold now; none may hold a scope that begins with `fleetkey:`.",
    ),
  FLEETKEY_TTL_DEFAULT: parsed(parsePerType(parsePositiveDuration))
    .optional()
    .describe(
      "How long keys of a type live when their creator does not say, as `user=90d,service=365d`. " +
        "Else: no end.",
    ),
  FLEETKEY_TTL_MAX: parsed(parsePerType(parsePositiveDuration))
    .optional()
    .describe("How long keys of a type can live at most, as `user=365d`. Else: no bound."),
  FLEETKEY_BCRYPT_COST: parsed(parseWhole(BCRYPT_COST_MIN, BCRYPT_COST_MAX))
    .prefault("10")
    .describe("bcrypt's cost, 4 to 14: each step doubles the time of a Create or Refresh."),
  FLEETKEY_USE_INTERVAL: parsed(parseDurationFrom("1s", "1h"))
    .prefault("5s")
    .describe(
      "How often the last uses of keys are written, `1s` to `1h`. A crash loses those of one interval.",
    ),
  FLEETKEY_EXPIRY_NOTICE: parsed(parseDuration)
    .prefault("7d")
    .describe("How long before a key's end an event tells of it. `0s`: no such events."),
  FLEETKEY_KEY_RETENTION: parsed(parseDurationFrom("1h"))
    .optional()
    .describe(
      "How long a key is kept after it was revoked or expired, at least `1h`. The newest key of an " +
        "exclusive place stays, and so do imported keys, which a repeated import would revive. " +
        "Else: for ever.",
    ),
  FLEETKEY_EVENT_RETENTION: parsed(parseDurationFrom("1d"))
    .optional()
    .describe("How long an event is kept, at least `1d`. Else: for ever."),
  ...NODE_SETTINGS,
  ...LISTENER_SETTINGS,
  ...PROXY_SETTINGS,
  FLEETKEY_GITHUB_KEYS: z
    .string()
    .min(1)
    .optional()
    .describe(
      "File of GitHub's public keys, as https://api.github.com/meta/public_keys/secret_scanning serves " +
        "them; turns on `POST /leaks/github`, where its secret scanning reports api_keys that it finds " +
        "in public.",
    ),
  FLEETKEY_LOG_LEVEL: z
    .enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(", ")}`)
    .prefault("info")
    .describe(
      "Least level of the JSON log on standard error: `trace`, `debug`, `info`, `warn`, `error`, `silent`.",
    ),
  FLEETKEY_DRAIN_TIMEOUT: parsed(parsePositiveDuration)
    .prefault("10s")
    .describe("How long open connections are still answered after SIGTERM, such as `10s`."),
};
