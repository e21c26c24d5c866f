// Lets keys be read from the store a few at a time: a flood of api_keys that nobody has must not take the
// turns of those that are held.
import type { Clock } from "../lib/clock.ts";

/** Thrown by `run` when too many wait already, or when its turn did not come in time. */
export class TooManyReads extends Error {
  override readonly name = "TooManyReads";
}

export interface PacedReadsOptions {
  /** Begun in one turn of the event loop; in between whatever has come over the network has its turn. */
  readonly perTurnMax: number;
  /** Begun and not over. */
  readonly runningMax: number;
  readonly waitingMax: number;
  /** What has waited longer is not begun: behind reads that hang it could wait for minutes. */
  readonly waitMsMax: number;
  readonly monotonic: Clock;
}

export class PacedReads {
  readonly #options: PacedReadsOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #begunThisTurn = 0;

  constructor(options: PacedReadsOptions) {
    this.#options = options;
  }

  /** Runs the read when its turn comes and settles as it does. */
  run<Result>(read: () => Promise<Result>): Promise<Result> {
    if (this.#waiting.length >= this.#options.waitingMax) {
      return Promise.reject(new TooManyReads("too many reads wait"));
    }
    const { monotonic, waitMsMax } = this.#options;
    const since = monotonic();
    return new Promise((resolve, reject) => {
      this.#waiting.push(async () => {
        try {
          if (monotonic() - since > waitMsMax) throw new TooManyReads("the turn did not come in time");
          resolve(await read());
        } catch (error) {
          reject(error);
        } finally {
          this.#running -= 1;
          this.#begin();
        }
      });
      this.#begin();
    });
  }

  #begin(): void {
    const { perTurnMax, runningMax } = this.#options;
    while (this.#waiting.length > 0 && this.#running < runningMax && this.#begunThisTurn < perTurnMax) {
      this.#running += 1;
      if (this.#begunThisTurn === 0) setImmediate(this.#nextTurn);
      this.#begunThisTurn += 1;
      this.#waiting.shift()?.();
    }
  }

  readonly #nextTurn = (): void => {
    this.#begunThisTurn = 0;
    this.#begin();
  };
}
