// Changes through any node, tried again until one has answered: what was not answered may be done or not,
// and only an answer is a promise.
import { setTimeout as pause } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { FleetNode, Reach } from "../fleet/fleet.ts";
import type { Random } from "../fleet/random.ts";
import { failureOf } from "./verify.ts";

/** Some give up soon and try again elsewhere; some wait for an answer that comes late. */
const TIMEOUT_MS = [300, 1_500] as const;
const PATIENCE_MS = 6_000;
const PATIENT_SHARE = 0.3;
const PAUSE_MS = [0, 200] as const;

/** One run of a change, on one node. */
export type Attempt<Answer> = (reach: Reach, options: { readonly signal: AbortSignal }) => Promise<Answer>;

export interface Answered<Answer> {
  readonly answer: Answer;
  readonly node: number;
  /** Of the first attempt. */
  readonly sentAt: number;
  readonly answeredAt: number;
  /** Attempts before it that were sent and not answered: each can still be done, at any time. */
  readonly unanswered: number;
}

/**
 * What the service refuses for good: another change of the load came first, or (by possession) an attempt
 * that nobody waited for any more has replaced the secret.
 */
const REFUSED = new Set([Code.FailedPrecondition, Code.NotFound, Code.Unauthenticated]);

/** Resolves with undefined when the change was refused; rejects with whatever should never be answered. */
export async function changeUntilAnswered<Answer>(
  nodes: readonly FleetNode[],
  random: Random,
  attempt: Attempt<Answer>,
): Promise<Answered<Answer> | undefined> {
  const sentAt = performance.now();
  for (let unanswered = 0; ; ) {
    const node = random.pick(nodes.filter(({ reach }) => reach !== undefined));
    const timeoutMs = random.chance(PATIENT_SHARE) ? PATIENCE_MS : random.between(...TIMEOUT_MS);
    if (node?.reach !== undefined) {
      try {
        const answer = await attempt(node.reach, { signal: AbortSignal.timeout(timeoutMs) });
        return { answer, node: node.index, sentAt, answeredAt: performance.now(), unanswered };
      } catch (thrown) {
        const { code } = ConnectError.from(thrown);
        if (REFUSED.has(code)) return undefined;
        if (failureOf(thrown) === "failed" && code !== Code.Aborted) throw thrown;
        unanswered += 1;
      }
    }
    await pause(random.between(...PAUSE_MS));
  }
}
