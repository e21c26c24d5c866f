// The end of the key that holds an exclusive place, before the next one takes it: a write, because a holder
// that was only read to be dead can live again.
import { type Cause, keyEvent } from "../../domain/audit/event.ts";
import { revokeKey } from "../../domain/key-changes.ts";
import { stateOf } from "../../domain/lifecycle.ts";
import type { KeyView } from "../../domain/verdict.ts";
import type { AppPorts } from "../ports.ts";

const REASON = "replaced by a new exclusive key";

/**
 * Makes sure that a holder that was seen dead stays so. One that has only expired could be given a later end
 * by an Update: it is revoked, and one of the two loses. A revocation that was read, a failover could take
 * back: it is confirmed. False: the key has changed meanwhile, look again.
 */
export async function endHolder(ports: AppPorts, holder: KeyView, cause: Cause): Promise<boolean> {
  const { key } = holder;
  const now = ports.clock();
  const state = stateOf(holder, now);
  if (state === "revoked") return ports.store.keys.confirm(key.keyId, key.revision);
  // A clock that was set back: it lives.
  if (state !== "expired") return false;
  const next = revokeKey(key, { now, reason: REASON });
  const change = { before: key, after: next };
  const at = { now, randomBytes: ports.randomBytes };
  const event = keyEvent("key_revoked", change, { ...cause, reason: REASON }, at);
  return (await ports.store.keys.update(next, event)) === "written";
}
