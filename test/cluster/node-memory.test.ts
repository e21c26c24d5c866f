// In whatever order the processes of a node run, stop, end and hear of each other: once a change is answered,
// no call that begins afterwards is answered from what a worker remembered before it.
import fc from "fast-check";
import { expect, it } from "vitest";
import { CLOCK_MARGIN_MS } from "../../src/cluster/channel/elapse.ts";
import { IS_LONG } from "../system/long-run.ts";
import { settled } from "./machine.ts";
import { LEASE_MS, SimulatedNode, UNSENT_MAX } from "./simulated-node.ts";

const WORKERS = 3;
const RUNS = IS_LONG ? 10_000 : 300;

type Step = (node: SimulatedNode) => void;

const worker = fc.nat(WORKERS - 1);
const onWorker = (act: (node: SimulatedNode, index: number) => void) =>
  worker.map(
    (index): Step =>
      (node) =>
        act(node, index),
  );

/** Frequent are those without which nothing comes about. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: onWorker((node, index) => node.workers[index]?.hear()) },
  { weight: 8, arbitrary: onWorker((node, index) => node.workers[index]?.tell()) },
  { weight: 6, arbitrary: fc.constant<Step>(exchange) },
  { weight: 6, arbitrary: onWorker((node, index) => node.workers[index]?.read()) },
  { weight: 6, arbitrary: onWorker((node, index) => node.workers[index]?.land()) },
  { weight: 6, arbitrary: onWorker((node, index) => node.workers[index]?.write()) },
  {
    weight: 4,
    arbitrary: fc.nat(300).map(
      (agoMs): Step =>
        (node) =>
          node.hear(agoMs),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: LEASE_MS }).map(
      (ms): Step =>
        (node) =>
          node.machine.pass(ms),
    ),
  },
  { weight: 1, arbitrary: onWorker((node, index) => node.workers[index]?.stop()) },
  { weight: 2, arbitrary: onWorker((node, index) => node.workers[index]?.goOn()) },
  { weight: 1, arbitrary: fc.constant<Step>((node) => node.stopPrimary()) },
  { weight: 2, arbitrary: fc.constant<Step>((node) => node.goOnPrimary()) },
  { weight: 1, arbitrary: onWorker((node, index) => node.workers[index]?.end()) },
  { weight: 2, arbitrary: onWorker((node, index) => node.workers[index]?.bury()) },
  { weight: 2, arbitrary: onWorker((node, index) => node.replace(index)) },
);
const steps = (maxLength: number) => fc.array(step, { minLength: maxLength / 4, maxLength, size: "max" });

/** Each process that runs takes the next message of each channel. */
function exchange(node: SimulatedNode): void {
  for (const each of node.workers) {
    each.tell();
    each.hear();
  }
}

/** Everything that was sent comes, and the tail is heard: all workers hold the record under a lease. */
async function warmUp(node: SimulatedNode): Promise<void> {
  for (const each of node.workers) each.tell();
  node.hear(0);
  for (const each of node.workers) {
    each.hear();
    each.hear();
    each.read();
    each.land();
  }
}

async function play(node: SimulatedNode, schedule: readonly Step[]): Promise<void> {
  for (const act of schedule) {
    act(node);
    await settled();
    // A stopped worker can go on at any time, and be asked before it hears of anything.
    const stale = node.workers.filter((each) => !each.isEnded && each.answer < node.confirmed);
    expect(stale).toEqual([]);
  }
}

it(`No worker answers from before a confirmed change (${RUNS} schedules).`, async () => {
  let confirmations = 0;
  const property = fc.asyncProperty(steps(80), async (schedule) => {
    const node = new SimulatedNode(WORKERS);
    await warmUp(node);
    await play(node, schedule);
    confirmations += node.confirmed - 1;
  });
  await fc.assert(property, { numRuns: RUNS });
  // Else nothing was shown.
  expect(confirmations).toBeGreaterThan(RUNS / 4);
});

it(`Nor does one after the end of the primary (${RUNS} schedules).`, async () => {
  let confirmations = 0;
  const property = fc.asyncProperty(steps(40), steps(40), async (before, after) => {
    const node = new SimulatedNode(WORKERS);
    await warmUp(node);
    await play(node, before);
    node.endPrimary();
    const { confirmed } = node;
    await play(node, after);
    confirmations += node.confirmed - confirmed;
  });
  await fc.assert(property, { numRuns: RUNS });
  expect(confirmations).toBeGreaterThan(RUNS / 20);
});

it("A worker answers from memory again as soon as it has forgotten and a lease has come.", async () => {
  const node = new SimulatedNode(2);
  await warmUp(node);
  const [a, b] = node.workers;
  a?.write();
  expect([a?.answer, b?.answer, node.confirmed]).toEqual([2, 1, 1]);
  a?.tell();
  b?.hear();
  b?.tell();
  await settled();
  a?.hear();
  await settled();
  expect([a?.answer, b?.answer, node.confirmed]).toEqual([2, 2, 2]);
});

it("A read that was begun before its worker joined is not kept.", async () => {
  const node = new SimulatedNode(2);
  const [early, late] = node.workers;
  early?.tell();
  late?.read();
  early?.write();
  early?.tell();
  await settled();
  early?.hear();
  early?.hear();
  await settled();
  expect(node.confirmed).toBe(2);
  late?.tell();
  node.hear(0);
  late?.hear();
  late?.hear();
  late?.land();
  expect(late?.answer).toBe(2);
});

it("A worker that was not told all has forgotten all before its next lease.", async () => {
  const node = new SimulatedNode(2);
  await warmUp(node);
  const [a, b] = node.workers;
  b?.stop();
  for (let index = 0; index < UNSENT_MAX; index++) node.hear(0);
  a?.write();
  a?.tell();
  node.machine.pass(LEASE_MS + CLOCK_MARGIN_MS);
  await settled();
  for (let index = 0; index <= UNSENT_MAX; index++) a?.hear();
  await settled();
  expect(node.confirmed).toBe(2);
  b?.goOn();
  for (let index = 0; index < UNSENT_MAX; index++) {
    node.hear(0);
    b?.hear();
    expect(b?.answer).toBe(2);
  }
  // Not before `doubted` is taken, too, is it told of anything else.
  b?.hear();
  node.hear(0);
  b?.hear();
  expect(b?.answer).toBe(2);
});
