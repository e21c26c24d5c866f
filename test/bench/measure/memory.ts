// How much memory each remembered key takes: what a server holds with many keys and with three times as many,
// by the system's count and by the heap's.
import { applyLoad } from "../calls/apply-load.ts";
import { type Line, type Load, type MemoryRow, WrongAnswer } from "../row.ts";
import { hasCache, startFleetkey } from "../servers/fleetkey.ts";
import type { ServerProcess } from "../servers/processes.ts";
import type { World } from "../world.ts";
import { prepare } from "./lineup.ts";

const HEAP_REPORT = new URL("heap-report.ts", import.meta.url).href;

interface Held {
  readonly resident: number;
  readonly heap: number;
}

export async function measureMemory(world: World, row: MemoryRow): Promise<readonly Line[]> {
  const [entry] = row.entries;
  if (entry?.server.kind !== "fleetkey") throw new Error("the memory row is about Fleetkey");
  const { label, load } = entry;
  const line = (unit: string, rounds: readonly number[], note: string): Line => ({
    ...{ row: row.name, label, unit, rounds, note },
    ...{ ratios: [], generator: "own" },
  });
  if (!hasCache) return [line("", [], "not measured: this Fleetkey has no cache")];
  const { keys } = row;
  const spec = { ...entry.server, cacheKeys: keys * 3 };
  const nodeArgs = ["--expose-gc", "--import", HEAP_REPORT];
  const { process: server, sidecarUrl } = await startFleetkey(world, spec, { nodeArgs, usesManyKeys: true });
  try {
    const held = await fill(world, { load, server, url: sidecarUrl, keys });
    return linesOf(held, keys, line);
  } finally {
    await server.stop();
  }
}

// Before, with so many keys, and with three times as many.
async function fill(
  world: World,
  { load, server, url, keys }: { load: Load; server: ServerProcess; url: string; keys: number },
): Promise<readonly Held[]> {
  const { applied } = await prepare(world, load, { url }, "many");
  if (world.count("many") < keys * 3) throw new WrongAnswer("there are not enough keys");
  const held = [await look(server)];
  for (const [start, callsMax] of [[0, keys] as const, [keys, keys * 2] as const]) {
    world.tell(`memory: ${callsMax} keys`);
    await applyLoad(world, applied, { warmUpMs: 0, durationMs: 0, start, callsMax });
    held.push(await look(server));
  }
  return held;
}

// The system's count first: as it is, garbage and all.
async function look(server: ServerProcess): Promise<Held> {
  const resident = server.residentBytes();
  server.clearOutput();
  server.signal("SIGUSR2");
  const [, heap] = await server.printed(/heap used (\d+)\n/);
  return { resident, heap: Number(heap) };
}

function linesOf(
  held: readonly Held[],
  keys: number,
  line: (unit: string, rounds: readonly number[], note: string) => Line,
): readonly Line[] {
  const [before, once, thrice] = held;
  if (before === undefined || once === undefined || thrice === undefined) return [];
  const note = (of: keyof Held) => {
    const mebibytes = held.map((one) => Math.round(one[of] / 2 ** 20)).join(" → ");
    return `${mebibytes} MiB with 0, ${keys} and ${keys * 3} keys`;
  };
  const each = (of: keyof Held) => [(thrice[of] - once[of]) / (keys * 2)];
  return [
    line("bytes of RSS a key", each("resident"), note("resident")),
    line("bytes of heap a key", each("heap"), `after a collection; ${note("heap")}`),
  ];
}
