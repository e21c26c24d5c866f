// A machine of the test's own: a clock that stands still until it is moved, and processes that can be
// stopped, whose timers then wait, as those of real ones do.
import type { After } from "../../src/cluster/channel/elapse.ts";
import type { Stopwatch } from "../../src/lib/clock.ts";

interface Timer {
  readonly dueAt: number;
  readonly job: () => void;
}

export class Machine implements Stopwatch {
  now = 1_000_000;
  readonly #processes: Process[] = [];
  readonly monotonic = (): number => this.now;
  readonly wall = (): number => this.now;

  start(): Process {
    const started = new Process(this);
    this.#processes.push(started);
    return started;
  }

  pass(ms: number): void {
    this.now += ms;
    for (const running of this.#processes) running.run();
  }
}

export class Process {
  readonly #machine: Machine;
  readonly #timers = new Set<Timer>();
  isStopped = false;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  readonly after: After = (ms, job) => {
    const timer = { dueAt: this.#machine.now + ms, job };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Does what is due, unless it is stopped. */
  run(): void {
    if (this.isStopped) return;
    for (const timer of this.#timers) {
      if (timer.dueAt > this.#machine.now) continue;
      this.#timers.delete(timer);
      timer.job();
    }
  }

  end(): void {
    this.isStopped = true;
    this.#timers.clear();
  }
}

/** Lets everything happen that waits for nothing but promises. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
