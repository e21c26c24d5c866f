// Where the keys of a batch go: which of the places are taken, and new records at those that are free. The
// insert decides every race.
import { type Cause, importEvent } from "../../domain/audit/event.ts";
import type { KeyRecord } from "../../domain/key.ts";
import {
  currentEpochs,
  type PrincipalRecord,
  type Principals,
  principalIdsOf,
} from "../../domain/principal.ts";
import { BoundedQueue } from "../../lib/bounded-queue.ts";
import type { ImportCommand } from "../input/import-record.ts";
import type { AppPorts } from "../ports.ts";
import { confirmKey } from "./change-key.ts";

/** How often places that somebody else took meanwhile are looked at again. */
const ATTEMPTS_MAX = 8;
/** How many keys are read at a time, so that one batch does not take all of the store's connections. */
const KEYS_READING_MAX = 16;
const PRINCIPALS_READING_MAX = 64;

/** The key at each place, and whether it is one of this batch. */
export type HeldPlaces = ReadonlyMap<string, { readonly key: KeyRecord; readonly isNew: boolean }>;

/** What takePlaces would give. Writes nothing. Each command has a place of its own. */
export async function findPlaces(
  ports: AppPorts,
  commands: readonly ImportCommand[],
  callerId: string,
): Promise<HeldPlaces> {
  const taken = await readTaken(ports, commands);
  const free = commands.filter(({ keyId }) => !taken.has(keyId));
  const keys = free.map((command) => newKey(ports, command, callerId, new Map()));
  return new Map([...heldBy([...taken.values()], false), ...heldBy(keys, true)]);
}

/** Writes a key to every place that is free. A place that is missing in what it gives was lost in a race. */
export async function takePlaces(
  ports: AppPorts,
  commands: readonly ImportCommand[],
  cause: Cause,
): Promise<HeldPlaces> {
  const existing = new Map<string, KeyRecord>();
  const written: KeyRecord[] = [];
  let open = commands;
  for (let attempt = 0; attempt < ATTEMPTS_MAX && open.length > 0; attempt++) {
    for (const [keyId, key] of await readTaken(ports, open)) existing.set(keyId, key);
    const free = open.filter(({ keyId }) => !existing.has(keyId));
    const keys = await insertAt(ports, free, cause);
    written.push(...keys);
    const taken = new Set(keys.map(({ keyId }) => keyId));
    open = free.filter(({ keyId }) => !taken.has(keyId));
  }
  const [anyExisting] = existing.values();
  // What is told as being there must not be lost in a crash of the store, and its own write may have gone
  // unanswered. A journal is written in order, so one write behind all reads makes what they saw as durable.
  if (anyExisting !== undefined) await confirmKey(ports, anyExisting);
  return new Map([...heldBy([...existing.values()], false), ...heldBy(written, true)]);
}

// Gives the keys that were written.
async function insertAt(
  ports: AppPorts,
  commands: readonly ImportCommand[],
  cause: Cause,
): Promise<readonly KeyRecord[]> {
  if (commands.length === 0) return [];
  // Before the insert, as in Create: a principal raised from here on ends these keys too.
  const principals = await readPrincipals(ports, commands);
  const keys = commands.map((command) => newKey(ports, command, cause.caller, principals));
  // Counted before the insert: more than there are when another import is at the same records.
  const event = importEvent(keys.length, cause, { now: ports.clock(), randomBytes: ports.randomBytes });
  const areWritten = await ports.store.keys.insertBatch(keys, event);
  return keys.filter((_, index) => areWritten[index]);
}

function newKey(
  ports: AppPorts,
  { keyId, fields, imported }: ImportCommand,
  callerId: string,
  principals: Principals,
): KeyRecord {
  const now = ports.clock();
  return {
    keyId,
    prefix: ports.policy.prefixes[fields.type],
    environment: ports.policy.environment,
    ...fields,
    createTime: now,
    createdBy: callerId,
    updateTime: now,
    generations: [{ number: 1, createTime: now, imported }],
    epochs: currentEpochs(fields.owner, principals),
    importFormat: imported.format,
    revision: 1,
  };
}

async function readTaken(
  ports: AppPorts,
  commands: readonly ImportCommand[],
): Promise<ReadonlyMap<string, KeyRecord>> {
  const queue = new BoundedQueue({ runningMax: KEYS_READING_MAX, waitingMax: commands.length });
  const keys = await Promise.all(commands.map(({ keyId }) => queue.run(() => ports.store.keys.read(keyId))));
  return new Map(keys.filter((key) => key !== undefined).map((key) => [key.keyId, key]));
}

async function readPrincipals(ports: AppPorts, commands: readonly ImportCommand[]): Promise<Principals> {
  const ids = [...new Set(commands.flatMap(({ fields }) => principalIdsOf(fields.owner)))];
  const found = new Map<string, PrincipalRecord>();
  for (let start = 0; start < ids.length; start += PRINCIPALS_READING_MAX) {
    // Not readMany, which may miss the last raise: the keys would be dead from the start.
    const some = await ports.store.principals.read(ids.slice(start, start + PRINCIPALS_READING_MAX));
    for (const [principalId, principal] of some) found.set(principalId, principal);
  }
  return found;
}

function* heldBy(keys: readonly KeyRecord[], isNew: boolean) {
  for (const key of keys) yield [key.keyId, { key, isNew }] as const;
}
