// What goes wrong while the load runs, from a seed: each node has two lines of faults, one of its processes
// and one of its way to the store, that go on at the same time and know nothing of each other.
import { setTimeout as pause } from "node:timers/promises";
import type { Fault } from "../history/history.ts";
import type { FleetNode } from "./fleet.ts";
import { Random } from "./random.ts";

/** `pause one`: a single process of the node, the others go on. */
const PROCESS_FAULTS = ["pause", "pause", "pause one", "kill"] as const;
const STORE_FAULTS = ["cut", "stall", "lag", "lag", "lag and cut", "lag and cut"] as const;
type FaultKind = (typeof PROCESS_FAULTS)[number] | (typeof STORE_FAULTS)[number];

/**
 * What the nodes begin with, so that no run is without these: first every way to the store, long enough that
 * the node gives up, and then the processes, so that the one does not hide the other.
 */
const FIRST_STORE_FAULTS = {
  kinds: ["cut", "lag and cut", "lag"],
  gapMs: [300, 1_000],
  forMs: [2_800, 3_500],
} as const;
const FIRST_PROCESS_FAULTS = {
  kinds: ["pause", "kill", "pause one"],
  gapMs: [3_500, 6_000],
  forMs: [2_500, 5_000],
} as const;

/** Before each later fault, and how long it lasts. */
const GAP_MS = [1_500, 5_000] as const;
const FAULT_MS = [300, 5_000] as const;
/**
 * How late answers are on a slow connection; the others are on time, so that what was asked later is often
 * answered sooner. A change takes several of them in a row.
 */
const LAG_MS = [400, 1_500] as const;
const SLOW_SHARE = 0.5;
/** Late answers before a cut, so that it finds changes in the middle of their steps. */
const LAG_BEFORE_CUT_MS = [200, 800] as const;

interface PlannedFault {
  readonly gapMs: number;
  readonly kind: FaultKind;
  readonly forMs: number;
}

interface Line {
  readonly node: FleetNode;
  readonly random: Random;
  readonly plan: Iterable<PlannedFault>;
}

/** Troubles all nodes until the signal; then resolves when all is well again. */
export async function runNemesis(
  nodes: readonly FleetNode[],
  { seed, faults, signal }: { readonly seed: number; readonly faults: Fault[]; readonly signal: AbortSignal },
): Promise<void> {
  const lines = nodes.flatMap((node): readonly Line[] => {
    const random = (line: string) => new Random(seed, `${line} faults of node ${node.index}`);
    const ofProcess = random("process");
    const ofStore = random("store");
    return [
      { node, random: ofProcess, plan: planOf(node, ofProcess, PROCESS_FAULTS, FIRST_PROCESS_FAULTS) },
      { node, random: ofStore, plan: planOf(node, ofStore, STORE_FAULTS, FIRST_STORE_FAULTS) },
    ];
  });
  await Promise.all(lines.map((line) => runLine(line, faults, signal)));
}

// Without an end.
function* planOf(
  { index }: FleetNode,
  random: Random,
  kinds: readonly [FaultKind, ...FaultKind[]],
  first: typeof FIRST_STORE_FAULTS | typeof FIRST_PROCESS_FAULTS,
): Generator<PlannedFault> {
  const [gapMsMin, gapMsMax] = first.gapMs;
  const [forMsMin, forMsMax] = first.forMs;
  yield {
    gapMs: random.between(gapMsMin, gapMsMax),
    kind: first.kinds[index] ?? random.pick(kinds),
    forMs: random.between(forMsMin, forMsMax),
  };
  for (;;) {
    yield { gapMs: random.between(...GAP_MS), kind: random.pick(kinds), forMs: random.between(...FAULT_MS) };
  }
}

async function runLine({ node, random, plan }: Line, faults: Fault[], signal: AbortSignal): Promise<void> {
  const wait = (ms: number) => pause(ms, undefined, { signal }).catch(() => {});
  for (const fault of plan) {
    await wait(fault.gapMs);
    if (signal.aborted) return;
    // One that starts has to come up some time.
    if (node.reach === undefined) continue;
    const from = performance.now();
    await commit(node, fault, random, wait);
    faults.push({ node: node.index, kind: fault.kind, from, to: performance.now() });
  }
}

async function commit(
  node: FleetNode,
  { kind, forMs }: PlannedFault,
  random: Random,
  wait: (ms: number) => Promise<void>,
): Promise<void> {
  const { proxy, lagProxy } = node;
  const drawLag = () => (random.chance(SLOW_SHARE) ? random.between(...LAG_MS) : 0);
  switch (kind) {
    case "pause":
    case "pause one": {
      const goOn = node.stop(kind === "pause" ? undefined : random.fraction());
      await wait(forMs);
      return goOn();
    }
    case "kill":
      await node.kill();
      return node.restart();
    case "cut":
      proxy.cut();
      await wait(forMs);
      return proxy.heal();
    case "stall":
      proxy.stall();
      await wait(forMs);
      return proxy.heal();
    case "lag":
      lagProxy.lag(drawLag);
      await wait(forMs);
      return lagProxy.lag(undefined);
    case "lag and cut":
      lagProxy.lag(drawLag);
      await wait(random.between(...LAG_BEFORE_CUT_MS));
      proxy.cut();
      lagProxy.lag(undefined);
      await wait(forMs);
      return proxy.heal();
    default:
      return kind satisfies never;
  }
}
