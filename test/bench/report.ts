// The figures as a table for people and as JSON for programs, under the machine that they are of.
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { type Line, median } from "./row.ts";
import { isPinning, LOAD_CORE, SERVER_CORE } from "./servers/processes.ts";
import type { World } from "./world.ts";

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly loadGenerator: string;
  readonly pinning: string;
  readonly rounds: string;
  /** What else ran on the machine in the minute before. */
  readonly loadAverage: number;
}

export function describeMachine(world: World): Machine {
  const { h2load } = world.tools;
  return {
    date: new Date(world.startTime).toISOString(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: kernel(),
    node: process.version,
    loadGenerator:
      h2load === undefined
        ? "the bench's own: there is no h2load, so rates of HTTP/1.1 are lower bounds"
        : `${h2load}; the bench's own where requests differ, are messages of a stream, or have a fixed rate`,
    pinning: isPinning
      ? `server on core ${SERVER_CORE}, load on core ${LOAD_CORE}`
      : "none: no taskset, or only one core",
    rounds: `median of ${world.rounds} rounds of ${world.roundMs / 1_000} s, servers in turn`,
    loadAverage: Number(loadavg()[0]?.toFixed(2)),
  };
}

function kernel(): string {
  try {
    return readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
  } catch {
    return "unknown";
  }
}

export function renderTable(machine: Machine, lines: readonly Line[]): string {
  const facts = Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`);
  const rows = lines.map((line) => {
    const cells = [line.row, line.label, figure(line), line.unit, ratios(line), spread(line)];
    return `| ${[...cells, line.generator ?? "", line.note ?? ""].join(" | ")} |`;
  });
  return [
    ...facts,
    "",
    "| row | server | median | unit | ratio | min – max | load | note |",
    "|---|---|---:|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

function figure({ rounds }: Line): string {
  return rounds.length === 0 ? "–" : short(median(rounds));
}

function ratios({ ratios }: Line): string {
  return ratios.map(({ to, ratio }) => `${ratio.toFixed(2)} × ${to}`).join(", ");
}

function spread({ rounds }: Line): string {
  return rounds.length < 2 ? "" : `${short(Math.min(...rounds))} – ${short(Math.max(...rounds))}`;
}

function short(value: number): string {
  return value < 100 ? value.toFixed(2) : Math.round(value).toLocaleString("en-US");
}

export function renderJson(machine: Machine, lines: readonly Line[]): string {
  const figures = lines.map((line) => ({
    ...line,
    median: line.rounds.length === 0 ? null : median(line.rounds),
  }));
  return `${JSON.stringify({ machine, lines: figures }, null, 2)}\n`;
}
