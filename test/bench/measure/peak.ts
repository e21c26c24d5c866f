// The rate that a server gives at most, for rows that put it under a part of that.
import { applyLoad } from "../calls/apply-load.ts";
import { type LatencyRow, type Line, median } from "../row.ts";
import { rowsFor } from "../rows.ts";
import type { World } from "../world.ts";
import { enlist } from "./lineup.ts";

const WARM_UP_MS = 1_000;

/** From the lines of the row that says it; measured here in one round when that was not run. */
export async function peakRate(
  world: World,
  { peakOf }: LatencyRow,
  lines: readonly Line[],
): Promise<number> {
  const line = lines.find(({ row, label }) => row === peakOf.row && label === peakOf.label);
  if (line !== undefined && line.rounds.length > 0) return median(line.rounds);
  const row = rowsFor(world.isQuick).find(({ name }) => name === peakOf.row);
  const entry = row?.entries.find(({ label }) => label === peakOf.label);
  if (row === undefined || entry === undefined) throw new Error(`there is no row ${peakOf.row}`);
  const lineup = await enlist(world, { ...row, entries: [entry] });
  try {
    const [contender] = lineup.contenders;
    if (contender === undefined) throw new Error(`${peakOf.row} cannot be measured`);
    const time = { warmUpMs: WARM_UP_MS, durationMs: world.roundMs };
    return (await applyLoad(world, contender.applied, time)).perSecond;
  } finally {
    await lineup.stop();
  }
}
