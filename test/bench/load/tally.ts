// Counts the answers of a task: which ones were right, how many came after the warm-up, and how long they
// took from when they were due. It ends the task by its time or by its number of calls.
import type { Outcome, Task } from "./task.ts";
import { matcher } from "./task.ts";

/** How long calls that are open at the end may still take. */
const REST_MS_MAX = 5_000;
const EXAMPLE_BYTES = 48;

export class Tally {
  readonly done: Promise<Outcome>;
  readonly isRight: (bytes: Uint8Array, start: number, end: number) => boolean;
  /** Calls that were made. */
  calls = 0;
  #task: Task;
  #answers = 0;
  #answersEver = 0;
  #wrong = 0;
  #wrongExample: string | undefined;
  #latencies: number[] = [];
  #isCounting = false;
  #isOver = false;
  #startedAt = 0;
  #finish: (outcome: Outcome) => void = () => {};

  constructor(task: Task) {
    this.#task = task;
    this.isRight = matcher(task.expects);
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Everything is connected: the warm-up begins. */
  start(): void {
    const { warmUpMs, durationMs, callsMax } = this.#task;
    setTimeout(() => {
      this.#startedAt = performance.now();
      this.#isCounting = true;
      if (callsMax === undefined) setTimeout(() => this.#end(), durationMs);
    }, warmUpMs);
  }

  /** Whether another call is to be made. */
  get isOpen(): boolean {
    return !this.#isOver && this.calls < (this.#task.callsMax ?? Number.POSITIVE_INFINITY);
  }

  /** An answer has come; `dueAt` is 0 where there is no schedule. */
  answered(isRight: boolean, dueAt = 0): void {
    this.#answersEver++;
    if (!isRight) this.#wrong++;
    const isCounted = dueAt === 0 ? this.#isCounting : dueAt >= this.#startedAt && this.#startedAt > 0;
    if (isCounted && !(this.#isOver && dueAt === 0)) {
      this.#answers++;
      if (dueAt > 0) this.#latencies.push(performance.now() - dueAt);
    }
    const { callsMax, rate } = this.#task;
    if (callsMax !== undefined && this.#answersEver === callsMax) this.#end();
    else if (this.#isOver && rate !== undefined && this.#answersEver === this.calls) this.#report();
  }

  noteWrong(bytes: Uint8Array, start: number, end: number): void {
    this.#wrongExample ??= Buffer.from(bytes.subarray(start, Math.min(end, start + EXAMPLE_BYTES))).toString(
      "hex",
    );
  }

  #seconds = 0;

  #end(): void {
    this.#isOver = true;
    this.#seconds = (performance.now() - this.#startedAt) / 1_000;
    // On a schedule the slowest answers are those that are still to come.
    if (this.#task.rate === undefined || this.#answersEver === this.calls) this.#report();
    else setTimeout(() => this.#report(), REST_MS_MAX).unref();
  }

  #report(): void {
    const unanswered = this.#task.rate === undefined ? 0 : this.calls - this.#answersEver;
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    this.#finish({
      seconds: this.#seconds,
      answers: this.#answers,
      wrong: this.#wrong + unanswered,
      wrongExample: this.#wrongExample,
      calls: this.calls,
      latencyMs: sorted.length > 0 ? { p50: at(0.5), p99: at(0.99), p999: at(0.999) } : undefined,
    });
  }
}
