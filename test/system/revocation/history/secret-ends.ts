// From issues and endings to when each secret ended: the one reading of "this change ends that secret" that
// checks and measures share.
import { type Ending, type EndingTarget, type History, type Issue, nameOf } from "./history.ts";

/** A secret and what is known of its end. */
export interface SecretEnd {
  readonly issue: Issue;
  /** Answered changes that were sent when the secret had been told: each one alone ends it for sure. */
  readonly endings: readonly AnsweredEnding[];
  /** Nothing that was sent before this can have ended it. Infinity: it lives. */
  readonly mayEndFrom: number;
}

export type AnsweredEnding = Ending & { readonly answered: NonNullable<Ending["answered"]> };

/** By name. */
export function secretEndsOf(history: Pick<History, "issues" | "endings">): ReadonlyMap<string, SecretEnd> {
  const byTarget = Map.groupBy(history.endings, ({ target }) => subjectOf(target));
  return new Map(history.issues.map((issue) => [nameOf(issue), secretEndOf(issue, byTarget)]));
}

function secretEndOf(issue: Issue, byTarget: ReadonlyMap<string, readonly Ending[]>): SecretEnd {
  const subjects = [`key ${issue.keyId}`, ...issue.principals.map((principal) => `principal ${principal}`)];
  const fitting = subjects
    .flatMap((subject) => byTarget.get(subject) ?? [])
    .filter(({ target }) => !("secretsBefore" in target) || issue.secret < (target.secretsBefore ?? 0));
  // What was answered before the secret was asked for found nothing of it to end.
  const possible = fitting.filter(({ answered }) => answered === undefined || answered.at >= issue.sentAt);
  const certain = fitting.filter(isAnswered).filter(({ sentAt }) => sentAt >= issue.answeredAt);
  return {
    issue,
    endings: certain,
    mayEndFrom: Math.min(...possible.map(({ sentAt }) => sentAt), Number.POSITIVE_INFINITY),
  };
}

function isAnswered(ending: Ending): ending is AnsweredEnding {
  return ending.answered !== undefined;
}

function subjectOf(target: EndingTarget): string {
  return "keyId" in target ? `key ${target.keyId}` : `principal ${target.principal}`;
}
