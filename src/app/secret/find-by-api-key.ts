// From an api_key to the key that it opens: parse, read, compare. Verify and the calls by possession share
// it, so there is one place where a secret is accepted.
import { type Bounds, isBound, isWithin } from "../../access/bounds.ts";
import { macOf, sha256Of } from "../../domain/api-key/digests.ts";
import { parseApiKey } from "../../domain/api-key/key-format.ts";
import { bcryptLookup, keyIdOf, sha256Lookup } from "../../domain/api-key/key-id.ts";
import { unavailable } from "../../domain/errors.ts";
import { type Generation, type KeyRecord, liveGenerations } from "../../domain/key.ts";
import type { KeyView } from "../../domain/verdict.ts";
import { isStoreUnavailable } from "../../store/errors.ts";
import type { AppPorts, KeyPolicy, KeyViews } from "../ports.ts";
import { matchGeneration, matchMac, type Presented } from "./match-generation.ts";

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

/** What an api_key leads to. */
export type Found = PresentedKey | "malformed" | "unknown";

/**
 * `malformed` and keys of another environment are told without any I/O. `unknown` is one answer for a key
 * that is not there or outside the bounds, and for a wrong secret. The key can be in any state: that is for
 * the caller to judge. Answers at once when what the views hold is enough; rejects with `unavailable`.
 */
export function findByApiKey(
  ports: AppPorts,
  views: KeyViews,
  bounds: Bounds,
  apiKey: string,
): Found | Promise<Found> {
  const places = placesOf(ports.policy, apiKey);
  if (typeof places === "string") return places;
  return openHeld(ports, views, bounds, places) ?? openRead(ports, views, bounds, places);
}

/**
 * The key of this api_key when it is held and opens by a MAC that needs no renewal; undefined says nothing.
 */
export function findHeld(ports: AppPorts, bounds: Bounds, apiKey: string): PresentedKey | undefined {
  const places = placesOf(ports.policy, apiKey);
  return typeof places === "string" ? undefined : openHeld(ports, ports.views, bounds, places);
}

function openHeld(
  { peppers, policy, clock }: AppPorts,
  views: KeyViews,
  bounds: Bounds,
  [place, ...others]: readonly Place[],
): PresentedKey | undefined {
  // Which of several places comes first is for the one road that looks at all of them.
  const view = place === undefined || others.length > 0 ? undefined : views.held(place.keyId);
  if (place === undefined || view === undefined || !isHere(policy, bounds, view)) return undefined;
  const now = clock();
  for (const generation of view.key.generations) {
    const isLive = generation.endTime === undefined || now < generation.endTime;
    if (!isLive || (generation.mac?.version ?? 0) < peppers.current.version) continue;
    if (matchMac(peppers, generation, place.presented) === "match") return { view, generation };
  }
  return undefined;
}

async function openRead(
  ports: AppPorts,
  views: KeyViews,
  bounds: Bounds,
  places: readonly Place[],
): Promise<PresentedKey | "unknown"> {
  let isPepperMissing = false;
  for (const place of places) {
    const view = await readWithin(ports, views, bounds, place.keyId);
    let opened = view && (await open(ports, bounds, view, place));
    if (view !== undefined && opened === undefined) {
      const newer = await views.readAgain(place.keyId, view);
      opened = newer && (await open(ports, bounds, newer, place));
    }
    if (opened === "unknowable") isPepperMissing = true;
    else if (opened !== undefined) return opened;
  }
  // This node cannot tell right from wrong, and "unknown" would be a guess.
  if (isPepperMissing) throw unavailable("this node lacks the key's pepper version", "PEPPER_MISSING");
  return "unknown";
}

// One outside the bounds is not there, after the same one read, and whether it is held must not show either.
async function readWithin(
  { store }: AppPorts,
  views: KeyViews,
  bounds: Bounds,
  keyId: string,
): Promise<KeyView | undefined> {
  const isInside = (key: KeyRecord | undefined) => key !== undefined && isWithin(bounds, key.owner);
  if (!isBound(bounds) || isInside(views.held(keyId)?.key)) return views.read(keyId);
  return isInside(await store.keys.read(keyId)) ? views.read(keyId) : undefined;
}

async function open(
  ports: AppPorts,
  bounds: Bounds,
  view: KeyView,
  { presented }: Place,
): Promise<PresentedKey | "unknowable" | undefined> {
  if (!isHere(ports.policy, bounds, view)) return undefined;
  let isUnknowable = false;
  for (const generation of liveGenerations(view.key, ports.clock())) {
    const match = await matchGeneration(ports, view.key, generation, presented);
    if (match === "match") {
      await renewMac(ports, view.key, generation, presented.apiKey);
      return { view, generation };
    }
    isUnknowable ||= match === "unknowable";
  }
  return isUnknowable ? "unknowable" : undefined;
}

// With prefixes of the operator's own, two environments on one database can have the same.
function isHere({ environment }: KeyPolicy, bounds: Bounds, { key }: KeyView): boolean {
  return key.environment === environment && isWithin(bounds, key.owner);
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
