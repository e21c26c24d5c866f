// Makes keys as Create would store them, without the cost of its bcrypt: real api_keys, real MACs under the
// bench's pepper, and a constant in place of the slow digest, which no Verify reads.
import { randomBytes } from "node:crypto";
import { macOf, type Pepper } from "../../../src/domain/api-key/digests.ts";
import { formatApiKey, keyPrefixes, newSecret } from "../../../src/domain/api-key/key-format.ts";
import { keyIdOf, randomLookup } from "../../../src/domain/api-key/key-id.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import type { KeyType } from "../../../src/domain/key-type.ts";
import { currentEpochs, type Owner } from "../../../src/domain/principal.ts";

/** With it an api_key of a user has 62 characters, and a gRPC request to verify it 69 bytes. */
export const ENVIRONMENT = "bench";
export const API_KEY_LENGTH = 62;
export const KEY_ID_LENGTH = 16;
/** How many users there are in an organization. */
const USERS_EACH = 50;
const PREFIXES = keyPrefixes(ENVIRONMENT);
const NOT_USED = "$2b$04$".padEnd(60, ".");

export function newApiKey(type: KeyType): string {
  return formatApiKey(PREFIXES[type], randomLookup(type, randomBytes), newSecret(randomBytes));
}

/** Well-formed ones of users. Only those that recordOf is asked about are ever stored. */
export function newApiKeys(count: number): readonly string[] {
  return Array.from({ length: count }, () => newApiKey("user"));
}

/** As if the last character was mistyped. */
export function withBadChecksum(apiKey: string): string {
  return apiKey.slice(0, -1) + (apiKey.endsWith("0") ? "1" : "0");
}

export function keyIdOfApiKey(apiKey: string): string {
  const lookupStart = apiKey.lastIndexOf("_") + 1;
  return keyIdOf(apiKey.slice(lookupStart, lookupStart + 12));
}

/** A user's key in an organization, so that three principals can end it. */
export function userRecord(apiKey: string, index: number, pepper: Pepper, createTime: number): KeyRecord {
  const owner = {
    userId: `user-${String(index).padStart(7, "0")}`,
    organizationId: `org-${String(Math.floor(index / USERS_EACH)).padStart(5, "0")}`,
  };
  return record(apiKey, { type: "user", owner, scopes: ["orders:read"] }, pepper, createTime);
}

/** A key that calls Fleetkey. */
export function callerRecord(
  apiKey: string,
  scopes: readonly string[],
  pepper: Pepper,
  createTime: number,
): KeyRecord {
  const owner = { serviceAccountId: "gateway" };
  return record(apiKey, { type: "service", owner, scopes }, pepper, createTime);
}

function record(
  apiKey: string,
  { type, owner, scopes }: { type: KeyType; owner: Owner; scopes: readonly string[] },
  pepper: Pepper,
  createTime: number,
): KeyRecord {
  return {
    keyId: keyIdOfApiKey(apiKey),
    type,
    prefix: PREFIXES[type],
    environment: ENVIRONMENT,
    owner,
    name: "bench key",
    description: "",
    scopes,
    roles: [],
    allowedCidrs: [],
    createTime,
    createdBy: "root",
    updateTime: createTime,
    generations: [{ number: 1, createTime, mac: macOf(apiKey, pepper), bcrypt: NOT_USED }],
    epochs: currentEpochs(owner, new Map()),
    revision: 1,
  };
}
