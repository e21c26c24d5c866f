// Three nodes on one MongoDB go through a storm of changes, checks and faults, and what their clients saw is
// kept as a history. What it is held against is the test's.
import { setTimeout as pause } from "node:timers/promises";
import type { Processes, Settings } from "../process.ts";
import type { TcpProxy } from "../tcp-proxy.ts";
import { FleetNode } from "./fleet/fleet.ts";
import { type Violation, violationsIn } from "./history/check-history.ts";
import { type History, newRecording } from "./history/history.ts";
import { Board } from "./load/board.ts";
import { askAll, awaitRecovery, type PhaseOptions, probeEnds, runStorm } from "./load/phases.ts";
import { type Plant, plantedStart } from "./plants/planted-bug.ts";

/** FLEETKEY_LEASE, by default: after it no node calls an ended key valid. */
export const BOUND_MS = 2_000;
/** FLEETKEY_POLL_INTERVAL, by default. */
export const POLL_MS = 200;

const NODES = 3;
/** How often a storm that is over at the first violation is looked at. */
const LOOK_MS = 1_000;

/** What a test lends to the run and clears away afterwards. */
export interface Surroundings {
  readonly processes: Processes;
  readonly settings: Settings;
  /** A new proxy in front of the database of the settings. */
  readonly storeProxy: () => Promise<{ readonly proxy: TcpProxy; readonly uri: string }>;
}

export interface RunOptions {
  readonly seed: number;
  readonly stormMs: number;
  /** How many ends are probed in quiet. */
  readonly probes: number;
}

/** A whole run of the program as it is. */
export async function runScenario(surroundings: Surroundings, options: RunOptions): Promise<History> {
  const { seed, stormMs, probes } = options;
  return withFleet(surroundings, undefined, async (nodes, board) => {
    const phase: PhaseOptions = { nodes, board, seed };
    await runStorm(phase, AbortSignal.timeout(stormMs));
    for (const node of nodes) node.assertAlive();
    await awaitRecovery(phase);
    await probeEnds(phase, probes);
    await askAll(phase);
    return board.recording;
  });
}

/** A storm over the program with a bug, up to the first violation. */
export async function findPlantedBug(
  surroundings: Surroundings,
  plant: Plant,
  { seed, stormMs }: Omit<RunOptions, "probes">,
): Promise<readonly Violation[]> {
  const boundMs = plant.leaseMs ?? BOUND_MS;
  return withFleet(surroundings, plant, async (nodes, board) => {
    const found = new AbortController();
    const until = performance.now() + stormMs;
    const look = async () => {
      while (performance.now() < until && violationsIn(board.recording, boundMs).length === 0) {
        await pause(LOOK_MS);
      }
      found.abort();
    };
    await Promise.all([look(), runStorm({ nodes, board, seed }, found.signal)]);
    return violationsIn(board.recording, boundMs);
  });
}

async function withFleet<Result>(
  { processes, settings, storeProxy }: Surroundings,
  plant: Plant | undefined,
  body: (nodes: readonly FleetNode[], board: Board) => Promise<Result>,
): Promise<Result> {
  const { settings: plantSettings, ...start } = plantedStart(plant);
  const starting = Array.from({ length: NODES }, async (_, index) =>
    FleetNode.start({
      index,
      processes,
      settings: { ...settings, ...plantSettings },
      store: await storeProxy(),
      ...start,
    }),
  );
  const nodes = await Promise.all(starting);
  try {
    return await body(nodes, new Board(newRecording(NODES), plant?.leaseMs ?? BOUND_MS));
  } finally {
    for (const node of nodes) node.close();
  }
}
