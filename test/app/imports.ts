// Keys that another system issued, made at run time, and a world that takes them over: foreign formats,
// records as a transport hands them in, and the real bcrypt at its lowest cost, which counts.
import { createHash } from "node:crypto";
import bcrypt from "bcrypt";
import type { ImportRecordInput } from "../../src/app/input/import-record.ts";
import { type ImportOutcome, importBatch } from "../../src/app/keys/import-keys.ts";
import type { AppPorts, KeyPolicy } from "../../src/app/ports.ts";
import { bcryptHash, type SlowHash } from "../../src/app/secret/bcrypt-hash.ts";
import { SlowDigestCheck } from "../../src/app/secret/slow-digest-check.ts";
import type { Pepper } from "../../src/domain/api-key/digests.ts";
import { compileForeignFormat } from "../../src/domain/api-key/foreign-format.ts";
import { randomBase62 } from "../../src/lib/base62.ts";
import { seededBytes } from "../domain/build.ts";
import type { OpenWorld } from "./backends.ts";
import { ROOT, restarted, type World } from "./world.ts";

const COST = 4;

/** User keys, with a lookup part. */
export const LEGACY = compileForeignFormat({
  name: "legacy",
  type: "user",
  pattern: "lk_(?<lookup>[A-Za-z0-9]{8})_[A-Za-z0-9]{24}",
});
/** Service keys, without one. */
export const PLAIN = compileForeignFormat({ name: "plain", type: "service", pattern: "pk-[A-Za-z0-9]{32}" });

/** An api_key of LEGACY, the same for the same seed; a lookup can be given two secrets. */
export function legacyKey(seed = 1, lookupSeed = seed): string {
  return `lk_${randomBase62(8, seededBytes(lookupSeed))}_${randomBase62(24, seededBytes(seed))}`;
}

/** An api_key of PLAIN. */
export function plainKey(seed = 1): string {
  return `pk-${randomBase62(32, seededBytes(seed))}`;
}

/** A record of a user key of user-1, by the SHA-256 of its api_key. */
export function sha256Record(apiKey: string, overrides: Partial<ImportRecordInput> = {}): ImportRecordInput {
  return {
    format: LEGACY.name,
    algorithm: "sha256_hex",
    digest: createHash("sha256").update(apiKey).digest("hex"),
    lookup: "",
    userId: "user-1",
    organizationId: "",
    serviceAccountId: "",
    name: "",
    description: "",
    scopes: [],
    roles: [],
    allowedCidrs: [],
    provider: "",
    ...overrides,
  };
}

/** The same by its bcrypt, which is another one each time. */
export function bcryptRecord(apiKey: string, overrides: Partial<ImportRecordInput> = {}): ImportRecordInput {
  return sha256Record(apiKey, {
    algorithm: "bcrypt",
    digest: bcrypt.hashSync(apiKey, COST),
    lookup: LEGACY.match(apiKey)?.lookup ?? "",
    ...overrides,
  });
}

/** A record of a service key in PLAIN. */
export function plainRecord(apiKey: string, overrides: Partial<ImportRecordInput> = {}): ImportRecordInput {
  return sha256Record(apiKey, {
    format: PLAIN.name,
    userId: "",
    serviceAccountId: "account-1",
    ...overrides,
  });
}

/** bcrypt itself. `gate`, when set, holds every comparison until it resolves. */
export class CountingBcrypt implements SlowHash {
  readonly #hash = bcryptHash(COST);
  comparisons = 0;
  gate: Promise<void> | undefined;

  hash(secret: string): Promise<string> {
    return this.#hash.hash(secret);
  }

  async matches(text: string, digest: string): Promise<boolean> {
    this.comparisons += 1;
    await this.gate;
    return this.#hash.matches(text, digest);
  }
}

export interface ImportWorld extends World {
  readonly bcrypt: CountingBcrypt;
  /** The same service after a restart with other peppers. */
  restart(peppers: readonly Pepper[], lost?: readonly number[]): AppPorts;
}

/** A world with both formats. */
export async function openImports(open: OpenWorld, policy: Partial<KeyPolicy> = {}): Promise<ImportWorld> {
  const world = await open({ policy: { foreignFormats: [LEGACY, PLAIN], ...policy } });
  const counting = new CountingBcrypt();
  const ports = { ...world.ports, slowCheck: new SlowDigestCheck(counting) };
  return {
    ...world,
    ports,
    bcrypt: counting,
    restart: (peppers, lost) => ({
      ...restarted(world, peppers, lost),
      slowCheck: new SlowDigestCheck(counting),
    }),
  };
}

/** Imports as root. */
export function importAll(
  ports: AppPorts,
  records: readonly ImportRecordInput[],
  options: { readonly isDryRun?: boolean; readonly requestId?: string } = {},
): Promise<readonly ImportOutcome[]> {
  return importBatch(ports, ROOT, { records, isDryRun: false, requestId: "", ...options });
}

/** Imports one record that was not there, and gives its key_id. */
export async function importOne(ports: AppPorts, record: ImportRecordInput): Promise<string> {
  const [outcome] = await importAll(ports, [record]);
  if (outcome?.kind !== "imported") throw new Error(`the record was ${outcome?.kind}`);
  return outcome.keyId;
}

/** The outcomes, each as one word; a refusal as its reason. */
export function wordsOf(outcomes: readonly ImportOutcome[]): readonly string[] {
  return outcomes.map((outcome) =>
    outcome.kind === "refused" ? outcome.error.details.reason : outcome.kind,
  );
}
