// EraseUser: ends all keys of a user, then takes what is personal out of everything that is stored of them.
// The trail of what happened to which key stays. Each step finds what is left of it, so an erasure that was
// cut off anywhere is finished by its repetition.
import { setImmediate } from "node:timers/promises";
import { permissionDenied } from "../../access/authority.ts";
import { isBound, UNBOUND } from "../../access/bounds.ts";
import { type Caller, callerIdOf } from "../../access/caller.ts";
import { type Cause, keyEvent, principalEvent } from "../../domain/audit/event.ts";
import { FleetkeyError, unavailable } from "../../domain/errors.ts";
import { eraseKey } from "../../domain/key-changes.ts";
import { KEY_TYPES } from "../../domain/key-type.ts";
import { erasePrincipal, type PrincipalRecord } from "../../domain/principal.ts";
import { erasedUse } from "../../domain/usage.ts";
import type { KeyPosition } from "../../store/store.ts";
import { ID_BYTES_MAX, REQUEST_ID_BYTES_MAX } from "../input/key-fields.ts";
import { Violations } from "../input/violations.ts";
import type { AppPorts } from "../ports.ts";
import { changeKey, contended } from "../target/change-key.ts";
import { raisePrincipal } from "./revoke-principal.ts";

/** As it comes from a transport: texts are empty when left out. */
export interface EraseUserInput {
  readonly userId: string;
  readonly requestId: string;
}

export interface EraseUserResult {
  readonly keyCount: number;
  readonly eventCount: number;
}

const PAGE_KEYS = 500;
const PAGE_PRINCIPALS = 100;
/** How often in a row others may be faster with all records of a page. */
const LOST_PAGES_MAX = 8;
/** One round relays at least a hundred records, if so many have events waiting. */
const RELAY_ROUNDS_MAX = 1_000;

/**
 * A key that is created at the same time is dead on arrival but can still carry the user, and so can the
 * record of a RevokeAllForUser at the same time; a repetition cleans them.
 */
export async function eraseUser(
  ports: AppPorts,
  caller: Caller,
  input: EraseUserInput,
): Promise<EraseUserResult> {
  const violations = new Violations();
  violations.text("user_id", input.userId, { bytesMax: ID_BYTES_MAX, isRequired: true });
  const requestId = violations.text("request_id", input.requestId, { bytesMax: REQUEST_ID_BYTES_MAX });
  violations.throwIfAny();

  assertUnbound(caller);
  const { userId } = input;
  const cause: Cause = { caller: callerIdOf(caller), address: caller.address, requestId };
  // Without a request key, since a repetition has to end what was created since.
  await raisePrincipal(ports, caller, { userId }, { reason: "user erased", requestId });
  const keyCount = await eraseKeys(ports, userId, cause);
  await erasePrincipals(ports, userId, cause);
  await relayPending(ports);
  // Last, so that it meets the events of the steps before too.
  const eventCount = await ports.store.events.eraseUser(userId);
  return { keyCount, eventCount };
}

// A user's keys can lie in several organizations; an erasure that leaves some would be none.
function assertUnbound({ bounds }: Caller): void {
  if (isBound(bounds)) throw permissionDenied("only a caller without bounds can erase", "OUTSIDE_BOUNDS");
}

async function eraseKeys(ports: AppPorts, userId: string, cause: Cause): Promise<number> {
  const { keys, usage } = ports.store;
  let count = 0;
  let after: KeyPosition | undefined;
  do {
    const query = { types: KEY_TYPES, owner: { userId }, after, limit: PAGE_KEYS };
    const page = await keys.list(query);
    // Before the keys: once they no longer carry the user, a repetition does not find them.
    if (page.length > 0) await usage.add(page.map(({ keyId }) => erasedUse(keyId)));
    for (const { keyId } of page) {
      if (await eraseOne(ports, keyId, userId, cause)) count += 1;
      // A store in this process answers without a pause; other calls get their turn.
      await setImmediate();
    }
    after = page.length < PAGE_KEYS ? undefined : page.at(-1);
  } while (after !== undefined);
  return count;
}

// False: the key is gone, or another erasure was faster.
async function eraseOne(ports: AppPorts, keyId: string, userId: string, cause: Cause): Promise<boolean> {
  let isOurs = false;
  try {
    await changeKey(ports, UNBOUND, keyId, ({ key }) => {
      isOurs = key.owner.userId === userId;
      const now = ports.clock();
      const next = isOurs ? eraseKey(key, now) : key;
      // Told without what became different: that is what was removed.
      const change = { before: next, after: next };
      const at = { now, randomBytes: ports.randomBytes };
      return { next, event: keyEvent("key_erased", change, cause, at) };
    });
  } catch (error) {
    if (error instanceof FleetkeyError && error.code === "not_found") return false;
    throw error;
  }
  return isOurs;
}

async function erasePrincipals(ports: AppPorts, userId: string, cause: Cause): Promise<void> {
  let lostPages = 0;
  while (lostPages < LOST_PAGES_MAX) {
    const found = await ports.store.principals.listOfUser(userId, PAGE_PRINCIPALS);
    if (found.length === 0) return;
    let erased = 0;
    for (const principal of found) {
      if (await eraseRecord(ports, principal, cause)) erased += 1;
    }
    lostPages = erased === 0 ? lostPages + 1 : 0;
  }
  throw contended();
}

// False: another writer was faster.
async function eraseRecord(ports: AppPorts, principal: PrincipalRecord, cause: Cause): Promise<boolean> {
  const next = erasePrincipal(principal);
  const at = { now: ports.clock(), randomBytes: ports.randomBytes };
  const outcome = await ports.store.principals.write(
    next,
    principalEvent("principal_erased", next, cause, at),
  );
  if (outcome === "backlog") {
    throw unavailable("too many changes of the principal wait to be told", "EVENT_BACKLOG");
  }
  return outcome === "written";
}

// The writes above relay what waits in their records. Of a record that an earlier attempt cleaned before it
// was cut off, events that name the user can still wait: they must be in the feed before that is cleaned.
async function relayPending({ store, clock }: AppPorts): Promise<void> {
  const before = clock() + 1;
  for (let round = 0; round < RELAY_ROUNDS_MAX; round++) {
    if ((await store.events.relayPending(before)) === 0) return;
  }
  throw unavailable("too many events wait to be told", "EVENT_BACKLOG");
}
