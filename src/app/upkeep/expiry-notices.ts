// Tells by an event that a key will expire soon, once for each end that it is given. The guarded write that
// remembers the notice carries its event, so neither other nodes nor a crash can make it two or none.
import { UNBOUND } from "../../access/bounds.ts";
import { keyEvent, SERVICE_CALLER_ID } from "../../domain/audit/event.ts";
import { noticeExpiry } from "../../domain/key-changes.ts";
import { isExpiryNoticeDue } from "../../domain/lifecycle.ts";
import type { KeyView } from "../../domain/verdict.ts";
import type { AppPorts } from "../ports.ts";
import { readView } from "../target/read-view.ts";
import { KeyWalk } from "./key-walk.ts";
import type { UpkeepJob } from "./upkeep-job.ts";

export function expiryNotices(ports: AppPorts, noticeMs: number): UpkeepJob {
  const walk = new KeyWalk(ports);
  return {
    name: "expiry notices",
    run: (signal) => {
      const now = ports.clock();
      const query = { expireFrom: now, expireBefore: now + noticeMs };
      return walk.run(query, (view) => tellExpiry(ports, view, noticeMs), signal);
    },
  };
}

// False: it is not due, or somebody else changed the key meanwhile; then the next round looks at it again.
async function tellExpiry(ports: AppPorts, listed: KeyView, noticeMs: number): Promise<boolean> {
  const now = ports.clock();
  if (!isExpiryNoticeDue(listed, noticeMs, now)) return false;
  // A listing can miss the last writes.
  const view = await readView(ports, UNBOUND, listed.key.keyId);
  if (view === undefined || !isExpiryNoticeDue(view, noticeMs, now)) return false;
  const next = noticeExpiry(view.key, now);
  const change = { before: view.key, after: next };
  const at = { now, randomBytes: ports.randomBytes };
  const event = keyEvent("key_expiring", change, { caller: SERVICE_CALLER_ID }, at);
  return (await ports.store.keys.update(next, event)) === "written";
}
