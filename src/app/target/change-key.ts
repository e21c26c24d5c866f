// Every change of an existing key: read, decide, write guarded, again when another writer was faster.
import type { Bounds } from "../../access/bounds.ts";
import type { Event } from "../../domain/audit/event.ts";
import { FleetkeyError, keyNotFound, unavailable } from "../../domain/errors.ts";
import type { KeyRecord } from "../../domain/key.ts";
import type { KeyState } from "../../domain/lifecycle.ts";
import type { KeyView } from "../../domain/verdict.ts";
import type { AppPorts } from "../ports.ts";
import { readView } from "./read-view.ts";

/** How often a change is tried again before its caller is told to. */
const ATTEMPTS_MAX = 8;

/** The next record and its event; or the same record, when what is asked for is so already. */
export interface KeyChange {
  readonly next: KeyRecord;
  readonly event: Event;
}

/**
 * Applies a change to the newest revision of a key within the bounds. `decide` runs anew for each attempt
 * and may throw. When it returns the record that it was given, that record is confirmed by a write before
 * the call is answered: a repeated Revoke must not answer from a read that a failover could take back.
 */
export async function changeKey(
  ports: AppPorts,
  bounds: Bounds,
  keyId: string,
  decide: (view: KeyView) => KeyChange,
): Promise<KeyView> {
  const { keys } = ports.store;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const view = await readView(ports, bounds, keyId);
    if (view === undefined) throw keyNotFound();
    const { next, event } = decide(view);
    if (next === view.key) {
      if (await keys.confirm(keyId, next.revision)) return view;
      continue;
    }
    const outcome = await keys.update(next, event);
    if (outcome === "written") return { ...view, key: next };
    if (outcome === "backlog")
      throw unavailable("too many changes of the key wait to be told", "EVENT_BACKLOG");
  }
  throw contended();
}

/**
 * Makes what was read of a key safe to answer with, by a write, at whatever revision the key then has; gives
 * it as it is then. Whoever wrote it may not have been answered.
 */
export async function confirmKey({ store }: AppPorts, key: KeyRecord): Promise<KeyRecord> {
  let current: KeyRecord | undefined = key;
  for (let attempt = 0; attempt < ATTEMPTS_MAX && current !== undefined; attempt++) {
    if (await store.keys.confirm(current.keyId, current.revision)) return current;
    current = await store.keys.read(key.keyId);
  }
  throw contended();
}

/** What a caller gets that lost every race. */
export function contended(): FleetkeyError {
  return new FleetkeyError("aborted", "others change the same record at the same time", {
    reason: "CONTENTION",
  });
}

/** What a caller gets whose etag is not the key's current one. */
export function etagMismatch(): FleetkeyError {
  return new FleetkeyError("aborted", "the key was changed since this etag", { reason: "ETAG_MISMATCH" });
}

/** What a caller gets that wants what a key in this state does not allow. */
export function keyIs(state: KeyState): FleetkeyError {
  return new FleetkeyError("failed_precondition", `the key is ${state}`, {
    reason: `KEY_${state.toUpperCase()}`,
  });
}
