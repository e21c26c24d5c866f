// The root credential and the peppers of embedded mode: settings win, else files beside the database, made at
// the first start.
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { PEPPER_BYTES, type Pepper } from "../domain/api-key/digests.ts";
import { StartRefused } from "../domain/errors.ts";
import { MEMORY_PATH } from "../store/sqlite/sqlite-store.ts";
import type { Config } from "./load-config.ts";
import { createSecretFile, readSecretFile } from "./secret-file.ts";
import { SETTINGS } from "./settings.ts";

const ROOT_KEY_FILE = "root.key";
const PEPPERS_FILE = "peppers";

/** The accepted root credentials, and the file that holds them, if one does. */
export function rootKeysOf({ rootKeys, store }: Config): {
  readonly keys: readonly string[];
  readonly path?: string;
} {
  if (rootKeys !== undefined) return { keys: rootKeys };
  if (store.kind !== "sqlite") throw new TypeError("the configuration promises a root key");
  const path = join(dirname(store.path), ROOT_KEY_FILE);
  const text = readSecretFile(path) ?? createSecretFile(path, randomBytes(32).toString("hex"));
  return { keys: parseFile(path, () => SETTINGS.FLEETKEY_ROOT_KEY.parse(text)), path };
}

/**
 * The peppers, current one first. `known` are the versions that the database has seen: a new pepper must not
 * take the number of one whose keys it cannot check.
 */
export function peppersOf(config: Config, known: readonly number[]): readonly Pepper[] {
  if (config.peppers !== undefined) return config.peppers;
  if (config.store.kind !== "sqlite") throw new TypeError("the configuration promises peppers");
  if (config.store.path === MEMORY_PATH) return [{ version: 1, secret: randomBytes(PEPPER_BYTES) }];
  const path = join(dirname(config.store.path), PEPPERS_FILE);
  const text = readSecretFile(path) ?? createPeppersFile(path, known, config.peppersLost);
  return parseFile(path, () => SETTINGS.FLEETKEY_PEPPERS.parse(text));
}

function createPeppersFile(path: string, known: readonly number[], lost: readonly number[]): string {
  const missing = known.filter((version) => !lost.includes(version));
  if (missing.length > 0) {
    const versions = missing.join(",");
    throw new StartRefused(
      `${path} is missing, and the database has keys under pepper version ${versions}: put the file back, ` +
        `or, if it is gone for good, start with FLEETKEY_PEPPERS_LOST=${versions} ` +
        "(bcrypt then checks those keys once)",
    );
  }
  const version = Math.max(0, ...known, ...lost) + 1;
  return createSecretFile(path, `${version}:${randomBytes(PEPPER_BYTES).toString("base64")}`);
}

function parseFile<Value>(path: string, parse: () => Value | undefined): Value {
  try {
    const value = parse();
    if (value !== undefined) return value;
  } catch {
    // The parser's own message could quote the secret.
  }
  throw new StartRefused(`${path} does not hold what it should: put a copy of the right file back`);
}
