// Removes keys that ended long ago. A guarded write chooses the key first and carries the event; a node that
// dies behind it leaves a key that the next round finds chosen and removes.
import { UNBOUND } from "../../access/bounds.ts";
import { keyEvent, SERVICE_CALLER_ID } from "../../domain/audit/event.ts";
import type { KeyRecord } from "../../domain/key.ts";
import { purgeKey } from "../../domain/key-changes.ts";
import { hasEndedFor } from "../../domain/lifecycle.ts";
import type { KeyView } from "../../domain/verdict.ts";
import type { AppPorts } from "../ports.ts";
import { readView } from "../target/read-view.ts";
import { KeyWalk } from "./key-walk.ts";
import type { UpkeepJob } from "./upkeep-job.ts";

export function keyPurge(ports: AppPorts, retentionMs: number): UpkeepJob {
  const walk = new KeyWalk(ports);
  return {
    name: "key purge",
    run: (signal) => walk.run({}, (view) => purge(ports, view, retentionMs), signal),
  };
}

async function purge(ports: AppPorts, listed: KeyView, retentionMs: number): Promise<boolean> {
  const isDue = (view: KeyView) =>
    view.key.purgeTime !== undefined || hasEndedFor(view, retentionMs, ports.clock());
  // An import that is run again takes what is missing for new: a revoked key would work once more.
  if (!isDue(listed) || listed.key.importFormat !== undefined) return false;
  // A listing can miss the last writes.
  const view = await readView(ports, UNBOUND, listed.key.keyId);
  if (view === undefined || !isDue(view) || (await isLastOfPlace(ports, view.key))) return false;
  const key = await chosen(ports, view.key);
  if (key === undefined) return false;
  await ports.store.usage.remove(key.keyId);
  await ports.store.quotas.remove(key.keyId);
  return ports.store.keys.remove(key.keyId, key.revision);
}

// The next key of an exclusive place counts on from the highest number. Without that one it would take the
// number again, and with it the key_id: so only a key below the highest may go.
async function isLastOfPlace({ store }: AppPorts, { type, slot }: KeyRecord): Promise<boolean> {
  if (slot === undefined) return false;
  const holder = await store.keys.readSlotHolder(type, slot.id);
  return !((holder?.slot?.number ?? 0) > slot.number);
}

// Undefined: somebody else changed the key meanwhile, or its events cannot be told now.
async function chosen(ports: AppPorts, key: KeyRecord): Promise<KeyRecord | undefined> {
  if (key.purgeTime !== undefined) return key;
  const now = ports.clock();
  const next = purgeKey(key, now);
  const at = { now, randomBytes: ports.randomBytes };
  const event = keyEvent("key_purged", { before: key, after: next }, { caller: SERVICE_CALLER_ID }, at);
  return (await ports.store.keys.update(next, event)) === "written" ? next : undefined;
}
