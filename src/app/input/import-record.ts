// One key that another system issued, checked: its digest, where it will be found, and the fields as in
// Create. What a digest holds is never repeated.
import { bcryptLookup, keyIdOf, sha256Lookup } from "../../domain/api-key/key-id.ts";
import type { ImportedDigest, KeyRecord } from "../../domain/key.ts";
import type { KeyPolicy } from "../ports.ts";
import { type ChosenFields, type ChosenInput, checkChosenFields } from "./chosen/chosen-fields.ts";
import { Violations } from "./violations.ts";

export const DIGEST_ALGORITHMS = ["sha256_hex", "sha256_base64url", "bcrypt"] as const;
type DigestAlgorithm = (typeof DIGEST_ALGORITHMS)[number];

export const IMPORT_LOOKUP_BYTES_MAX = 128;

/** As it comes from a transport: texts are empty when left out. */
export interface ImportRecordInput extends Omit<ChosenInput, "ttlMs"> {
  readonly format: string;
  readonly algorithm: string | undefined;
  readonly digest: string;
  readonly lookup: string;
}

export interface ImportCommand {
  readonly keyId: string;
  readonly fields: ChosenFields & Pick<KeyRecord, "type">;
  readonly imported: ImportedDigest;
}

/**
 * Throws `invalid_argument` with every violation. The key_id is derived from what an api_key of the record
 * will show when it is presented.
 */
export function checkImportRecord(input: ImportRecordInput, policy: KeyPolicy, now: number): ImportCommand {
  const violations = new Violations();
  const format = policy.foreignFormats.find(({ name }) => name === input.format);
  if (input.format === "") violations.add("format", "is required");
  else if (format === undefined) violations.add("format", "is not a foreign format of this service");
  const algorithm = violations.oneOf("algorithm", input.algorithm, DIGEST_ALGORITHMS, { isRequired: true });
  const digest = checkDigest(violations, algorithm, input.digest);
  const lookup = checkLookup(violations, algorithm, input.lookup);
  if (algorithm === "bcrypt" && format?.hasLookup === false) {
    violations.add("algorithm", "needs a format whose pattern has a group lookup");
  }
  const { type } = format ?? {};
  const chosen = checkChosenFields(violations, type, { ...input, ttlMs: undefined }, policy, now);
  violations.throwIfAny();
  if (format === undefined || digest === undefined) throw new TypeError("what is missing is a violation");

  const place =
    lookup === undefined
      ? sha256Lookup(policy.environment, format.type, digest)
      : bcryptLookup(policy.environment, format.type, format.name, lookup);
  return {
    keyId: keyIdOf(place),
    fields: { type: format.type, ...chosen },
    imported: { format: format.name, algorithm: algorithm === "bcrypt" ? "bcrypt" : "sha256", digest },
  };
}

// In bcrypt's alphabet the last characters of salt and hash carry two and four bits: others are never made by
// it, and would never match.
const BCRYPT_PATTERN =
  /^\$2[aby]\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/;

/** How each kind of digest is read; undefined for a text that is none. */
const DIGESTS: Readonly<
  Record<
    DigestAlgorithm,
    { readonly description: string; readonly read: (text: string) => string | undefined }
  >
> = {
  sha256_hex: {
    description: "must be 64 hexadecimal digits",
    read: (text) =>
      /^[0-9A-Fa-f]{64}$/.test(text) ? Buffer.from(text, "hex").toString("base64url") : undefined,
  },
  sha256_base64url: {
    description: "must be the 43 characters of base64url that 32 bytes make",
    read: (text) => {
      // Read and written again: the last character carries four bits, so several texts mean the same bytes.
      const bytes = Buffer.from(text, "base64url");
      return bytes.length === 32 && bytes.toString("base64url") === text ? text : undefined;
    },
  },
  bcrypt: {
    description: "must be a bcrypt digest of version 2a, 2b or 2y and of cost 4 to 14",
    // 2y is PHP's name for what is 2b elsewhere.
    read: (text) => (BCRYPT_PATTERN.test(text) ? text.replace(/^\$2y/, "$2b") : undefined),
  },
};

function checkDigest(
  violations: Violations,
  algorithm: DigestAlgorithm | undefined,
  text: string,
): string | undefined {
  if (text === "") violations.add("digest", "is required");
  if (text === "" || algorithm === undefined) return undefined;
  const { description, read } = DIGESTS[algorithm];
  const digest = read(text);
  if (digest === undefined) violations.add("digest", description);
  return digest;
}

function checkLookup(
  violations: Violations,
  algorithm: DigestAlgorithm | undefined,
  text: string,
): string | undefined {
  const isRequired = algorithm === "bcrypt";
  const lookup = violations.text("lookup", text, { bytesMax: IMPORT_LOOKUP_BYTES_MAX, isRequired });
  if (lookup !== undefined && algorithm !== undefined && !isRequired) {
    violations.add("lookup", "is for bcrypt only: a SHA-256 is found by itself");
  }
  return lookup;
}
