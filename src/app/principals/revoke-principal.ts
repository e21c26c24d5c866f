// RevokeAll: ends every key of a principal by raising one integer. Keys are not touched; they remember the
// epoch that they were made under, and are live only while it is current.
import { permissionDenied } from "../../access/authority.ts";
import { narrowed } from "../../access/bounds.ts";
import { type Caller, callerIdOf } from "../../access/caller.ts";
import { requestKeyOf } from "../../domain/api-key/key-id.ts";
import { principalEvent } from "../../domain/audit/event.ts";
import { unavailable } from "../../domain/errors.ts";
import { KEY_TYPES } from "../../domain/key-type.ts";
import { wasLiveUntil } from "../../domain/lifecycle.ts";
import {
  isPrincipal,
  newPrincipal,
  type Owner,
  type OwnerField,
  principalIdOf,
  type Raise,
  raiseEpoch,
} from "../../domain/principal.ts";
import {
  checkOwner,
  NO_OWNER,
  OWNER_PATHS,
  type OwnerInput,
  REASON_BYTES_MAX,
  REQUEST_ID_BYTES_MAX,
} from "../input/key-fields.ts";
import { Violations } from "../input/violations.ts";
import type { AppPorts } from "../ports.ts";
import { contended } from "../target/change-key.ts";
import { ownedViews } from "../target/read-view.ts";

/** What every RevokeAll carries beside its owner; texts are empty when left out. */
interface Circumstances {
  readonly reason: string;
  readonly requestId: string;
}
export interface RevokeUserInput extends Circumstances {
  readonly userId: string;
  readonly organizationId: string;
}
export interface RevokeOrganizationInput extends Circumstances {
  readonly organizationId: string;
}
export interface RevokeServiceAccountInput extends Circumstances {
  readonly serviceAccountId: string;
}

const ATTEMPTS_MAX = 8;

/** Ends all keys of a user, or of a user within an organization. Gives how many were live until then. */
export function revokeAllForUser(ports: AppPorts, caller: Caller, input: RevokeUserInput): Promise<number> {
  const { userId, organizationId } = input;
  return revokeAll(ports, caller, "userId", { ...NO_OWNER, userId, organizationId }, input);
}

/** Ends all keys that carry an organization. Gives how many were live until then. */
export function revokeAllForOrganization(
  ports: AppPorts,
  caller: Caller,
  input: RevokeOrganizationInput,
): Promise<number> {
  const { organizationId } = input;
  return revokeAll(ports, caller, "organizationId", { ...NO_OWNER, organizationId }, input);
}

/** Ends all keys that carry a service account. Gives how many were live until then. */
export function revokeAllForServiceAccount(
  ports: AppPorts,
  caller: Caller,
  input: RevokeServiceAccountInput,
): Promise<number> {
  const { serviceAccountId } = input;
  return revokeAll(ports, caller, "serviceAccountId", { ...NO_OWNER, serviceAccountId }, input);
}

async function revokeAll(
  ports: AppPorts,
  caller: Caller,
  required: OwnerField,
  ownerInput: OwnerInput,
  { reason, requestId }: Circumstances,
): Promise<number> {
  const violations = new Violations();
  const owner = checkOwner(violations, ownerInput);
  if (ownerInput[required] === "") violations.add(OWNER_PATHS[required], "is required");
  violations.text("reason", reason, { bytesMax: REASON_BYTES_MAX });
  const checkedId = violations.text("request_id", requestId, { bytesMax: REQUEST_ID_BYTES_MAX });
  violations.throwIfAny();
  const requestKey = checkedId === undefined ? undefined : requestKeyOf(callerIdOf(caller), checkedId);
  const inside = narrowed(caller.bounds, owner);
  // Of keys outside there are none.
  if (inside === undefined) return 0;
  if (!isPrincipal(inside)) {
    throw permissionDenied(
      "the caller's bounds cut through these keys: revoke them one by one",
      "OUTSIDE_BOUNDS",
    );
  }
  const raise = await raisePrincipal(ports, caller, inside, { reason, requestId: checkedId, requestKey });
  return countEnded(ports, inside, raise);
}

/** Raises the epoch, or finds the raise that has the same `requestKey`. */
export async function raisePrincipal(
  ports: AppPorts,
  caller: Caller,
  owner: Owner,
  {
    reason,
    requestId,
    requestKey,
  }: { readonly reason: string; readonly requestId?: string; readonly requestKey?: string },
): Promise<Raise> {
  const { principals } = ports.store;
  const callerId = callerIdOf(caller);
  const principalId = principalIdOf(owner);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const current = (await principals.read([principalId])).get(principalId) ?? newPrincipal(owner);
    const earlier = current.raises.find(
      (raise) => requestKey !== undefined && raise.requestKey === requestKey,
    );
    if (earlier !== undefined) {
      if (await principals.confirm(principalId, current.revision)) return earlier;
      continue;
    }
    const now = ports.clock();
    // The record of an erased user does not know any more whose it is.
    const next = raiseEpoch({ ...current, owner }, { time: now, reason, caller: callerId, requestKey });
    const cause = { caller: callerId, address: caller.address, requestId, reason };
    const outcome = await principals.write(
      next,
      principalEvent("principal_revoked", next, cause, { now, randomBytes: ports.randomBytes }),
    );
    const [raise] = next.raises.slice(-1);
    if (outcome === "written" && raise !== undefined) return raise;
    if (outcome === "backlog")
      throw unavailable("too many changes of the principal wait to be told", "EVENT_BACKLOG");
  }
  throw contended();
}

// The keys are dead already; this only counts them.
async function countEnded(ports: AppPorts, owner: Owner, raise: Raise): Promise<number> {
  const principalId = principalIdOf(owner);
  let count = 0;
  for await (const view of ownedViews(ports, KEY_TYPES, owner)) {
    if (wasLiveUntil(view, principalId, raise)) count += 1;
  }
  return count;
}
