// Stops a process in the midst of its work: at a given operation it dies, or is held up until it is let go.
// Operations are counted from when the fuse is armed.
import { connectionLost, type Interceptor } from "./intercepted-db.ts";

/**
 * What becomes of the operation at which the process dies: its server never hears of it, or answers to
 * nobody.
 */
export const ENDINGS = ["is not sent", "is done, but its answer is lost"] as const;
export type Ending = (typeof ENDINGS)[number];

/** A process that is held up. */
export interface Stall {
  /** Resolves when the operation is about to be sent. */
  readonly reached: Promise<void>;
  release(): void;
}

export class Fuse {
  #operations = 0;
  #at = Number.POSITIVE_INFINITY;
  #onReached: (<Result>(operation: () => Promise<Result>) => Promise<Result>) | undefined;

  /** For interceptedDb. */
  readonly intercept: Interceptor = (operation) => {
    this.#operations += 1;
    if (this.#operations < this.#at || this.#onReached === undefined) return operation();
    return this.#onReached(operation);
  };

  /** Whether the operation that it was armed for was reached. */
  get isBlown(): boolean {
    return this.#operations >= this.#at;
  }

  /** The process dies at the operation with this number, from 1; all later ones are rejected too. */
  dieAt(operationNumber: number, ending: Ending): void {
    let isFirst = true;
    this.#arm(operationNumber, async (operation) => {
      if (isFirst && ending === "is done, but its answer is lost") {
        isFirst = false;
        await operation();
      }
      isFirst = false;
      throw connectionLost();
    });
  }

  /** The process is held up before it sends the operation with this number, from 1. */
  stallAt(operationNumber: number): Stall {
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#arm(operationNumber, async (operation) => {
      reached.resolve();
      await released.promise;
      return operation();
    });
    return { reached: reached.promise, release: () => released.resolve() };
  }

  /** Lets everything through again. */
  disarm(): void {
    this.#operations = 0;
    this.#at = Number.POSITIVE_INFINITY;
    this.#onReached = undefined;
  }

  #arm(
    operationNumber: number,
    onReached: <Result>(operation: () => Promise<Result>) => Promise<Result>,
  ): void {
    this.#operations = 0;
    this.#at = operationNumber;
    this.#onReached = onReached;
  }
}
