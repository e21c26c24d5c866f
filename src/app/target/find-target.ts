// Which key a Refresh or a Revoke means: by its id, by its owner, or by an api_key of it.
import { narrowed } from "../../access/bounds.ts";
import type { Caller } from "../../access/caller.ts";
import { FleetkeyError, keyNotFound } from "../../domain/errors.ts";
import { KEY_TYPE_TRAITS, type KeyType } from "../../domain/key-type.ts";
import { isLive } from "../../domain/lifecycle.ts";
import type { Owner } from "../../domain/principal.ts";
import type { KeyView } from "../../domain/verdict.ts";
import type { AppPorts } from "../ports.ts";
import { findByApiKey, type PresentedKey } from "../secret/find-by-api-key.ts";
import { ownedViews, storedViews } from "./read-view.ts";

/** A target that was checked to be well-formed. */
export type Target =
  | { readonly by: "key_id"; readonly keyId: string }
  | { readonly by: "owner"; readonly type: KeyType; readonly owner: Owner }
  | { readonly by: "api_key"; readonly apiKey: string };

/** The key, who acts on it, and the secret that was presented for it, if one was. */
export interface FoundTarget {
  readonly keyId: string;
  readonly callerId: string;
  readonly presented?: PresentedKey;
}

/** How many live keys of an owner are named in an error. */
const NAMED_KEYS_MAX = 20;

/**
 * Finds the key. A call without a credential is let in by the api_key alone, or refused as unauthenticated.
 */
export async function findTarget(ports: AppPorts, caller: Caller, target: Target): Promise<FoundTarget> {
  if (target.by === "api_key") return findPresented(ports, caller, target.apiKey);
  if (caller.id === undefined) throw notAccepted();
  const keyId = target.by === "key_id" ? target.keyId : await findOwned(ports, caller, target);
  return { keyId, callerId: caller.id };
}

async function findPresented(ports: AppPorts, caller: Caller, apiKey: string): Promise<FoundTarget> {
  const presented = await findByApiKey(ports, storedViews(ports.store), caller.bounds, apiKey);
  if (presented === "malformed" || presented === "unknown") {
    throw caller.id === undefined ? notAccepted() : keyNotFound();
  }
  const { key } = presented.view;
  if (caller.id === undefined && !KEY_TYPE_TRAITS[key.type].possessionProves) {
    throw new FleetkeyError("permission_denied", "possession of a publishable key proves nothing", {
      reason: "KEY_IS_PUBLIC",
    });
  }
  return { keyId: key.keyId, callerId: caller.id ?? key.keyId, presented };
}

// Of keys outside there are none: who asks for an owner there learns nothing from how long it takes.
async function findOwned(
  ports: AppPorts,
  { bounds }: Caller,
  { type, owner }: { readonly type: KeyType; readonly owner: Owner },
): Promise<string> {
  const inside = narrowed(bounds, owner);
  if (inside === undefined) throw keyNotFound();
  const live: KeyView[] = [];
  for await (const view of ownedViews(ports, [type], inside)) {
    if (isLive(view, ports.clock())) live.push(view);
  }
  const exclusive = live.filter(({ key }) => key.slot !== undefined);
  const candidates = exclusive.length > 0 ? exclusive : live;
  const [only] = candidates;
  if (only === undefined) throw keyNotFound();
  if (candidates.length === 1) return only.key.keyId;
  const keyIds = candidates.slice(0, NAMED_KEYS_MAX).map(({ key }) => key.keyId);
  const more = candidates.length > keyIds.length ? " and more" : "";
  throw new FleetkeyError(
    "failed_precondition",
    `several live keys fit the owner: ${keyIds.join(", ")}${more}`,
    {
      reason: "SEVERAL_KEYS",
      metadata: { key_ids: keyIds.join(",") },
    },
  );
}

function notAccepted(): FleetkeyError {
  return new FleetkeyError(
    "unauthenticated",
    "the call carries no credential and no api_key that is accepted",
    {
      reason: "CREDENTIAL_REQUIRED",
    },
  );
}
