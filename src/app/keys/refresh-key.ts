// Refresh: a new secret under the same key_id. The former one ends at once or after a grace.
import { assertMayGrant, assertMayTouch } from "../../access/authority.ts";
import type { Caller } from "../../access/caller.ts";
import { lookupOf, requestKeyOf } from "../../domain/api-key/key-id.ts";
import { keyEvent } from "../../domain/audit/event.ts";
import { FleetkeyError, keyNotFound } from "../../domain/errors.ts";
import { etagOf, newestGeneration } from "../../domain/key.ts";
import { GRACE_MS_MAX, isRepeatedRefresh, refreshKey as nextGeneration } from "../../domain/key-changes.ts";
import { stateOf } from "../../domain/lifecycle.ts";
import type { KeyView } from "../../domain/verdict.ts";
import { checkTarget, ETAG_BYTES_MAX, REQUEST_ID_BYTES_MAX, type TargetInput } from "../input/key-fields.ts";
import { Violations } from "../input/violations.ts";
import type { AppPorts } from "../ports.ts";
import { issueSecret } from "../secret/issue-secret.ts";
import { changeKey, etagMismatch, keyIs } from "../target/change-key.ts";
import { type FoundTarget, findTarget } from "../target/find-target.ts";
import { readView } from "../target/read-view.ts";

/** As it comes from a transport: texts are empty when left out. */
export interface RefreshKeyInput {
  readonly target: TargetInput;
  /** Milliseconds; NaN when it was not a valid duration. */
  readonly graceMs: number;
  readonly etag: string;
  readonly requestId: string;
}

export interface RefreshKeyResult {
  readonly apiKey: string;
  readonly view: KeyView;
}

export async function refreshKey(
  ports: AppPorts,
  caller: Caller,
  input: RefreshKeyInput,
): Promise<RefreshKeyResult> {
  const command = checkRefresh(input);
  const found = await findTarget(ports, caller, command.target);
  const view = found.presented?.view ?? (await readView(ports, caller.bounds, found.keyId));
  if (view === undefined) throw keyNotFound();
  // Judged before the slow hash, so that a refusal costs none; and again with each attempt to write.
  assertRefreshable(ports, caller, found, view);
  const requestKey =
    command.requestId === undefined ? undefined : requestKeyOf(found.callerId, command.requestId);
  const { apiKey, digests } = await issueSecret(ports, view.key.prefix, lookupOf(found.keyId) ?? "");
  const changed = await changeKey(ports, caller.bounds, found.keyId, (current) => {
    assertRefreshable(ports, caller, found, current);
    const isRepeated = isRepeatedRefresh(current.key, requestKey);
    // A repetition hands in the etag of before its first run, which that run has changed.
    if (command.etag !== undefined && !isRepeated && command.etag !== etagOf(current.key))
      throw etagMismatch();
    const now = ports.clock();
    const next = nextGeneration(current.key, digests, { now, graceMs: command.graceMs, requestKey });
    const cause = { caller: found.callerId, address: caller.address, requestId: command.requestId };
    const change = { before: current.key, after: next };
    return { next, event: keyEvent("key_refreshed", change, cause, { now, randomBytes: ports.randomBytes }) };
  });
  return { apiKey, view: changed };
}

function checkRefresh(input: RefreshKeyInput) {
  const violations = new Violations();
  const target = checkTarget(violations, input.target);
  if (!(input.graceMs >= 0 && input.graceMs <= GRACE_MS_MAX))
    violations.add("grace", "must be from 0 to 7 days");
  const etag = violations.text("etag", input.etag, { bytesMax: ETAG_BYTES_MAX });
  const requestId = violations.text("request_id", input.requestId, { bytesMax: REQUEST_ID_BYTES_MAX });
  violations.throwIfAny();
  if (target === undefined) throw new TypeError("a missing target is a violation");
  return { target, graceMs: input.graceMs, etag, requestId };
}

// A dead key stays dead. By possession only a key that verifies, and only by its newest secret: whoever found
// an old one must not be able to take the key over within its grace.
function assertRefreshable(ports: AppPorts, caller: Caller, found: FoundTarget, view: KeyView): void {
  if (caller.id !== undefined) {
    assertMayTouch(caller, view.key);
    // Its new secret goes to the caller, who must not become more by it.
    assertMayGrant(caller, view.key, ports.policy.roles);
  }
  const state = stateOf(view, ports.clock());
  const isByPossession = caller.id === undefined;
  if (state === "revoked" || state === "expired" || (isByPossession && state !== "active")) {
    throw keyIs(state);
  }
  if (isByPossession && found.presented?.generation.number !== newestGeneration(view.key).number) {
    throw new FleetkeyError("failed_precondition", "the api_key is not the newest of its key", {
      reason: "SECRET_SUPERSEDED",
    });
  }
}
