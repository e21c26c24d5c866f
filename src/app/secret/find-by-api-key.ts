// From an api_key to the key that it opens: parse, read, compare. Verify and the calls by possession share
// it, so there is one place where a secret is accepted.
import { type Mac, macMatches, macOf } from "../../domain/api-key/digests.ts";
import { type ParsedApiKey, parseApiKey } from "../../domain/api-key/key-format.ts";
import { keyIdOf } from "../../domain/api-key/key-id.ts";
import { unavailable } from "../../domain/errors.ts";
import { type Generation, type KeyRecord, liveGenerations } from "../../domain/key.ts";
import type { KeyView } from "../../domain/verdict.ts";
import { isStoreUnavailable } from "../../store/errors.ts";
import type { AppPorts } from "../ports.ts";
import { readView } from "../target/read-view.ts";

/** A key whose secret was presented, and which of its generations the secret is. */
export interface PresentedKey {
  readonly view: KeyView;
  readonly generation: Generation;
}

/**
 * `malformed` and keys of another environment are told without any I/O. `unknown` is one answer for a key
 * that is not there and for a wrong secret. The key can be in any state: that is for the caller to judge.
 */
export async function findByApiKey(
  ports: AppPorts,
  apiKey: string,
): Promise<PresentedKey | "malformed" | "unknown"> {
  const parsed = parseApiKey(apiKey, ports.policy.prefixes);
  if (parsed === "malformed") return "malformed";
  if (parsed === "foreign") return "unknown";
  const view = await readView(ports, keyIdOf(parsed.lookup));
  // With prefixes of the operator's own, two environments on one database can have the same.
  if (view === undefined || view.key.environment !== ports.policy.environment) return "unknown";
  const generation = await matchingGeneration(ports, view.key, apiKey, parsed);
  return generation === undefined ? "unknown" : { view, generation };
}

async function matchingGeneration(
  ports: AppPorts,
  key: KeyRecord,
  apiKey: string,
  parsed: ParsedApiKey,
): Promise<Generation | undefined> {
  const { accepted, lost } = ports.peppers;
  let isPepperMissing = false;
  for (const generation of liveGenerations(key, ports.clock())) {
    const pepper = accepted.get(generation.mac.version);
    const isLost = lost.has(generation.mac.version);
    const isMatch =
      pepper !== undefined
        ? macMatches(apiKey, pepper, generation.mac)
        : isLost && (await ports.fallback.matches(apiKey, parsed.secret, key, generation));
    if (isMatch) {
      await renewMac(ports, key, generation, apiKey);
      return generation;
    }
    isPepperMissing ||= pepper === undefined && !isLost;
  }
  // Neither accepted nor declared lost: this node cannot tell right from wrong, and "unknown" would be a
  // guess.
  if (isPepperMissing) throw unavailable("this node lacks the key's pepper version", "PEPPER_MISSING");
  return undefined;
}

// Brings a MAC under the current pepper, only ever upward, so that nodes in the midst of a rotation do not
// undo each other's work. Verify does not depend on it: the next one tries again.
async function renewMac(
  ports: AppPorts,
  key: KeyRecord,
  generation: Generation,
  apiKey: string,
): Promise<void> {
  const { current } = ports.peppers;
  if (generation.mac.version >= current.version) return;
  const renewed: Mac = macOf(apiKey, current);
  try {
    await ports.store.keys.replaceMac(key.keyId, generation.number, generation.mac, renewed);
  } catch (error) {
    if (!isStoreUnavailable(error)) throw error;
  }
}
