// From a credential to a caller: the root credential, or an api_key of Fleetkey's own, which is judged like
// any other that Verify is asked about. A certificate counts where no credential is shown.

import { LRUCache } from "lru-cache";
import { boundsOf, UNBOUND } from "../../access/bounds.ts";
import { type Caller, nobody, rootCaller } from "../../access/caller.ts";
import type { PresentedCredential } from "../../access/credentials.ts";
import type { FailedAttempts } from "../../access/failed-attempts.ts";
import type { RootCredential } from "../../access/root-credential.ts";
import { sha256Of } from "../../domain/api-key/digests.ts";
import { FleetkeyError } from "../../domain/errors.ts";
import type { KeyRecord } from "../../domain/key.ts";
import { KEY_TYPE_TRAITS } from "../../domain/key-type.ts";
import { evaluate } from "../../domain/lifecycle.ts";
import type { KeyView } from "../../domain/verdict.ts";
import type { AppPorts } from "../ports.ts";
import { findByApiKey, findHeld, type PresentedKey } from "../secret/find-by-api-key.ts";

/** What a request shows of who sends it. */
export interface Presented {
  readonly credential: PresentedCredential;
  /** The peer's, when the transport knows it. */
  readonly address?: string;
  /** Of a client certificate that was verified and is known. */
  readonly certificate?: { readonly name: string; readonly scopes: readonly string[] };
  /** A call that lasts asks again: that is no other use of the caller's key. */
  readonly isRepeated?: boolean;
}

export interface Authentication {
  /**
   * Who calls; nobody when nothing is shown. Rejects with `unauthenticated` for what is wrong, with
   * `resource_exhausted` for too much of it and for a key over its limits, and with `unavailable`.
   */
  authenticate(presented: Presented): Promise<Caller>;
  /**
   * The same at once for who can be told from memory and has no limits to count against; undefined says
   * nothing. Refuses nobody, and counts neither failures nor uses.
   */
  recognize(presented: Presented): Caller | undefined;
  /** Remembers that a recognized caller did call. */
  rememberUse(caller: Caller): void;
  /** What is told instead of a refusal for a wrong or missing credential; counts it. */
  refusal(address: string | undefined, refused: FleetkeyError): FleetkeyError;
}

export function callerAuthentication(
  ports: AppPorts,
  { isRoot, attempts }: { readonly isRoot: RootCredential; readonly attempts: FailedAttempts },
): Authentication {
  const opened = new OpenedKeys();
  const refusal: Authentication["refusal"] = (address, refused) =>
    attempts.refusal(address, refused, ports.clock());
  return {
    refusal,
    rememberUse({ key, address }) {
      if (key !== undefined) recordUse(ports, key, address, ports.clock());
    },
    recognize({ credential, address, certificate }) {
      if (credential.kind === "none") return certificateCaller(certificate, address);
      if (credential.kind === "invalid") return undefined;
      // First the one that calls all the time: each of both costs a hash.
      const caller = heldCaller(ports, opened, credential.secret, address);
      return caller ?? (isRoot(credential.secret) ? rootCaller(address) : undefined);
    },
    async authenticate({ credential, address, certificate, isRepeated = false }) {
      if (credential.kind === "none") return certificateCaller(certificate, address);
      if (credential.kind === "invalid") throw refusal(address, invalid());
      if (isRoot(credential.secret)) return rootCaller(address);
      const caller = await keyCaller(ports, credential.secret, address, isRepeated);
      if (caller === undefined) throw refusal(address, invalid());
      return caller;
    },
  };
}

function certificateCaller(certificate: Presented["certificate"], address: string | undefined): Caller {
  if (certificate === undefined) return nobody(address);
  const { name, scopes } = certificate;
  return { ...nobody(address), id: name, scopes };
}

// Undefined: no api_key that may be used here, for whatever reason; which one is not told.
async function keyCaller(
  ports: AppPorts,
  apiKey: string,
  address: string | undefined,
  isRepeated: boolean,
): Promise<Caller | undefined> {
  const found = await findByApiKey(ports, ports.views, UNBOUND, apiKey);
  if (found === "malformed" || found === "unknown") return undefined;
  const now = ports.clock();
  if (!isUsable(found.view, address, now)) return undefined;
  if (!isRepeated) await countUse(ports, found.view, address, now);
  return callerOf(found.view.key, address);
}

function heldCaller(
  ports: AppPorts,
  opened: OpenedKeys,
  apiKey: string,
  address: string | undefined,
): Caller | undefined {
  const found = opened.find(ports, apiKey);
  if (found === undefined) return undefined;
  const { key } = found.view;
  const now = ports.clock();
  const isLimited = key.rateLimit !== undefined || key.quota !== undefined;
  return isLimited || !isUsable(found.view, address, now) ? undefined : callerOf(key, address);
}

/** How many callers' keys are recognized by a hash alone. */
const OPENED_MAX = 1_000;

/**
 * What callers' api_keys have opened, by their SHA-256. The same text opens the same record for as long as
 * that is what is held; whether the key may still be used is asked each time.
 */
class OpenedKeys {
  readonly #opened = new LRUCache<string, PresentedKey>({ max: OPENED_MAX });

  find(ports: AppPorts, apiKey: string): PresentedKey | undefined {
    const digest = sha256Of(apiKey);
    const known = this.#opened.get(digest);
    if (known !== undefined && isOpenStill(ports, known)) return known;
    const found = findHeld(ports, UNBOUND, apiKey);
    if (found !== undefined) this.#opened.set(digest, found);
    return found;
  }
}

function isOpenStill({ views, clock }: AppPorts, { view, generation }: PresentedKey): boolean {
  const isLive = generation.endTime === undefined || clock() < generation.endTime;
  return isLive && views.held(view.key.keyId) === view;
}

function isUsable(view: KeyView, address: string | undefined, now: number): boolean {
  // What everybody can know identifies nobody.
  if (!KEY_TYPE_TRAITS[view.key.type].possessionProves) return false;
  return evaluate(view, { clientAddress: address }, now) === undefined;
}

function callerOf(key: KeyRecord, address: string | undefined): Caller {
  const { keyId: id, scopes, roles, owner } = key;
  return { id, address, scopes, roles, bounds: boundsOf(owner), key };
}

async function countUse(
  ports: AppPorts,
  { key }: KeyView,
  address: string | undefined,
  now: number,
): Promise<void> {
  const { refusal, limits } = await ports.limits.take(key, now);
  if (refusal !== undefined) {
    const { resetMs } = (refusal === "rate_limited" ? limits.rateLimit : limits.quota) ?? {};
    throw new FleetkeyError("resource_exhausted", "the caller's key is over its limit", {
      reason: refusal.toUpperCase(),
      retryAfterMs: resetMs,
    });
  }
  recordUse(ports, key, address, now);
}

function recordUse(ports: AppPorts, { keyId }: KeyRecord, address: string | undefined, now: number): void {
  ports.uses.record({ keyId, time: now, address: address ?? "", userAgent: "" });
}

function invalid(): FleetkeyError {
  return credentialRequired("CREDENTIAL_INVALID");
}

/** What a caller gets without a credential that lets it in. */
export function credentialRequired(reason: "CREDENTIAL_REQUIRED" | "CREDENTIAL_INVALID"): FleetkeyError {
  return new FleetkeyError(
    "unauthenticated",
    "a valid credential is required: Authorization: Bearer or X-API-Key",
    { reason },
  );
}
