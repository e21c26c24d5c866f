// A feed whose every step is taken by hand: numbers are drawn, and filled later, in another order or never;
// it is cut at the start, falls back, and fails. What happens in the middle of a read is the test's.
import { storeUnavailable } from "../../src/store/errors.ts";
import type { FeedEntry, FeedReader } from "../../src/store/store.ts";

/** What happens around one read: before the store looks, and before its answer has come. */
export interface Interruption {
  readonly before?: () => void;
  readonly after?: () => void;
  readonly fails?: boolean;
}

export class SimulatedFeed implements FeedReader {
  head = 0;
  readonly entries = new Map<number, FeedEntry>();
  /** Taken up by the next reads, one by each. */
  interruptions: Interruption[] = [];
  /** The methods that were called. */
  readonly reads: string[] = [];

  /** A number that no entry has. */
  draw(): number {
    do {
      this.head += 1;
    } while (this.entries.has(this.head));
    return this.head;
  }

  /** False: the number is taken. */
  insert(entry: FeedEntry): boolean {
    if (this.entries.has(entry.number)) return false;
    this.entries.set(entry.number, entry);
    return true;
  }

  /** A change from its number to its answer. */
  write(keyId: string): number {
    const number = this.draw();
    this.insert({ number, keyId });
    return number;
  }

  removeOld(count: number): void {
    const numbers = [...this.entries.keys()].sort((a, b) => a - b);
    for (const number of numbers.slice(0, Math.min(count, numbers.length - 1))) this.entries.delete(number);
  }

  readHead(): Promise<number> {
    return this.#read("readHead", () => this.head);
  }

  readAfter(after: number, limit: number): Promise<readonly FeedEntry[]> {
    return this.#read("readAfter", () =>
      [...this.entries.values()]
        .filter(({ number }) => number > after)
        .sort((a, b) => a.number - b.number)
        .slice(0, limit),
    );
  }

  readNumbers(numbers: readonly number[]): Promise<readonly FeedEntry[]> {
    return this.#read("readNumbers", () => numbers.flatMap((number) => this.entries.get(number) ?? []));
  }

  async #read<Result>(name: string, look: () => Result): Promise<Result> {
    this.reads.push(name);
    const { before, after, fails = false } = this.interruptions.shift() ?? {};
    before?.();
    const result = look();
    after?.();
    if (fails) throw storeUnavailable(new Error("no answer"));
    return result;
  }
}
