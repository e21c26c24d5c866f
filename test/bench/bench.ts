// The bench: measures Fleetkey beside its peers on one machine, prints a table, and fails when any answer was
// not the one that a row says. `node test/bench/bench.ts [--rows a,b] [--quick] [--json FILE]`.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { runRow } from "./measure/run-row.ts";
import { describeMachine, type Machine, renderJson, renderTable } from "./report.ts";
import type { Line, Row } from "./row.ts";
import { rowsFor } from "./rows.ts";
import { World } from "./world.ts";

const { values: options } = parseArgs({
  options: { rows: { type: "string" }, quick: { type: "boolean", default: false }, json: { type: "string" } },
});

function chosenRows(): readonly Row[] {
  const all = rowsFor(options.quick);
  const names = options.rows?.split(",");
  const unknown = names?.filter((name) => !all.some((row) => row.name === name)) ?? [];
  if (unknown.length > 0) {
    const known = all.map(({ name }) => name).join(", ");
    throw new Error(`there is no row ${unknown.join(", ")}; there are ${known}`);
  }
  return all.filter(({ name }) => names?.includes(name) ?? true);
}

function report(machine: Machine, lines: readonly Line[]): void {
  process.stdout.write(renderTable(machine, lines));
  if (options.json !== undefined) writeFileSync(options.json, renderJson(machine, lines));
}

async function main(): Promise<void> {
  const rows = chosenRows();
  const world = new World(options.quick, (text) => process.stderr.write(`${text}\n`));
  const machine = describeMachine(world);
  const lines: Line[] = [];
  try {
    for (const row of rows) lines.push(...(await runRow(world, row, lines)));
  } finally {
    // What was measured before a row has failed is told, too.
    report(machine, lines);
    await world.close();
  }
}

for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => process.exit(1));
try {
  await main();
  process.exit(0);
} catch (error) {
  process.stderr.write(`\nTHE BENCH HAS FAILED. ${(error as Error).stack}\n`);
  process.exit(1);
}
