// Builds valid records for tests, each field open to an override, and seeded randomness in place of the
// system's. Every api_key of a test is made here at run time, so that no file holds one that a secret
// scanner would report.
import { macOf, type Pepper } from "../../src/domain/api-key/digests.ts";
import {
  formatApiKey,
  type KeyPrefixes,
  keyPrefixes,
  newSecret,
} from "../../src/domain/api-key/key-format.ts";
import { keyIdOf, randomLookup } from "../../src/domain/api-key/key-id.ts";
import type { Generation, KeyRecord } from "../../src/domain/key.ts";
import type { KeyType } from "../../src/domain/key-type.ts";
import {
  currentEpochs,
  newPrincipal,
  type Owner,
  type PrincipalRecord,
  raiseEpoch,
} from "../../src/domain/principal.ts";
import type { KeyView } from "../../src/domain/verdict.ts";
import type { RandomBytes } from "../../src/lib/base62.ts";

/** The time at which built records are created. */
export const START = Date.UTC(2030, 0, 1);
export const ENVIRONMENT = "prod";
/** Switched off by the operator. */
export const DISABLEMENT = { time: START, caller: "root", isByOperator: true };
export const OWNER: Owner = { userId: "user-1", organizationId: "org-1" };

/** How often a property is tried, fifty times as often in the long run. fast-check prints the seed. */
export function propertyRuns(runs = 100): number {
  return process.env.TEST_LONG === "1" ? runs * 50 : runs;
}

/** The same bytes for the same seed (mulberry32; its state is one 32-bit word, so it is for tests only). */
export function seededBytes(seed: number): RandomBytes {
  let state = seed | 0;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (mixed ^ (mixed >>> 14)) & 0xff;
    });
}

export function buildPrefixes(overrides: Partial<KeyPrefixes> = {}): KeyPrefixes {
  return keyPrefixes(ENVIRONMENT, overrides);
}

/** A well-formed api_key of this type, the same for the same seed. */
export function buildApiKey(type: KeyType = "user", seed = 1, prefixes = buildPrefixes()): string {
  const randomBytes = seededBytes(seed);
  return formatApiKey(prefixes[type], randomLookup(type, randomBytes), newSecret(randomBytes));
}

export function buildPepper(version = 1, seed = version): Pepper {
  return { version, secret: Buffer.from(seededBytes(seed)(32)) };
}

export function buildGeneration(overrides: Partial<Generation> = {}): Generation {
  return {
    number: 1,
    createTime: START,
    mac: macOf(buildApiKey(), buildPepper()),
    bcrypt: "bcrypt-digest",
    ...overrides,
  };
}

/** An active user key of OWNER, created at START, whose principals were never raised. */
export function buildKey(overrides: Partial<KeyRecord> = {}): KeyRecord {
  const type = overrides.type ?? "user";
  const owner = overrides.owner ?? OWNER;
  return {
    keyId: keyIdOf(randomLookup(type, seededBytes(1))),
    type,
    prefix: buildPrefixes()[type],
    environment: ENVIRONMENT,
    owner,
    name: "a key",
    description: "",
    scopes: [],
    roles: [],
    allowedCidrs: [],
    createTime: START,
    createdBy: "caller-1",
    updateTime: START,
    generations: [buildGeneration()],
    epochs: currentEpochs(owner, new Map()),
    revision: 1,
    ...overrides,
  };
}

/** The owner's own principal, raised once for each reason, a second apart from START on. */
export function buildPrincipal(owner: Owner = OWNER, reasons: readonly string[] = []): PrincipalRecord {
  return reasons.reduce(
    (principal, reason, index) =>
      raiseEpoch(principal, { time: START + (index + 1) * 1_000, reason, caller: "caller-1" }),
    newPrincipal(owner),
  );
}

/** The key beside the principals that have a record. */
export function buildView(key: KeyRecord = buildKey(), principals: readonly PrincipalRecord[] = []): KeyView {
  return { key, principals: new Map(principals.map((principal) => [principal.principalId, principal])) };
}
