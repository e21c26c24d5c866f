// For how long a node may use what it remembers: as long as it knows that it has heard of every change. The
// tail renews it; whoever cannot hear loses it by the mere passing of time.
import { elapsedMs, type Moment, type Stopwatch } from "../lib/clock.ts";

export class Lease {
  readonly msMax: number;
  readonly #stopwatch: Stopwatch;
  #since: Moment | undefined;

  constructor(stopwatch: Stopwatch, msMax: number) {
    this.#stopwatch = stopwatch;
    this.msMax = msMax;
  }

  /** Asked anew for each use: a process can be stopped between any two lines. */
  isLive(): boolean {
    return this.#since !== undefined && elapsedMs(this.#stopwatch, this.#since) < this.msMax;
  }

  /**
   * All changes that were answered before this moment are known. It is that of the sending of the question,
   * not of the answer: what happened in between may be missing from it.
   */
  renew(sentAt: Moment): void {
    if (this.#since === undefined || sentAt.monotonic > this.#since.monotonic) this.#since = sentAt;
  }
}
