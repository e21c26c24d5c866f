// Verify and BatchVerify: parse, read, compare, evaluate. Everything that they can say about a key is a
// value.
import type { Caller } from "../../access/caller.ts";
import { invalidArgument } from "../../domain/errors.ts";
import { isAddress } from "../../domain/grant/address.ts";
import { lackedScopes } from "../../domain/grant/scope.ts";
import { KEY_TYPES, type KeyType } from "../../domain/key-type.ts";
import { evaluate } from "../../domain/lifecycle.ts";
import { denied, type KeyView, type Verdict } from "../../domain/verdict.ts";
import { BoundedQueue } from "../../lib/bounded-queue.ts";
import { checkScopes } from "../input/grant-fields.ts";
import { Violations } from "../input/violations.ts";
import type { TakenUse } from "../limits/key-limits.ts";
import type { AppPorts } from "../ports.ts";
import { type Found, findByApiKey } from "../secret/find-by-api-key.ts";

/** How many requests one call may hold. */
export const BATCH_MAX = 1_000;
/** How many of them read the store at a time, so that one call does not take all of its connections. */
const RUNNING_MAX = 16;

/** As it comes from a transport. */
export interface VerifyKeyInput {
  readonly apiKey: string;
  readonly expectedType: string | undefined;
  readonly requiredScopes: readonly string[];
  /** Empty when it is not known. */
  readonly clientAddress: string;
  /** Empty when it is not known. */
  readonly userAgent: string;
}

/** A request that was found to be one. */
export interface VerifyDemand extends VerifyKeyInput {
  readonly expectedType: KeyType | undefined;
}

/** Throws `invalid_argument` with all that is wrong. */
export function checkVerify(input: VerifyKeyInput): VerifyDemand {
  const violations = new Violations();
  const expectedType = violations.oneOf("expected_type", input.expectedType, KEY_TYPES);
  checkScopes(violations, "required_scopes", input.requiredScopes);
  const { clientAddress } = input;
  if (clientAddress !== "" && !isAddress(clientAddress))
    violations.add("client_address", "must be an IP address");
  violations.throwIfAny();
  return { ...input, expectedType };
}

/** Rejects with `unavailable` when the truth cannot be had; it never guesses. */
export async function verifyKey(ports: AppPorts, caller: Caller, input: VerifyKeyInput): Promise<Verdict> {
  return judgeKey(ports, caller, checkVerify(input));
}

/** The same for a request that was checked; at once, when what is held in memory is enough. */
export function judgeKey(
  ports: AppPorts,
  { bounds }: Caller,
  demand: VerifyDemand,
): Verdict | Promise<Verdict> {
  const found = findByApiKey(ports, ports.views, bounds, demand.apiKey);
  return found instanceof Promise
    ? found.then((read) => judgeFound(ports, demand, read))
    : judgeFound(ports, demand, found);
}

function judgeFound(ports: AppPorts, demand: VerifyDemand, found: Found): Verdict | Promise<Verdict> {
  if (found === "malformed" || found === "unknown") return denied(found);
  const { view } = found;
  const { roles } = ports.policy;
  const now = ports.clock();
  const reason = evaluate(view, demand, now, roles);
  if (reason === "insufficient_scope") {
    const missingScopes = lackedScopes(view.key, demand.requiredScopes, roles);
    return { valid: false, reason, view, missingScopes };
  }
  if (reason !== undefined) return denied(reason, view);
  // Last, since it counts: what something else refuses is no use of the key.
  const taken = ports.limits.take(view.key, now);
  return taken instanceof Promise
    ? taken.then((use) => judgeUse(ports, demand, view, use, now))
    : judgeUse(ports, demand, view, taken, now);
}

function judgeUse(
  ports: AppPorts,
  { clientAddress: address, userAgent }: VerifyDemand,
  view: KeyView,
  { refusal, limits }: TakenUse,
  now: number,
): Verdict {
  if (refusal !== undefined) return { valid: false, reason: refusal, view, limits };
  ports.uses.record({ keyId: view.key.keyId, time: now, address, userAgent });
  return { valid: true, view, limits };
}

/** What became of one request; a failure is whatever its Verify threw, for the transport to map. */
export type BatchOutcome = { readonly verdict: Verdict } | { readonly failure: Error };

/** Each request with its own outcome, in their order: one that cannot be judged fails alone. */
export async function verifyKeys(
  ports: AppPorts,
  caller: Caller,
  inputs: readonly VerifyKeyInput[],
): Promise<readonly BatchOutcome[]> {
  if (inputs.length > BATCH_MAX) {
    throw invalidArgument([{ field: "requests", description: `must be at most ${BATCH_MAX}` }]);
  }
  const queue = new BoundedQueue({ runningMax: RUNNING_MAX, waitingMax: BATCH_MAX });
  const verify = (input: VerifyKeyInput): Promise<BatchOutcome> =>
    queue
      .run(() => verifyKey(ports, caller, input))
      .then(
        (verdict) => ({ verdict }),
        (failure: Error) => ({ failure }),
      );
  return Promise.all(inputs.map(verify));
}
