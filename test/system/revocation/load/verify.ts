// Asks Verify and records what it said, and when. A node that does not answer in time must hold up nobody.
import { Code, ConnectError } from "@connectrpc/connect";
import { DenialReason } from "../../../../gen/fleetkey/v1/key_pb.js";
import { ErrorInfoSchema } from "../../../../gen/google/rpc/error_details_pb.js";
import type { FleetNode, Reach } from "../fleet/fleet.ts";
import type { Outcome, VerifyRecord } from "../history/history.ts";
import type { Board, HeldSecret } from "./board.ts";

/** Undefined when the node is down: nothing is asked then. */
export async function verifyOn(
  node: FleetNode,
  { keyId, secret, apiKey }: HeldSecret,
  board: Board,
  timeoutMs: number,
): Promise<VerifyRecord | undefined> {
  const { reach } = node;
  if (reach === undefined) return undefined;
  const sentAt = performance.now();
  const said = await outcomeOf(reach, apiKey, timeoutMs);
  const record = { node: node.index, keyId, secret, sentAt, answeredAt: performance.now(), ...said };
  board.recording.verifies.push(record);
  return record;
}

async function outcomeOf(
  { keys }: Reach,
  apiKey: string,
  timeoutMs: number,
): Promise<{ readonly outcome: Outcome; readonly reason?: string }> {
  try {
    const { valid, denialReason } = await keys.verify({ apiKey }, { signal: AbortSignal.timeout(timeoutMs) });
    return valid ? { outcome: "valid" } : { outcome: "refused", reason: DenialReason[denialReason] };
  } catch (thrown) {
    return { outcome: failureOf(thrown), reason: Code[ConnectError.from(thrown).code] };
  }
}

/** What an error means. The service's own carry an ErrorInfo; without one the call did not get through. */
export function failureOf(thrown: unknown): "unavailable" | "unanswered" | "failed" {
  if (!(thrown instanceof ConnectError)) throw thrown;
  if (thrown.findDetails(ErrorInfoSchema).length === 0) return "unanswered";
  return thrown.code === Code.Unavailable ? "unavailable" : "failed";
}
