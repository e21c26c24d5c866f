// Questions that wait for their answer, by number, for a bounded time.
import type { After } from "./elapse.ts";

interface Question<Answer> {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  callOff(): void;
}

export class Pending<Answer> {
  readonly #after: After;
  readonly #msMax: number;
  readonly #lateError: () => Error;
  readonly #open = new Map<number, Question<Answer>>();
  #lastId = 0;

  constructor(after: After, msMax: number, lateError: () => Error) {
    this.#after = after;
    this.#msMax = msMax;
    this.#lateError = lateError;
  }

  /** Those that wait now. */
  get ids(): readonly number[] {
    return [...this.#open.keys()];
  }

  /** A new question, to be sent with its number. */
  open(): { readonly id: number; readonly promise: Promise<Answer> } {
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const callOff = this.#after(this.#msMax, () => this.#end(id)?.reject(this.#lateError()));
    this.#open.set(id, { resolve, reject, callOff });
    return { id, promise };
  }

  /** An answer that comes too late changes nothing. */
  settle(id: number, answer: Answer): void {
    this.#end(id)?.resolve(answer);
  }

  rejectAll(): void {
    for (const id of this.ids) this.#end(id)?.reject(this.#lateError());
  }

  #end(id: number): Question<Answer> | undefined {
    const question = this.#open.get(id);
    this.#open.delete(id);
    question?.callOff();
    return question;
  }
}
