// Runs one row: starts its servers, probes each, lets all of them take turns in every round, probes each
// again.
import { applyLoad, type LoadResult } from "../calls/apply-load.ts";
import { probe } from "../calls/probe.ts";
import type { Line, Row } from "../row.ts";
import { median, WrongAnswer } from "../row.ts";
import type { World } from "../world.ts";
import { type Contender, enlist, type Lineup } from "./lineup.ts";
import { measureMemory } from "./memory.ts";
import { peakRate } from "./peak.ts";

/** After the probe, before the first round: code that runs often is compiled by then. */
const WARM_UP_S = { quick: 2, full: 4 };
/** Of each round, before it counts. */
const ROUND_WARM_UP_MS = 500;
/** At a fixed rate: the generator is a new process, and what it compiles shows in the times. */
const PACED_WARM_UP_MS = 2_000;
/** Servers that were used by many keys write that down, within this time. */
const SETTLE_MS = 1_200;
/** A second load goes on for so much longer than what it stands beside. */
const BESIDE_MS = 700;

/** A server that has less to do waits for its disk, or for a load generator that cannot keep up. */
const BUSY_SHARE_MIN = 0.9;

/** Lines of the rows before are asked for the peak that a latency row goes by. */
export async function runRow(world: World, row: Row, earlier: readonly Line[]): Promise<readonly Line[]> {
  if (row.kind === "memory") return measureMemory(world, row);
  const lineup = await enlist(world, row);
  try {
    const rate = row.kind === "latency" ? (await peakRate(world, row, earlier)) / 2 : undefined;
    const warmUpS = row.kind === "rate" ? row.warmUpS : undefined;
    for (const contender of lineup.contenders) {
      await named(row, contender, () => warmUp(world, contender, warmUpS));
    }
    const results = await runRounds(world, row, lineup, rate);
    for (const contender of lineup.contenders) await named(row, contender, () => probe(contender.probe));
    const measured = row.kind === "latency" ? latencyLines(row, results, rate) : rateLines(row, results);
    return [...measured, ...lineup.missing];
  } finally {
    await lineup.stop();
  }
}

// Says which server has answered wrongly.
async function named<Result>(
  { name }: Row,
  { entry }: Contender,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new WrongAnswer(`${name}, ${entry.label}: ${(error as Error).message}`, { cause: error });
  }
}

type Results = ReadonlyMap<Contender, readonly LoadResult[]>;

// As fast as it goes, also where the rounds have a rate: code is compiled by how often it has run.
async function warmUp(world: World, contender: Contender, warmUpS: number | undefined): Promise<void> {
  const seconds = world.isQuick ? WARM_UP_S.quick : (warmUpS ?? WARM_UP_S.full);
  const time = { warmUpMs: 0, durationMs: seconds * 1_000, start: contender.next };
  contender.next += (await applyLoad(world, contender.applied, time)).calls;
}

async function runRounds(
  world: World,
  row: Row,
  { contenders }: Lineup,
  rate: number | undefined,
): Promise<Results> {
  const results = new Map<Contender, LoadResult[]>(contenders.map((contender) => [contender, []]));
  for (let round = 1; round <= world.rounds; round++) {
    world.tell(`${row.name}: round ${round} of ${world.rounds}`);
    for (const contender of contenders) {
      const result = await named(row, contender, () => runRound(world, contender, rate));
      results.get(contender)?.push(result);
      if (contender.usesManyKeys) await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
  }
  return results;
}

async function runRound(world: World, contender: Contender, rate: number | undefined): Promise<LoadResult> {
  const warmUpMs = rate === undefined ? ROUND_WARM_UP_MS : PACED_WARM_UP_MS;
  const time = { warmUpMs, durationMs: world.roundMs, start: contender.next, rate };
  const { beside } = contender;
  const besideTime = {
    warmUpMs: ROUND_WARM_UP_MS,
    durationMs: world.roundMs + BESIDE_MS,
    start: contender.besideNext,
  };
  const busyBeforeMs = contender.server.busyMs();
  const [result, second] = await Promise.all([
    applyLoad(world, contender.applied, time),
    beside && applyLoad(world, beside, besideTime),
  ]);
  const busyMs = contender.server.busyMs() - busyBeforeMs;
  contender.busyShares.push(busyMs / (warmUpMs + (beside === undefined ? 0 : BESIDE_MS) + world.roundMs));
  contender.next += result.calls;
  contender.besideNext += second?.calls ?? 0;
  if (second !== undefined) contender.besideRates.push(second.perSecond);
  return result;
}

function rateLines(row: Row, results: Results): readonly Line[] {
  const unit = row.kind === "rate" ? row.unit : "";
  const medians = new Map<string, number>();
  for (const [{ entry }, rounds] of results) {
    medians.set(entry.label, median(rounds.map(({ perSecond }) => perSecond)));
  }
  return [...results].map(([contender, rounds]) => {
    const { label, against = [] } = contender.entry;
    const mine = medians.get(label) ?? Number.NaN;
    return {
      row: row.name,
      label,
      unit,
      rounds: rounds.map(({ perSecond }) => perSecond),
      ratios: against.flatMap((to) => {
        const other = medians.get(to);
        return other === undefined ? [] : [{ to, ratio: mine / other }];
      }),
      generator: rounds[0]?.generator,
      note: notesOf(row, contender),
    };
  });
}

function notesOf(row: Row, contender: Contender): string | undefined {
  const { server, residentBefore, besideRates, busyShares, note } = contender;
  const notes = note === undefined ? [] : [note];
  const busyShare = median(busyShares);
  if (busyShare < BUSY_SHARE_MIN)
    notes.push(`the server was busy ${Math.round(busyShare * 100)} % of the time`);
  if (besideRates.length > 0) notes.push(`the storm: ${Math.round(median(besideRates))}/s`);
  if (row.kind === "rate" && row.showsMemory) {
    const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
    notes.push(`RSS ${mebibytes(residentBefore)} → ${mebibytes(server.residentBytes())} MiB`);
  }
  return notes.length === 0 ? undefined : notes.join("; ");
}

function latencyLines(row: Row, results: Results, rate = 0): readonly Line[] {
  return [...results].flatMap(([{ entry }, rounds]) =>
    (["p50", "p99", "p999"] as const).map((name) => ({
      row: row.name,
      label: `${entry.label}, ${name.replace("p999", "p99.9")}`,
      unit: "ms",
      rounds: rounds.map(({ latencyMs }) => latencyMs?.[name] ?? Number.NaN),
      ratios: [],
      generator: rounds[0]?.generator,
      note: `at ${Math.round(rate)}/s`,
    })),
  );
}
