// Several nodes with one store, an unreliable network and clocks that jump, played from a list of steps that
// fast-check draws. It counts what the nodes admit and holds it against the limits.
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { QuotaLeases } from "../../../src/app/limits/quota-leases.ts";
import { FleetkeyError } from "../../../src/domain/errors.ts";
import { periodAt, type QuotaPeriod } from "../../../src/domain/grant/quota.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import type { QuotaStore } from "../../../src/store/store.ts";
import { START, seededBytes } from "../../domain/build.ts";
import { FATES, type Fate, Network } from "./network.ts";

const NODES = 3;
const USES_A_TURN = 40;
/** Longer than a key must rest for its uses to be given back, and than "nothing is left" is remembered. */
const REST_MS = 10_000;
const KEYS: readonly { readonly keyId: string; readonly period: QuotaPeriod }[] = [
  { keyId: "flk_daily", period: "day" },
  { keyId: "flk_once", period: "none" },
];
/** Those whose blocks are of one use, and of up to 3, 6 and 9. */
export const LIMITS = [5, 300, 600, 900] as const;

export type Step =
  | { readonly do: "take"; readonly node: number; readonly key: number; readonly uses: number }
  | { readonly do: "decide"; readonly pick: number; readonly fate: Fate; readonly calls: number }
  | { readonly do: "rest" | "stop" | "crash"; readonly node: number }
  | { readonly do: "learn limit"; readonly node: number; readonly key: number; readonly limit: number }
  | { readonly do: "move clock"; readonly days: number };

const node = fc.nat(NODES - 1);
const key = fc.nat(KEYS.length - 1);
const pick = fc.nat(7);
const take = fc.record({
  do: fc.constant("take" as const),
  node,
  key,
  uses: fc.integer({ min: 1, max: 40 }),
});
const calls = fc.integer({ min: 1, max: 4 });
const answer = fc.record({
  do: fc.constant("decide" as const),
  pick,
  calls,
  fate: fc.constantFrom<Fate>("written and answered", "written, and answered later"),
});
const doubt = fc.record({
  do: fc.constant("decide" as const),
  pick,
  calls: fc.constant(1),
  fate: fc.constantFrom(...FATES),
});
const rest = fc.record({ do: fc.constantFrom("rest" as const, "stop" as const), node });
const crash = fc.record({ do: fc.constant("crash" as const), node });
const limit = fc.constantFrom(...LIMITS);
const learnLimit = fc.record({ do: fc.constant("learn limit" as const), node, key, limit });
const moveClock = (min: number) =>
  fc.record({ do: fc.constant("move clock" as const), days: fc.integer({ min, max: 1 }) });

function stepsOf(...choices: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<Step> }[]) {
  return fc.array(fc.oneof(...choices), { maxLength: 120, size: "max" });
}

const CALM = [
  { weight: 8, arbitrary: take },
  { weight: 8, arbitrary: answer },
  { weight: 4, arbitrary: rest },
  { weight: 1, arbitrary: learnLimit },
];
/** Slow answers and changes, but nothing fails. */
export const calmSteps = stepsOf(...CALM, { weight: 1, arbitrary: moveClock(0) });
/** All that can happen. */
export const wildSteps = stepsOf(
  ...CALM,
  { weight: 4, arbitrary: doubt },
  { weight: 1, arbitrary: crash },
  { weight: 1, arbitrary: moveClock(-1) },
);

interface Node {
  readonly leases: QuotaLeases;
  /** By key, as this node has last read it. */
  readonly limits: number[];
  isAlive: boolean;
}

/** What one key was used for in one period. */
interface Count {
  admitted: number;
  limitMax: number;
}

/** What is wrong, in sentences. */
export interface Troubles {
  readonly tooMany: readonly string[];
  readonly others: readonly string[];
}

/** Puts a mistake between a node and the store. */
export type Mistake = (link: QuotaStore, node: number) => QuotaStore;

export class Cluster {
  readonly #quotas: QuotaStore;
  readonly #limit: number;
  readonly #mistake: Mistake;
  readonly #network = new Network();
  readonly #counts = new Map<string, Count>();
  readonly #nodes: Node[];
  readonly #bugs: unknown[] = [];
  #now = START;
  #starts = 0;

  constructor(quotas: QuotaStore, limit: number, mistake: Mistake = (link) => link) {
    this.#quotas = quotas;
    this.#limit = limit;
    this.#mistake = mistake;
    this.#nodes = Array.from({ length: NODES }, (_, index) => this.#start(index));
  }

  /** Plays the steps and then uses up what is left, on a network that works. */
  async play(steps: readonly Step[]): Promise<Troubles> {
    for (const step of steps) {
      await this.#do(step);
      await setImmediate();
    }
    await this.#settle();
    for (const index of KEYS.keys()) await this.#useUp(index);
    return this.#troubles();
  }

