// From an api_key to the key that it opens: parse, read, compare. Verify and the calls by possession share
// it, so there is one place where a secret is accepted.
import type { Bounds } from "../../access/bounds.ts";
import { macOf, sha256Of } from "../../domain/api-key/digests.ts";
import { parseApiKey } from "../../domain/api-key/key-format.ts";
import { bcryptLookup, keyIdOf, sha256Lookup } from "../../domain/api-key/key-id.ts";
import { unavailable } from "../../domain/errors.ts";
import { type Generation, type KeyRecord, liveGenerations } from "../../domain/key.ts";
import type { KeyView } from "../../domain/verdict.ts";
import { isStoreUnavailable } from "../../store/errors.ts";
import type { AppPorts, KeyPolicy } from "../ports.ts";
import { readView } from "../target/read-view.ts";
import { matchGeneration, type Presented } from "./match-generation.ts";

/** A key whose secret was presented, and which of its generations the secret is. */
export interface PresentedKey {
  readonly view: KeyView;
  readonly generation: Generation;
}

/** Where the key of an api_key can be. */
interface Place {
  readonly keyId: string;
  readonly presented: Presented;
}

/**
 * `malformed` and keys of another environment are told without any I/O. `unknown` is one answer for a key
 * that is not there or outside the bounds, and for a wrong secret. The key can be in any state: that is for
 * the caller to judge.
 */
export async function findByApiKey(
  ports: AppPorts,
  bounds: Bounds,
  apiKey: string,
): Promise<PresentedKey | "malformed" | "unknown"> {
  const places = placesOf(ports.policy, apiKey);
  if (typeof places === "string") return places;
  let isPepperMissing = false;
  for (const { keyId, presented } of places) {
    const view = await readView(ports, bounds, keyId);
    // With prefixes of the operator's own, two environments on one database can have the same.
    if (view === undefined || view.key.environment !== ports.policy.environment) continue;
    for (const generation of liveGenerations(view.key, ports.clock())) {
      const match = await matchGeneration(ports, view.key, generation, presented);
      if (match === "match") {
        await renewMac(ports, view.key, generation, apiKey);
        return { view, generation };
      }
      isPepperMissing ||= match === "unknowable";
    }
  }
  // This node cannot tell right from wrong, and "unknown" would be a guess.
  if (isPepperMissing) throw unavailable("this node lacks the key's pepper version", "PEPPER_MISSING");
  return "unknown";
}

// Never empty. What has the native shape is looked for there and nowhere else, even with a wrong checksum.
function placesOf(policy: KeyPolicy, apiKey: string): readonly Place[] | "malformed" | "unknown" {
  const parsed = parseApiKey(apiKey, policy.prefixes);
  if (parsed === "malformed") return "malformed";
  if (parsed === "other_environment") return "unknown";
  if (parsed !== "not_native") {
    return [{ keyId: keyIdOf(parsed.lookup), presented: { apiKey, secret: parsed.secret } }];
  }
  const places = foreignPlaces(policy, apiKey);
  return places.length === 0 ? "malformed" : places;
}

// In the order of the formats. Formats of one type share the place that the SHA-256 leads to.
function foreignPlaces({ environment, foreignFormats }: KeyPolicy, apiKey: string): readonly Place[] {
  const formatsByKeyId = new Map<string, Set<string>>();
  const add = (lookup: string, format: string) => {
    const keyId = keyIdOf(lookup);
    formatsByKeyId.set(keyId, (formatsByKeyId.get(keyId) ?? new Set()).add(format));
  };
  for (const format of foreignFormats) {
    const match = format.match(apiKey);
    if (match === undefined) continue;
    add(sha256Lookup(environment, format.type, sha256Of(apiKey)), format.name);
    if (match.lookup === undefined) continue;
    add(bcryptLookup(environment, format.type, format.name, match.lookup), format.name);
  }
  return [...formatsByKeyId].map(([keyId, formats]) => ({ keyId, presented: { apiKey, formats } }));
}

// Brings a MAC under the current pepper, only ever upward, so that nodes in the midst of a rotation do not
// undo each other's work; an imported key gets its first. Verify does not depend on it: the next one tries
// again.
async function renewMac(
  ports: AppPorts,
  key: KeyRecord,
  generation: Generation,
  apiKey: string,
): Promise<void> {
  const { current } = ports.peppers;
  const { number, mac } = generation;
  if (mac !== undefined && mac.version >= current.version) return;
  try {
    await ports.store.keys.replaceMac(key.keyId, number, mac, macOf(apiKey, current));
  } catch (error) {
    if (!isStoreUnavailable(error)) throw error;
  }
}
