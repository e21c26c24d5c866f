// Whether there is a key that lets its holder call Fleetkey. Without one everybody who calls holds the root
// credential, of which a start warns.
import { isOwnScope } from "../../domain/grant/scope.ts";
import { KEY_TYPES } from "../../domain/key-type.ts";
import { isLive } from "../../domain/lifecycle.ts";
import type { AppPorts } from "../ports.ts";
import { viewsOf } from "../target/read-view.ts";

/** Only so many keys are looked at, the oldest: callers are made before the keys that they make. */
const KEYS_MAX = 1_000;

/** Whether one of the oldest keys is such a key and has not ended. */
export async function hasCallerKey(ports: AppPorts): Promise<boolean> {
  const keys = await ports.store.keys.list({ types: KEY_TYPES, owner: {}, limit: KEYS_MAX });
  const callers = keys.filter(({ scopes }) => scopes.some(isOwnScope));
  const now = ports.clock();
  return (await viewsOf(ports, callers)).some((view) => isLive(view, now));
}
