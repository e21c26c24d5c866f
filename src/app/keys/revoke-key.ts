// Revoke: ends one key for good, with all its generations.
import { assertMayTouch } from "../../access/authority.ts";
import type { Caller } from "../../access/caller.ts";
import { keyEvent } from "../../domain/audit/event.ts";
import { revokeKey as revoked } from "../../domain/key-changes.ts";
import type { KeyView } from "../../domain/verdict.ts";
import { checkTarget, REASON_BYTES_MAX, type TargetInput } from "../input/key-fields.ts";
import { Violations } from "../input/violations.ts";
import type { AppPorts } from "../ports.ts";
import { changeKey } from "../target/change-key.ts";
import { findTarget } from "../target/find-target.ts";

/** As it comes from a transport: texts are empty when left out. */
export interface RevokeKeyInput {
  readonly target: TargetInput;
  readonly reason: string;
}

export async function revokeKey(ports: AppPorts, caller: Caller, input: RevokeKeyInput): Promise<KeyView> {
  const violations = new Violations();
  const target = checkTarget(violations, input.target);
  violations.text("reason", input.reason, { bytesMax: REASON_BYTES_MAX });
  violations.throwIfAny();
  if (target === undefined) throw new TypeError("a missing target is a violation");

  const { keyId, callerId } = await findTarget(ports, caller, target);
  return changeKey(ports, caller.bounds, keyId, ({ key }) => {
    if (caller.id !== undefined) assertMayTouch(caller, key);
    const now = ports.clock();
    const next = revoked(key, { now, reason: input.reason });
    const cause = { caller: callerId, address: caller.address, reason: input.reason };
    const change = { before: key, after: next };
    return { next, event: keyEvent("key_revoked", change, cause, { now, randomBytes: ports.randomBytes }) };
  });
}
