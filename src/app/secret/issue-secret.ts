// Makes a new secret: the api_key that is shown once, and the digests that are stored.
import { macOf } from "../../domain/api-key/digests.ts";
import { formatApiKey, newSecret } from "../../domain/api-key/key-format.ts";
import type { GenerationDigests } from "../../domain/key-changes.ts";
import type { AppPorts } from "../ports.ts";

export interface IssuedSecret {
  readonly apiKey: string;
  readonly digests: GenerationDigests;
}

/** Draws a secret for the key with this prefix and lookup part. */
export async function issueSecret(ports: AppPorts, prefix: string, lookup: string): Promise<IssuedSecret> {
  const secret = newSecret(ports.randomBytes);
  const apiKey = formatApiKey(prefix, lookup, secret);
  const bcrypt = await ports.slowHash.hash(secret);
  return { apiKey, digests: { mac: macOf(apiKey, ports.peppers.current), bcrypt } };
}
