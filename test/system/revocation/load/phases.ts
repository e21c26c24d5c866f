// The phases of a run: a storm of changes, checks and faults; then, in quiet, ends that are probed for how
// fast they spread; and in the end every secret is asked for on every node.
import { setTimeout as pause } from "node:timers/promises";
import type { FleetNode } from "../fleet/fleet.ts";
import { runNemesis } from "../fleet/nemesis.ts";
import { Random } from "../fleet/random.ts";
import type { Board, HeldSecret } from "./board.ts";
import { Household, Organizations } from "./household.ts";
import { verifyOn } from "./verify.ts";

const HOUSEHOLDS = 12;
/** Between two ends of an organization. */
const ORGANIZATION_PAUSE_MS = [1_500, 3_500] as const;
/**
 * Who asks each node: some wait for the answer, some soon ask again, so that a node that was stopped finds
 * questions of every age.
 */
const PATIENCE_MS = [5_000, 5_000, 5_000, 5_000, 900, 600, 400];
const ASK_PAUSE_MS = [5, 35] as const;

/** A fault that is none of the nemesis: a node that did not come back by itself. */
export const STUCK = "stuck";
/** The driver looks again every half second, and each look can take its two seconds. */
const RECOVERY_MS_MAX = 12_000;

const PROBE_LINES = 2;
const PROBE_ENDS = ["revoke", "revoke by possession", "refresh", "disable", "revoke user"] as const;
/** So many answers in a row are one to go on from. */
const IN_A_ROW = 3;
const QUIET_TIMEOUT_MS = 5_000;

const FINAL_LINES = 12;
/** How long a last answer is waited for that is one. */
const FINAL_MS_MAX = 20_000;

export interface PhaseOptions {
  readonly nodes: readonly FleetNode[];
  readonly board: Board;
  readonly seed: number;
}

/** Until the signal; then resolves when each change was answered and all is healed. */
export async function runStorm({ nodes, board, seed }: PhaseOptions, signal: AbortSignal): Promise<void> {
  const organizations = new Organizations();
  const load = Array.from({ length: HOUSEHOLDS }, async (_, line) => {
    const options = { nodes, board, organizations, random: new Random(seed, `households ${line}`) };
    for (let count = 0; !signal.aborted; count++) {
      await new Household(`user-${line}-${count}`, options).live(signal);
    }
  });
  const endOrganizations = async () => {
    const random = new Random(seed, "organizations");
    const household = new Household("nobody", { nodes, board, organizations, random });
    while (!signal.aborted) {
      await pause(random.between(...ORGANIZATION_PAUSE_MS), undefined, { signal }).catch(() => {});
      if (!signal.aborted) await household.endOrganization();
    }
  };
  const watch = nodes.flatMap((node) =>
    PATIENCE_MS.map(async (patienceMs, line) => {
      const random = new Random(seed, `watch ${node.index} ${line}`);
      while (!signal.aborted) {
        const held = board.pick(random);
        if (held !== undefined) await verifyOn(node, held, board, patienceMs);
        await pause(random.between(...ASK_PAUSE_MS));
      }
    }),
  );
  const { faults } = board.recording;
  await Promise.all([...load, endOrganizations(), ...watch, runNemesis(nodes, { seed, faults, signal })]);
}

/** Until each node calls a new key valid. One that does not in time is started again, told as a fault. */
export async function awaitRecovery({ nodes, board, seed }: PhaseOptions): Promise<void> {
  const random = new Random(seed, "recovery");
  const options = { nodes, board, organizations: new Organizations(), random };
  const held = await new Household("recovered", options).createKey();
  const recover = async (node: FleetNode) => {
    const from = performance.now();
    if (await askUntil(node, held, board, "valid", { msMax: RECOVERY_MS_MAX })) return;
    await node.kill();
    await node.restart();
    board.recording.faults.push({ node: node.index, kind: STUCK, from, to: performance.now() });
  };
  await Promise.all(nodes.map(recover));
}

/** Ends `count` keys that every node has just called valid, and asks for each until all refuse it. */
export async function probeEnds({ nodes, board, seed }: PhaseOptions, count: number): Promise<void> {
  const organizations = new Organizations();
  let begun = 0;
  const line = async (_: unknown, index: number) => {
    const random = new Random(seed, `probes ${index}`);
    while (begun < count) {
      const number = begun++;
      const household = new Household(`probed-${number}`, { nodes, board, organizations, random });
      const held = await household.createKey();
      await Promise.all(nodes.map((node) => askUntil(node, held, board, "valid")));
      const how = PROBE_ENDS[number % PROBE_ENDS.length] ?? "revoke";
      let isAnswered = false;
      const asking = nodes.map((node) =>
        askUntil(node, held, board, "refused", { counts: () => isAnswered }),
      );
      if (how === "revoke user") await household.endUser(true);
      else await household.end(held, how, true);
      isAnswered = true;
      await Promise.all(asking);
    }
  };
  await Promise.all(Array.from({ length: PROBE_LINES }, line));
}

/** False: not in time. */
async function askUntil(
  node: FleetNode,
  held: HeldSecret,
  board: Board,
  outcome: "valid" | "refused",
  { msMax = FINAL_MS_MAX, counts = (): boolean => true } = {},
): Promise<boolean> {
  const until = performance.now() + msMax;
  let inARow = 0;
  while (inARow < IN_A_ROW && performance.now() < until) {
    // Of what is sent now.
    const mayCount = counts();
    const record = await verifyOn(node, held, board, QUIET_TIMEOUT_MS);
    inARow = record?.outcome === outcome && mayCount ? inARow + 1 : 0;
    if (record?.outcome !== "valid" && record?.outcome !== "refused") await pause(20);
  }
  return inARow === IN_A_ROW;
}

/** Once all is healed and the bound has passed since the last change: the last words on each secret. */
export async function askAll({ nodes, board, seed }: PhaseOptions): Promise<void> {
  await pause(board.boundMs);
  const questions = [...board.all].flatMap((held) => nodes.map((node) => ({ node, held })));
  const waiting = [...new Random(seed, "last questions").shuffled(questions)];
  const line = async () => {
    for (let question = waiting.pop(); question !== undefined; question = waiting.pop()) {
      const { node, held } = question;
      const final = await lastWord(node, held, board);
      if (final !== undefined) board.recording.finals.push(final);
    }
  };
  await Promise.all(Array.from({ length: FINAL_LINES }, line));
}

async function lastWord(node: FleetNode, held: HeldSecret, board: Board) {
  const until = performance.now() + FINAL_MS_MAX;
  for (;;) {
    const record = await verifyOn(node, held, board, QUIET_TIMEOUT_MS);
    const isVerdict = record?.outcome === "valid" || record?.outcome === "refused";
    if (isVerdict || performance.now() > until) return record;
    await pause(50);
  }
}
