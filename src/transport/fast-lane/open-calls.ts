// The calls that the lane has begun and not ended, looked over once in a while instead of a timer for each:
// whoever is slow is cut off a little late, and nobody else pays for it.

export interface OpenCall {
  /** Tells what time it is, by performance.now(), so that the call can end when its own is over. */
  look(now: number): void;
}

/** How often at most and at least they are looked over. */
const LOOK_MS_MIN = 20;
const LOOK_MS_MAX = 1_000;

export class OpenCalls {
  readonly #calls = new Set<OpenCall>();
  readonly #pauseMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** `msMin` is the shortest of the times that calls have. */
  constructor(msMin: number) {
    this.#pauseMs = Math.min(Math.max(msMin / 8, LOOK_MS_MIN), LOOK_MS_MAX);
  }

  add(call: OpenCall): void {
    this.#calls.add(call);
    this.#timer ??= setInterval(() => this.#lookOver(), this.#pauseMs).unref();
  }

  delete(call: OpenCall): void {
    this.#calls.delete(call);
  }

  #lookOver(): void {
    const now = performance.now();
    for (const call of this.#calls) call.look(now);
    if (this.#calls.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
