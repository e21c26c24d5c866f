// The public keys that GitHub's secret scanning signs its reports with: read once from a file in the form in
// which GitHub's API serves them, and used by their identifiers.
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { StartRefused } from "../../domain/errors.ts";

const SETTING = "FLEETKEY_GITHUB_KEYS";
const SERVED_AT = "https://api.github.com/meta/public_keys/secret_scanning";
/** P-256, as node names it. */
const CURVE = "prime256v1";
// A private key would do as well for node, but has no business here.
const PUBLIC_KEY_PATTERN = /^\s*-----BEGIN PUBLIC KEY-----/;
// Node reads past what is not base64, such as the comma between two headers of a name.
const BASE64_PATTERN = /^[A-Za-z0-9+/]+={0,2}$/;

/** By key_identifier. Which one is current is GitHub's matter: it names the one that it has used. */
export type GithubKeys = ReadonlyMap<string, KeyObject>;

const KEYS_FILE = z.object({
  public_keys: z.array(z.object({ key_identifier: z.string().min(1), key: z.string() })).min(1),
});

/** Throws StartRefused when the file cannot be read or is not what it should be. */
export function readGithubKeys(path: string): GithubKeys {
  const found = KEYS_FILE.safeParse(readJson(path));
  if (!found.success) {
    throw refused(
      `${path} is not of the form {"public_keys":[{"key_identifier","key"}]}; save what ${SERVED_AT} serves`,
    );
  }
  const keys = new Map<string, KeyObject>();
  for (const { key_identifier: identifier, key: pem } of found.data.public_keys) {
    if (keys.has(identifier)) throw refused(`${path} holds the key ${identifier} twice`);
    const key = parseKey(pem);
    if (key === undefined)
      throw refused(`in ${path} the key ${identifier} is not a public key of P-256 in PEM`);
    keys.set(identifier, key);
  }
  return keys;
}

/** Whether the key's owner signed these bytes: ECDSA with SHA-256, the signature as DER in base64. */
export function isSigned(key: KeyObject, body: Uint8Array, signature: string): boolean {
  return BASE64_PATTERN.test(signature) && verify("sha256", body, key, Buffer.from(signature, "base64"));
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw refused(`cannot read ${path}: ${(error as Error).message}`, error);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refused(`${path} is not JSON; save what ${SERVED_AT} serves`, error);
  }
}

function parseKey(pem: string): KeyObject | undefined {
  if (!PUBLIC_KEY_PATTERN.test(pem)) return undefined;
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === CURVE ? key : undefined;
  } catch {
    return undefined;
  }
}

function refused(message: string, cause?: unknown): StartRefused {
  return new StartRefused(`${SETTING}: ${message}`, { cause });
}
