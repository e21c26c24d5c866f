// Three processes with one quota, any of which is killed or paused at any moment, never admit more uses than
// it allows, and lose no more than what the dead had set aside.
import { randomInt } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { periodAt } from "../../src/domain/grant/quota.ts";
import { openStore, type StoreAddress } from "../../src/store/open-store.ts";
import { START, seededBytes } from "../domain/build.ts";
import { IS_LONG } from "./long-run.ts";
import { type Fault, QuotaNode, type Tally } from "./quota-fleet.ts";
import { describeOnStores, type TestStore } from "./stores.ts";

const NODES = 3;
const LIMIT = IS_LONG ? 60_000 : 1_200;
const ROUNDS = IS_LONG ? 400 : 24;
/** Half as many again as there are in the limit. */
const USES_MAX = Math.ceil((3 * LIMIT) / (ROUNDS * NODES));
/** Of so many commands one is hit by a fault. */
const FAULT_ODDS = IS_LONG ? 8 : 6;
const REST_ODDS = 5;
const PAUSED_ROUNDS_MAX = 3;
/** A block is at most this part of the limit. */
const BLOCK_MAX = LIMIT / 100;
/** A paused process can hold SQLite's lock for writing: the others do not wait for it longer than this. */
const LOCKED_MS = 250;
const SEED = Number(process.env.TEST_SEED ?? randomInt(2 ** 31));
const TEST_TIMEOUT_MS = IS_LONG ? 1_200_000 : 90_000;

const KEY_ID = "flk_ukey00000001";
const QUOTA = { limit: LIMIT, period: "month" } as const;

/** Whole numbers below a bound, the same for the same seed. */
function seededNumbers(seed: number): (bound: number) => number {
  const bytes = seededBytes(seed);
  return (bound) => Buffer.from(bytes(4)).readUInt32LE() % bound;
}

function addressOf({ path, database }: TestStore): StoreAddress {
  if (path !== undefined) return { kind: "sqlite", path };
  if (database !== undefined) return { kind: "mongodb", uri: database.uri };
  throw new Error("the store is nowhere");
}

class Fleet {
  readonly tally: Tally = { admitted: 0, refused: 0, failed: 0, kills: 0, pauses: 0 };
  readonly #address: StoreAddress;
  readonly #below: (bound: number) => number;
  readonly #nodes: QuotaNode[];
  readonly #pausedRounds = new Map<QuotaNode, number>();

  constructor(address: StoreAddress, below: (bound: number) => number) {
    this.#address = address;
    this.#below = below;
    this.#nodes = Array.from({ length: NODES }, () => this.#start());
  }

  /** Each node that is not paused does something, and some are struck while they do. */
  async round(): Promise<void> {
    await this.#answers();
    for (const node of this.#nodes.filter(({ isPaused }) => !isPaused)) {
      const isRest = this.#below(REST_ODDS) === 0;
      const uses = 1 + this.#below(USES_MAX);
      node.command(isRest ? "rest" : `take ${uses}`, this.#drawFault(isRest ? 1 : uses));
    }
    await this.#answers();
    for (const [index, node] of this.#nodes.entries()) {
      if (node.isKilled) this.#nodes[index] = this.#start();
      else if (node.isPaused) this.#keepPaused(node);
    }
  }

  /** Uses up what is left, undisturbed, each node after the other, and ends. */
  async finish(): Promise<void> {
    for (const node of this.#nodes) if (node.isPaused) this.#resume(node);
    await this.#answers();
    for (const command of ["rest", `take ${LIMIT / 4}`, "rest", `take ${LIMIT / 4}`]) {
      for (const node of this.#nodes) {
        node.command(command);
        await node.settled;
      }
    }
    for (const node of this.#nodes) await node.end();
  }

  #start(): QuotaNode {
    const task = { address: this.#address, keyId: KEY_ID, quota: QUOTA, startTime: START };
    const node = new QuotaNode(task, this.tally);
    onTestFinished(() => node.kill());
    return node;
  }

  #drawFault(outcomes: number): Fault | undefined {
    if (this.#below(FAULT_ODDS) > 0) return undefined;
    const signal = this.#below(2) === 0 ? "SIGKILL" : "SIGSTOP";
    return { signal, afterOutcomes: this.#below(outcomes) };
  }

  #keepPaused(node: QuotaNode): void {
    const rounds = this.#pausedRounds.get(node) ?? this.#below(PAUSED_ROUNDS_MAX) + 1;
    this.#pausedRounds.set(node, rounds - 1);
    if (rounds === 1) this.#resume(node);
  }

  // Until all that are not paused have answered; the paused ones go on when it is they who are waited for.
  async #answers(): Promise<void> {
    for (;;) {
      const waited = this.#nodes.filter(({ isPaused }) => !isPaused).map(({ settled }) => settled);
      const late = new AbortController();
      const locked = setTimeout(LOCKED_MS, "locked", { signal: late.signal }).catch(() => "");
      const outcome = await Promise.race([Promise.all(waited), locked]);
      late.abort();
      if (outcome !== "locked") return;
      for (const node of this.#nodes) if (node.isPaused) this.#resume(node);
    }
  }

  #resume(node: QuotaNode): void {
    this.#pausedRounds.delete(node);
    node.resume();
  }
}

/** How many uses are granted, as the store has it. Nothing fits a limit of 0, so this only asks. */
async function grantedIn(address: StoreAddress): Promise<number> {
  const store = await openStore(address);
  const count = { keyId: KEY_ID, period: periodAt(QUOTA.period, START) };
  const { granted } = await store.quotas.grant(count, { leaseId: "probe", size: 1 }, 0);
  await store.close();
  return granted;
}

describeOnStores("three nodes with one quota", (fresh) => {
  it(
    `never admit more than ${LIMIT} uses, whoever dies or stands still (TEST_SEED=${SEED})`,
    async () => {
      const address = addressOf(fresh());
      const fleet = new Fleet(address, seededNumbers(SEED));
      for (let round = 0; round < ROUNDS; round++) await fleet.round();
      await fleet.finish();
      const { tally } = fleet;
      const granted = await grantedIn(address);
      expect(granted).toBeLessThanOrEqual(LIMIT);
      expect(tally.admitted).toBeLessThanOrEqual(granted);
      expect(tally.refused).toBeGreaterThan(0);
      // A process that dies has set aside one block, and is at most about to get another one. So is one whose
      // store does not answer.
      expect(tally.admitted).toBeGreaterThanOrEqual(LIMIT - (2 * tally.kills + tally.failed) * BLOCK_MAX);
    },
    TEST_TIMEOUT_MS,
  );
});
