// The promise of revocation, held against a history: pure, and the only judge of a run. Only times of the
// client are compared, in the direction that proves: a Verify reaches its node after it was sent, and a
// change is done before it was answered. So no tolerance is needed.
import { type History, nameOf, type VerifyRecord } from "./history.ts";
import { type AnsweredEnding, type SecretEnd, secretEndsOf } from "./secret-ends.ts";

export type ViolationKind =
  /** Valid on any node, sent later than the bound after an answered end. */
  | "valid past the bound"
  /** Valid on the node that had answered the end before. */
  | "valid where it was ended"
  /** Refused, though nothing that could end it was sent yet. New secrets have the bound to get about. */
  | "refused while it lived"
  /** An error that is not `unavailable`. */
  | "failed"
  /** In the end, on a healed node, an ended secret was not refused, or a live one not valid. */
  | "wrong in the end"
  /** In the end some secret was not asked for on some node. */
  | "not asked in the end";

export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
}

/** Everything wrong in a history, also in one that goes on. */
export function violationsIn(history: History, boundMs: number): readonly Violation[] {
  const ends = secretEndsOf(history);
  return history.verifies.flatMap((verify) => {
    const violation = violationOf(verify, ends.get(nameOf(verify)), boundMs);
    return violation === undefined ? [] : [violation];
  });
}

/** What is wrong with the last answers, once there will be no more. */
export function finalViolationsIn(history: History): readonly Violation[] {
  const finals = new Map(history.finals.map((verify) => [`${nameOf(verify)}@${verify.node}`, verify]));
  const violations: Violation[] = [];
  for (const [name, end] of secretEndsOf(history)) {
    for (let node = 0; node < history.nodes; node++) {
      const final = finals.get(`${name}@${node}`);
      if (final === undefined) violations.push({ kind: "not asked in the end", text: `${name}@${node}` });
      else if (!isRightInTheEnd(final, end)) {
        const isWhat = end.endings.length > 0 ? "ended" : "live";
        violations.push({ kind: "wrong in the end", text: `${isWhat} ${describeVerify(final)}` });
      }
    }
  }
  return violations;
}

function violationOf(
  verify: VerifyRecord,
  end: SecretEnd | undefined,
  boundMs: number,
): Violation | undefined {
  const { outcome, sentAt, node } = verify;
  const violation = (kind: ViolationKind, ending?: AnsweredEnding): Violation => ({
    kind,
    text: describeVerify(verify) + (ending === undefined ? "" : `, ${describeEnding(ending, verify)}`),
  });
  if (end === undefined) throw new TypeError(`${nameOf(verify)} was verified and never issued`);
  if (outcome === "failed") return violation("failed");
  if (outcome === "valid") {
    const here = end.endings.find(({ answered }) => answered.node === node && sentAt > answered.at);
    if (here !== undefined) return violation("valid where it was ended", here);
    const past = end.endings.find(({ answered }) => sentAt > answered.at + boundMs);
    return past && violation("valid past the bound", past);
  }
  const isNew = sentAt <= end.issue.answeredAt + boundMs;
  if (outcome === "refused" && !isNew && verify.answeredAt < end.mayEndFrom) {
    return violation("refused while it lived");
  }
  return undefined;
}

function isRightInTheEnd({ outcome }: VerifyRecord, { endings, mayEndFrom }: SecretEnd): boolean {
  if (endings.length > 0) return outcome === "refused";
  return outcome === "valid" || (outcome === "refused" && mayEndFrom < Number.POSITIVE_INFINITY);
}

function describeVerify(verify: VerifyRecord): string {
  const { node, outcome, reason, sentAt, answeredAt } = verify;
  const what = reason === undefined ? outcome : `${outcome} (${reason})`;
  const duration = `${sentAt.toFixed(0)}..${answeredAt.toFixed(0)} ms`;
  return `${nameOf(verify)} was ${what} on node ${node} at ${duration}`;
}

function describeEnding({ how, answered }: AnsweredEnding, { sentAt }: VerifyRecord): string {
  return `sent ${(sentAt - answered.at).toFixed(0)} ms after ${how} was answered by node ${answered.node}`;
}
