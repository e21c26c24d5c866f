// Starts, commands, pauses and kills processes that share one quota (quota-node.ts), and counts what they
// admit. When faults strike is told in outcomes and not in time, so that a seed says most of what happens.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Quota } from "../../src/domain/grant/quota.ts";
import type { StoreAddress } from "../../src/store/open-store.ts";
import { PROJECT } from "./process.ts";

const PROGRAM = join(PROJECT, "test/system/quota-node.ts");

/** The file descriptor to which a node writes a letter for each use, and a line end for each command. */
export const OUTCOMES = 3;

/** What a node counts. */
export interface NodeTask {
  readonly address: StoreAddress;
  readonly keyId: string;
  readonly quota: Quota;
  readonly startTime: number;
}

/** What became of all uses so far, and what happened to nodes. */
export interface Tally {
  admitted: number;
  refused: number;
  failed: number;
  kills: number;
  pauses: number;
}

/** Something that happens to a node once it has told of so many outcomes of a command. */
export interface Fault {
  readonly signal: "SIGKILL" | "SIGSTOP";
  readonly afterOutcomes: number;
}

export class QuotaNode {
  readonly closed: Promise<void>;
  isPaused = false;
  isKilled = false;
  readonly #child: ChildProcess;
  readonly #tally: Tally;
  #fault: Fault | undefined;
  #outcomes = 0;
  #stderr = "";
  #answer = Promise.withResolvers<void>();
  #pause = Promise.withResolvers<void>();

  constructor(task: NodeTask, tally: Tally) {
    this.#tally = tally;
    const { NODE_COMPILE_CACHE = join(PROJECT, "node_modules/.cache/fleetkey-test") } = process.env;
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(task)], {
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE },
      stdio: ["pipe", "ignore", "pipe", "pipe"],
    });
    this.#child = child;
    const outcomes = child.stdio[OUTCOMES] as Readable;
    outcomes.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    // A command that comes after the end; the end itself is told below.
    child.stdin?.on("error", () => {});
    this.closed = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        if (code === 0 || signal === "SIGKILL") resolve();
        else reject(new Error(`a node ended with ${code ?? signal}:\n${this.#stderr}`));
      });
    });
    this.#expectAnswer();
  }

  /** Resolves when the last command (at first: the start) is done, or the node is paused or killed. */
  get settled(): Promise<void> {
    return Promise.race([this.#answer.promise, this.#pause.promise]);
  }

  command(text: string, fault?: Fault): void {
    this.#expectAnswer();
    this.#outcomes = 0;
    this.#fault = fault;
    this.#child.stdin?.write(`${text}\n`);
    this.#strike();
  }

  resume(): void {
    this.isPaused = false;
    this.#pause = Promise.withResolvers();
    this.#child.kill("SIGCONT");
  }

  kill(): void {
    this.isKilled = true;
    this.#child.kill("SIGKILL");
  }

  /** Lets it give back what it has set aside and end. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.closed;
  }

  #expectAnswer(): void {
    this.#answer = Promise.withResolvers();
    // Whoever asks is told; nobody has to.
    this.#answer.promise.catch(() => {});
    this.closed.then(this.#answer.resolve, this.#answer.reject);
  }

  #read(text: string): void {
    for (const outcome of text) {
      if (outcome === "\n") this.#answer.resolve();
      else this.#outcomes += 1;
      if (outcome === "a") this.#tally.admitted += 1;
      if (outcome === "x") this.#tally.refused += 1;
      if (outcome === "u") this.#tally.failed += 1;
    }
    this.#strike();
  }

  #strike(): void {
    if (this.#fault === undefined || this.#outcomes < this.#fault.afterOutcomes) return;
    const { signal } = this.#fault;
    this.#fault = undefined;
    if (signal === "SIGKILL") {
      this.#tally.kills += 1;
      this.kill();
      return;
    }
    this.#tally.pauses += 1;
    this.isPaused = true;
    this.#child.kill(signal);
    this.#pause.resolve();
  }
}
