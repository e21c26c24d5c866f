// Import: a batch of keys that another system issued, each with an outcome of its own. What is there already
// stays as it is, so that an interrupted import is simply run again.
import { assertMayGrant } from "../../access/authority.ts";
import { type Bounds, isWithin } from "../../access/bounds.ts";
import { type Caller, callerIdOf } from "../../access/caller.ts";
import type { Cause } from "../../domain/audit/event.ts";
import { FleetkeyError, invalidArgument } from "../../domain/errors.ts";
import type { KeyRecord } from "../../domain/key.ts";
import { checkImportRecord, type ImportCommand, type ImportRecordInput } from "../input/import-record.ts";
import { REQUEST_ID_BYTES_MAX } from "../input/key-fields.ts";
import { Violations } from "../input/violations.ts";
import type { AppPorts, KeyPolicy } from "../ports.ts";
import { contended } from "../target/change-key.ts";
import { findPlaces, type HeldPlaces, takePlaces } from "../target/import-places.ts";

/** How many records one batch may hold. */
export const IMPORT_BATCH_MAX = 1_000;

/** As it comes from a transport. */
export interface ImportBatchInput {
  readonly records: readonly ImportRecordInput[];
  /** Writes nothing and tells what would become of the records. It knows nothing of other batches. */
  readonly isDryRun: boolean;
  /** Empty when left out. */
  readonly requestId: string;
}

/** What became of a record, or in a dry run would become of it. */
export type ImportOutcome =
  | { readonly kind: "imported"; readonly keyId: string }
  | { readonly kind: "exists"; readonly keyId: string }
  | { readonly kind: "refused"; readonly error: FleetkeyError };

/**
 * An outcome for each record, in their order. Rejects with `invalid_argument` for the batch as a whole and
 * with `unavailable`, after which some of it may have been imported.
 */
export async function importBatch(
  ports: AppPorts,
  caller: Caller,
  batch: ImportBatchInput,
): Promise<readonly ImportOutcome[]> {
  const cause: Cause = {
    caller: callerIdOf(caller),
    address: caller.address,
    requestId: checkBatch(batch),
  };
  const now = ports.clock();
  const checked = batch.records.map((record) => checkRecord(record, caller, ports.policy, now));
  // Of several records for one place the first one takes it, whatever the others say.
  const firsts = new Map<string, ImportCommand>();
  for (const { command } of checked) {
    if (command !== undefined && !firsts.has(command.keyId)) firsts.set(command.keyId, command);
  }
  const commands = [...firsts.values()];
  const held = batch.isDryRun
    ? await findPlaces(ports, commands, cause.caller)
    : await takePlaces(ports, commands, cause);
  return checked.map(({ command, error }) => {
    if (command === undefined) return { kind: "refused", error };
    return outcomeOf(caller.bounds, command, held, firsts.get(command.keyId) === command);
  });
}

function checkBatch({ records, requestId }: ImportBatchInput): string | undefined {
  if (records.length > IMPORT_BATCH_MAX) {
    throw invalidArgument([{ field: "records", description: `must be at most ${IMPORT_BATCH_MAX}` }]);
  }
  const violations = new Violations();
  const checked = violations.text("request_id", requestId, { bytesMax: REQUEST_ID_BYTES_MAX });
  violations.throwIfAny();
  return checked;
}

type CheckedRecord =
  | { readonly command: ImportCommand; readonly error?: undefined }
  | { readonly command?: undefined; readonly error: FleetkeyError };

function checkRecord(
  record: ImportRecordInput,
  caller: Caller,
  policy: KeyPolicy,
  now: number,
): CheckedRecord {
  try {
    const command = checkImportRecord(record, policy, now);
    assertMayGrant(caller, command.fields, policy.roles);
    return { command };
  } catch (error) {
    if (!(error instanceof FleetkeyError)) throw error;
    return { error };
  }
}

function outcomeOf(
  bounds: Bounds,
  command: ImportCommand,
  held: HeldPlaces,
  isFirst: boolean,
): ImportOutcome {
  const { keyId } = command;
  const place = held.get(keyId);
  if (place === undefined) return { kind: "refused", error: contended() };
  if (place.isNew && isFirst) return { kind: "imported", keyId };
  // A key outside keeps the place, whatever its digest is: it is none of the caller's.
  return isWithin(bounds, place.key.owner) && isImportOf(place.key, command)
    ? { kind: "exists", keyId }
    : { kind: "refused", error: conflict(keyId) };
}

// After a Refresh nothing is left of the digest, once its grace is over. The place still is the record's own:
// another digest leads there only by having the same lookup in the same format.
function isImportOf(key: KeyRecord, { imported: { format, algorithm, digest } }: ImportCommand): boolean {
  const digests = key.generations.flatMap(({ imported }) => imported ?? []);
  return (
    digests.length === 0 ||
    digests.some((kept) => kept.format === format && kept.algorithm === algorithm && kept.digest === digest)
  );
}

function conflict(keyId: string): FleetkeyError {
  return new FleetkeyError("already_exists", "another key was imported to the same place", {
    reason: "IMPORT_CONFLICT",
    metadata: { key_id: keyId },
  });
}
