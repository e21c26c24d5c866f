// Update: sets the fields of a key that the caller names, all or none. A revoked key stays as it is.
import { assertMayGrant, assertMayLift, assertMayTouch } from "../../access/authority.ts";
import { isBound } from "../../access/bounds.ts";
import { type Caller, callerIdOf } from "../../access/caller.ts";
import { keyEvent } from "../../domain/audit/event.ts";
import { FleetkeyError, invalidArgument, type Violation } from "../../domain/errors.ts";
import { etagOf, type KeyRecord } from "../../domain/key.ts";
import { updateKey as updated } from "../../domain/key-changes.ts";
import { graceEndOf, revocationOf } from "../../domain/lifecycle.ts";
import type { KeyView } from "../../domain/verdict.ts";
import { checkUpdate, type UpdateCommand, type UpdateKeyInput } from "../input/update-command.ts";
import type { AppPorts } from "../ports.ts";
import { changeKey, etagMismatch, keyIs } from "../target/change-key.ts";

/**
 * An Update that would change nothing is answered whatever its etag is: it overwrites nobody's change, and
 * who repeats an Update because its answer was lost has an etag from before it.
 */
export async function updateKey(ports: AppPorts, caller: Caller, input: UpdateKeyInput): Promise<KeyView> {
  const callerId = callerIdOf(caller);
  const command = checkUpdate(input, ports.policy, ports.clock());
  return changeKey(ports, caller.bounds, command.keyId, (view) => {
    const { key } = view;
    assertMayTouch(caller, key);
    // An expired key can be changed, and live again by it.
    if (revocationOf(view) !== undefined) throw keyIs("revoked");
    const now = ports.clock();
    const next = updated(key, command.update, { now, caller: callerId, isBound: isBound(caller.bounds) });
    assertMayLift(caller, key, next);
    assertMayGrant(caller, next, ports.policy.roles);
    if (next !== key && command.etag !== undefined && command.etag !== etagOf(key)) throw etagMismatch();
    assertFitting(command, key, now);
    const cause = { caller: callerId, address: caller.address };
    const change = { before: key, after: next };
    return { next, event: keyEvent("key_updated", change, cause, { now, randomBytes: ports.randomBytes }) };
  });
}

// What only the key as it is now can tell of the values.
function assertFitting({ update, expireTimeTrouble }: UpdateCommand, key: KeyRecord, now: number): void {
  const violations: Violation[] = [];
  if (expireTimeTrouble !== undefined && update.expireTime !== key.expireTime) {
    violations.push({ field: "key.expire_time", description: expireTimeTrouble });
  }
  const { previousEndTime } = update;
  if (previousEndTime !== undefined && previousEndTime > now) {
    const graceEnd = graceEndOf(key, now);
    if (graceEnd === undefined) throw noGrace();
    if (previousEndTime > graceEnd) {
      violations.push({ field: "key.previous_expire_time", description: "can only come sooner than it is" });
    }
  }
  if (violations.length > 0) throw invalidArgument(violations);
}

function noGrace(): FleetkeyError {
  return new FleetkeyError("failed_precondition", "no former secret of the key works any more", {
    reason: "NO_GRACE",
  });
}
