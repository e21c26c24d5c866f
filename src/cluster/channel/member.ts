// One worker, as the primary reaches it. A worker that does not read, since it is stopped or busy, must not
// fill the primary's memory: it is told no news until it reads again, and then to forget everything.
import type { News, ToWorker } from "./messages.ts";

/** Messages that the system has not taken yet. Some thousand small ones fit into its own buffer before. */
export const UNSENT_MAX = 1_000;

/** `taken` is called when the system has taken the message, or never will. */
export type Send = (message: ToWorker, taken: () => void) => void;

export class Member {
  readonly #send: Send;
  readonly #unsentMax: number;
  #unsent = 0;
  #isBehind = false;

  constructor(send: Send, unsentMax = UNSENT_MAX) {
    this.#send = send;
    this.#unsentMax = unsentMax;
  }

  /** What is not sent is made up for by a `doubted` before whatever news is sent next. */
  tell(news: News): void {
    if (this.#unsent >= this.#unsentMax) this.#isBehind = true;
    if (!this.#isBehind) this.#post(news);
  }

  /** Answers what it has asked. It asks for no more than it reads. */
  answer(message: ToWorker): void {
    this.#post(message);
  }

  #post(message: ToWorker): void {
    this.#unsent += 1;
    this.#send(message, () => {
      this.#unsent -= 1;
      if (!this.#isBehind || this.#unsent > 0) return;
      this.#isBehind = false;
      this.#post({ kind: "doubted" });
    });
  }
}