  /** How many uses of each key were admitted in the period of now. */
  get admitted(): readonly number[] {
    return KEYS.map((_, index) => this.#countOf(index).admitted);
  }

  /** The limit of each key that was last in force; all nodes know it by then. */
  get limits(): readonly number[] {
    return this.#node(0).limits;
  }

  #start(index: number): Node {
    const seed = 1_000 + this.#starts++;
    const link = this.#network.linkTo(this.#quotas, () => started.isAlive);
    const quotas = this.#mistake(link, index);
    const limits = KEYS.map(() => this.#limit);
    const started: Node = {
      leases: new QuotaLeases({ quotas, randomBytes: seededBytes(seed) }),
      limits,
      isAlive: true,
    };
    return started;
  }

  async #do(step: Step): Promise<void> {
    if (step.do === "take") this.#take(this.#node(step.node), step.key, step.uses);
    if (step.do === "decide") {
      for (let call = 0; call < step.calls; call++) {
        await this.#network.decide(step.pick, step.fate);
        await setImmediate();
      }
    }
    if (step.do === "rest") {
      this.#now += REST_MS;
      this.#watch(this.#node(step.node).leases.releaseIdle(this.#now));
    }
    if (step.do === "stop") this.#watch(this.#node(step.node).leases.releaseAll(this.#now));
    if (step.do === "crash") {
      this.#node(step.node).isAlive = false;
      this.#nodes[step.node] = this.#start(step.node);
    }
    if (step.do === "learn limit") this.#node(step.node).limits[step.key] = step.limit;
    if (step.do === "move clock") this.#now += step.days * DAY_MS;
  }

  #take(from: Node, index: number, uses: number): void {
    const count = this.#countOf(index);
    const { keyId, period } = keyAt(index);
    const own = from.limits[index] ?? 0;
    count.limitMax = Math.max(count.limitMax, own);
    for (let use = 0; use < uses; use++) {
      const taken = from.leases.take(keyId, { limit: own, period }, this.#now);
      const note = ({ isAdmitted }: Awaited<typeof taken>) => {
        if (isAdmitted) count.admitted += 1;
      };
      if (taken instanceof Promise) this.#watch(taken.then(note));
      else note(taken);
    }
  }

  // That the store did not answer is told to whoever waits, and nothing else may be.
  #watch(work: Promise<void>): void {
    work.catch((error) => {
      if (!(error instanceof FleetkeyError && error.code === "unavailable")) this.#bugs.push(error);
    });
  }

  async #settle(): Promise<void> {
    await setImmediate();
    while (this.#network.size > 0) {
      await this.#network.decide(0, "written and answered");
      await setImmediate();
    }
  }

  // First with what the nodes hold and know, however old; then all give back what another one could use.
  async #useUp(index: number): Promise<void> {
    const limitNow = Math.max(...this.#nodes.map(({ limits }) => limits[index] ?? 0));
    for (const each of this.#nodes) each.limits[index] = limitNow;
    // One of them nearly all, so that what the others know to be left is less than they ask for.
    this.#take(this.#node(0), index, Math.max(0, limitNow - (await this.#granted(index)) - 1));
    await this.#settle();
    await this.#useUpByTurns(index);
    for (const each of this.#nodes) {
      this.#now += REST_MS;
      this.#watch(each.leases.releaseIdle(this.#now));
      await this.#settle();
    }
    await this.#useUpByTurns(index);
  }

  async #useUpByTurns(index: number): Promise<void> {
    const count = this.#countOf(index);
    for (let before = -1; before < count.admitted && count.admitted <= count.limitMax; ) {
      before = count.admitted;
      for (const each of this.#nodes.toReversed()) {
        this.#take(each, index, USES_A_TURN);
        await this.#settle();
      }
    }
  }

  async #troubles(): Promise<Troubles> {
    const tooMany = [...this.#counts]
      .filter(([, { admitted, limitMax }]) => admitted > limitMax)
      .map(([name, { admitted, limitMax }]) => `${name}: ${admitted} admitted, the limit is ${limitMax}`);
    const others = this.#bugs.map(String);
    for (const [index, { keyId }] of KEYS.entries()) {
      const granted = await this.#granted(index);
      const { admitted } = this.#countOf(index);
      if (admitted > granted) others.push(`${keyId}: ${admitted} admitted, ${granted} granted`);
    }
    return { tooMany, others };
  }

  // As the store has it. Nothing fits a limit of 0, so this only asks.
  async #granted(index: number): Promise<number> {
    const { keyId, period } = keyAt(index);
    const count = { keyId, period: periodAt(period, this.#now) };
    return (await this.#quotas.grant(count, { leaseId: "probe", size: 1 }, 0)).granted;
  }

  #node(index: number): Node {
    const found = this.#nodes[index];
    if (found === undefined) throw new Error(`there is no node ${index}`);
    return found;
  }

  #countOf(index: number): Count {
    const { keyId, period } = keyAt(index);
    const name = `${keyId} ${periodAt(period, this.#now).id}`;
    const found = this.#counts.get(name) ?? { admitted: 0, limitMax: 0 };
    this.#counts.set(name, found);
    return found;
  }
}

function keyAt(index: number) {
  const found = KEYS[index];
  if (found === undefined) throw new Error(`there is no key ${index}`);
  return found;
}
