// The calls that the lane has begun and not ended, looked over once in a while instead of a timer for each:
// whoever is slow is cut off a little late, and nobody else pays for it.

export interface OpenCall {
  /** Tells what time it is, by performance.now(), so that the call can end when its own is over. */
  look(now: number): void;
}

/** How often at most and at least they are looked over. */
const LOOK_MS_MIN = 20;
const LOOK_MS_MAX = 1_000;

/**
 * Places that are used again and again. A Set would do, but it is built anew every few hundred calls, and
 * what is left of the former one keeps calls that are long over until the whole heap is collected.
 */
export class OpenCalls {
  readonly #calls: (OpenCall | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #pauseMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** `msMin` is the shortest of the times that calls have. */
  constructor(msMin: number) {
    this.#pauseMs = Math.min(Math.max(msMin / 8, LOOK_MS_MIN), LOOK_MS_MAX);
  }

  /** Returns its place. */
  add(call: OpenCall): number {
    const place = this.#free.pop() ?? this.#calls.length;
    this.#calls[place] = call;
    this.#timer ??= setInterval(() => this.#lookOver(), this.#pauseMs).unref();
    return place;
  }

  /** Once for each call. */
  delete(place: number): void {
    this.#calls[place] = undefined;
    this.#free.push(place);
  }

  #lookOver(): void {
    const now = performance.now();
    for (const call of this.#calls) call?.look(now);
    if (this.#free.length < this.#calls.length) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#calls.length = 0;
    this.#free.length = 0;
  }
}
