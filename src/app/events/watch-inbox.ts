// What one watch has been told and has not dealt with yet: a few marks and numbers, however long it takes.

/** What this process hears of the feed; the events themselves are read from the store. */
export interface ChangeNews {
  /**
   * All events up to here have been heard of, and none of them comes later, except those that are told as
   * late. Undefined while nobody knows whether that is still all.
   */
  readonly position: number | undefined;
  readonly followers: number;
  /** The returned function ends it. */
  follow(follower: Pick<Inbox, "moved" | "doubted" | "late">): () => void;
}

export class Inbox {
  /** Numbers that were told as late. */
  readonly lateNumbers = new Set<number>();
  readonly #signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  #isDoubted = false;
  #hasBeat = false;
  #hasNews = false;
  #wake: () => void = () => {};

  /** `signal` ends the watch. Whatever happens, it wakes every `beatMs`. */
  constructor(signal: AbortSignal, beatMs: number) {
    this.#signal = signal;
    this.#timer = setInterval(() => {
      this.#hasBeat = true;
      this.#rouse();
    }, beatMs);
    signal.addEventListener("abort", this.#rouse);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#signal.removeEventListener("abort", this.#rouse);
  }

  moved(): void {
    this.#rouse();
  }

  doubted(): void {
    this.#isDoubted = true;
    this.#rouse();
  }

  late(numbers: readonly number[]): void {
    for (const number of numbers) this.lateNumbers.add(number);
    this.#rouse();
  }

  /** Whether there was a doubt since it was last asked. */
  takeDoubt(): boolean {
    const isDoubted = this.#isDoubted;
    this.#isDoubted = false;
    return isDoubted;
  }

  /** Whether a beat has passed since it was last asked. */
  takeBeat(): boolean {
    const hasBeat = this.#hasBeat;
    this.#hasBeat = false;
    return hasBeat;
  }

  /** Resolves when something has happened since it last did; rejects with the reason when it is over. */
  async next(): Promise<void> {
    if (!this.#hasNews && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#hasNews = false;
    this.#signal.throwIfAborted();
  }

  readonly #rouse = (): void => {
    this.#hasNews = true;
    this.#wake();
  };
}
