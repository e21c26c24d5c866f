// Runs at most so many jobs at once and lets at most so many wait, in order. What it refuses is the caller's
// to tell.

/** Thrown by `run` when too many jobs wait already. */
export class QueueFull extends Error {
  override readonly name = "QueueFull";
}

export class BoundedQueue {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: { readonly runningMax: number; readonly waitingMax: number }) {
    this.#runningMax = limits.runningMax;
    this.#waitingMax = limits.waitingMax;
  }

  /** Runs the job when its turn comes and settles as it does. */
  async run<Result>(job: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#runningMax) {
      if (this.#waiting.length >= this.#waitingMax) throw new QueueFull("too many jobs wait");
      // The job that ends hands its place over, so the count stays as it is.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return await job();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
