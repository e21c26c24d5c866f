// What a run has gone through, in numbers: how fast revocations spread, and whether enough happened for the
// check of its history to mean anything.
import { type History, nameOf, type VerifyRecord } from "./history.ts";
import { secretEndsOf } from "./secret-ends.ts";

/** How often what a run is for has happened. */
export interface Counts {
  /** By node. */
  readonly valid: readonly number[];
  /** Answered, by how. */
  readonly endings: Readonly<Record<string, number>>;
  /** Refused as REVOKED by another node than the one that answered, within the bound. */
  readonly refusedElsewhere: number;
  /** Still valid on another node, within the bound: what a cache may do. */
  readonly validElsewhere: number;
  /** `unavailable` on a node that could not reach the store. */
  readonly unavailableInFaults: number;
  /** By kind. */
  readonly faults: Readonly<Record<string, number>>;
}

/** The least of each; of endings and faults: of each kind that is named. */
export type Minimums = {
  readonly [Name in keyof Counts]?: Counts[Name] extends Readonly<Record<string, number>>
    ? Readonly<Record<string, number>>
    : number;
};

/** Faults during which a node cannot read the store. */
const STORE_FAULTS = new Set(["cut", "stall", "lag and cut"]);

export function countsOf(history: History, boundMs: number): Counts {
  const valid = Array.from({ length: history.nodes }, () => 0);
  const counts = { refusedElsewhere: 0, validElsewhere: 0, unavailableInFaults: 0 };
  const ends = secretEndsOf(history);
  const storeFaults = history.faults.filter(({ kind }) => STORE_FAULTS.has(kind));
  for (const verify of history.verifies) {
    const { node, outcome, sentAt } = verify;
    if (outcome === "valid") valid[node] = (valid[node] ?? 0) + 1;
    const endings = ends.get(nameOf(verify))?.endings ?? [];
    const isElsewhere =
      endings.length > 0 &&
      endings.every(({ answered }) => answered.node !== node) &&
      endings.some(({ answered: { at } }) => sentAt > at && sentAt <= at + boundMs);
    if (isElsewhere && outcome === "valid") counts.validElsewhere += 1;
    if (isElsewhere && verify.reason === "REVOKED") counts.refusedElsewhere += 1;
    if (outcome !== "unavailable") continue;
    const isInFault = storeFaults.some((fault) => fault.node === node && isDuring(verify, fault));
    if (isInFault) counts.unavailableInFaults += 1;
  }
  const answered = history.endings.filter((ending) => ending.answered !== undefined);
  return {
    valid,
    ...counts,
    endings: countBy(answered.map(({ how }) => how)),
    faults: countBy(history.faults.map(({ kind }) => kind)),
  };
}

/** What happened too rarely, as sentences. */
export function shortfallsOf(counts: Counts, minimums: Minimums): readonly string[] {
  const all = Object.entries(minimums).flatMap(([name, least]) => {
    const found = counts[name as keyof Counts];
    if (typeof least !== "number") {
      const kinds = found as Readonly<Record<string, number>>;
      return Object.entries(least).map(
        ([kind, min]) => [`${name} by ${kind}`, kinds[kind] ?? 0, min] as const,
      );
    }
    const numbers = typeof found === "number" ? [found] : Object.values(found);
    return numbers.map((number) => [name, number, least] as const);
  });
  return all.flatMap(([what, found, least]) => (found < least ? [`${what}: ${found} of ${least}`] : []));
}

/**
 * For each probed end and each other node, how long after its answer the node began to refuse for good.
 * Infinity: it never did.
 */
export function propagationsOf(history: History): readonly number[] {
  const verifies = Map.groupBy(history.verifies, nameOf);
  return [...secretEndsOf(history)].flatMap(([name, { endings }]) =>
    endings
      .filter(({ isProbed }) => isProbed)
      .flatMap(({ answered }) => {
        const later = (verifies.get(name) ?? []).filter(({ sentAt }) => sentAt > answered.at);
        const others = Array.from({ length: history.nodes }, (_, node) => node).filter(
          (node) => node !== answered.node,
        );
        return others.map(
          (node) => refusedFrom(later.filter((verify) => verify.node === node)) - answered.at,
        );
      }),
  );
}

function refusedFrom(verifies: readonly VerifyRecord[]): number {
  const inOrder = verifies.toSorted((a, b) => a.sentAt - b.sentAt);
  const lastOther = inOrder.findLastIndex(({ outcome }) => outcome !== "refused");
  return inOrder[lastOther + 1]?.answeredAt ?? Number.POSITIVE_INFINITY;
}

/** The least value that so large a share of them does not exceed. NaN of none. */
export function percentileOf(values: readonly number[], share: number): number {
  const inOrder = values.toSorted((a, b) => a - b);
  return inOrder[Math.max(0, Math.ceil(share * inOrder.length) - 1)] ?? Number.NaN;
}

function isDuring(
  verify: VerifyRecord,
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  return verify.answeredAt >= from && verify.sentAt <= to;
}

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  const groups = Map.groupBy(names, (name) => name);
  return Object.fromEntries([...groups].map(([name, all]) => [name, all.length]));
}
