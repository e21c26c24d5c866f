// Create: checks what is asked for, finds the key's place, issues a secret and writes both with their event.
// Uniqueness is the `_id`'s: a request_id or an exclusive place derives the lookup part
// (domain/api-key/key-id).
import { assertMayGrant } from "../../access/authority.ts";
import { type Caller, callerIdOf } from "../../access/caller.ts";
import { keyIdOf } from "../../domain/api-key/key-id.ts";
import { keyEvent } from "../../domain/audit/event.ts";
import { FleetkeyError, invalidArgument } from "../../domain/errors.ts";
import type { KeyRecord } from "../../domain/key.ts";
import { currentEpochs, principalIdsOf } from "../../domain/principal.ts";
import type { KeyView } from "../../domain/verdict.ts";
import { type CreateCommand, type CreateKeyInput, checkCreate, requestOf } from "../input/create-command.ts";
import type { AppPorts } from "../ports.ts";
import { issueSecret } from "../secret/issue-secret.ts";
import { confirmKey, contended } from "../target/change-key.ts";
import { choosePlace, type FreePlace } from "../target/choose-place.ts";
import { endHolder } from "../target/end-holder.ts";
import { viewOf } from "../target/read-view.ts";

export type CreateKeyResult =
  | { readonly isReplayed: false; readonly apiKey: string; readonly view: KeyView }
  | { readonly isReplayed: true; readonly view: KeyView };

/**
 * How often a lost race for a place is tried again. A random place is lost only by a collision of 65 bits.
 */
const ATTEMPTS_MAX = 8;

export async function createKey(
  ports: AppPorts,
  caller: Caller,
  input: CreateKeyInput,
): Promise<CreateKeyResult> {
  const callerId = callerIdOf(caller);
  const command = await checkedOrReplayed(ports, callerId, input);
  if ("isReplayed" in command) return command;
  assertMayGrant(caller, command.fields, ports.policy.roles);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const place = await choosePlace(ports, command);
    if (place.kind === "held") return replayed(ports, command, place.key);
    const created = await createAt(ports, caller, callerId, command, place);
    if (created !== undefined) return created;
  }
  throw contended();
}

/** Fields that can be refused today though they were right before: by the clock, or by other settings. */
const PASSING_FIELDS = /^(?:expire_time|ttl|roles\[\d+\])$/;

// A request that was granted once is found again, though it would be refused by now.
async function checkedOrReplayed(
  ports: AppPorts,
  callerId: string,
  input: CreateKeyInput,
): Promise<CreateCommand | CreateKeyResult> {
  try {
    return checkCreate(input, callerId, ports.policy, ports.clock());
  } catch (refusal) {
    const violations = refusal instanceof FleetkeyError ? refusal.details.violations : undefined;
    if (!violations?.every(({ field }) => PASSING_FIELDS.test(field))) throw refusal;
    const request = requestOf(input, callerId);
    const earlier = request && (await ports.store.keys.readRequest(request.key));
    if (earlier === undefined || earlier.request?.digest !== request?.digest) throw refusal;
    return replay(ports, earlier);
  }
}

// Undefined: somebody else took the place meanwhile.
async function createAt(
  ports: AppPorts,
  caller: Caller,
  callerId: string,
  command: CreateCommand,
  place: FreePlace,
): Promise<CreateKeyResult | undefined> {
  // Before the insert: a principal raised from here on ends this key too, which then is dead on arrival.
  const principals = await ports.store.principals.read(principalIdsOf(command.fields.owner));
  const prefix = ports.policy.prefixes[command.fields.type];
  const { apiKey, digests } = await issueSecret(ports, prefix, place.lookup);
  const now = ports.clock();
  const key: KeyRecord = {
    keyId: keyIdOf(place.lookup),
    prefix,
    environment: ports.policy.environment,
    ...command.fields,
    createTime: now,
    createdBy: callerId,
    updateTime: now,
    generations: [{ number: 1, createTime: now, ...digests }],
    epochs: currentEpochs(command.fields.owner, principals),
    slot: place.slot,
    request: command.request,
    revision: 1,
  };
  const cause = { caller: callerId, address: caller.address, requestId: command.requestId };
  // Last, so that a Create that fails before has ended nothing.
  if (place.holder !== undefined && !(await endHolder(ports, place.holder, cause))) return undefined;
  const event = keyEvent("key_created", { after: key }, cause, { now, randomBytes: ports.randomBytes });
  if (!(await ports.store.keys.insert(key, event))) return undefined;
  return { isReplayed: false, apiKey, view: { key, principals } };
}

// The key of an earlier request of this name, which must have been equal.
async function replayed(ports: AppPorts, command: CreateCommand, key: KeyRecord): Promise<CreateKeyResult> {
  if (key.request?.digest === command.request?.digest) return replay(ports, key);
  throw invalidArgument([
    { field: "request_id", description: "was used by the same caller for another request" },
  ]);
}

// Confirmed by a write: the creation may have gone unanswered.
async function replay(ports: AppPorts, key: KeyRecord): Promise<CreateKeyResult> {
  return { isReplayed: true, view: await viewOf(ports, await confirmKey(ports, key)) };
}
