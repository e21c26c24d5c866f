// What the bound of a revocation means for who asks: a call that begins when it has passed is not answered
// VALID any more. When the call is answered does not matter.
import { expect } from "vitest";
import { type Client, failureOf, verdictOn } from "./client.ts";

/** One question and what became of it. */
export interface Asked {
  /** By the clock of performance.now(). */
  readonly begunAt: number;
  /** The verdict, or the reason of the failure. */
  readonly answer: string;
}

/** Asks once. */
export async function ask(client: Client, apiKey: string): Promise<Asked> {
  const begunAt = performance.now();
  const answer = await verdictOn(client, apiKey).catch(
    async (error: unknown) => (await failureOf(Promise.reject(error))).reason ?? "no reason",
  );
  return { begunAt, answer };
}

/**
 * Asks until the answer is another one than VALID, and gives it; fails when a call that began later than the
 * bound, from now on, is told VALID.
 */
export async function refusalWithin(boundMs: number, client: Client, apiKey: string): Promise<string> {
  const since = performance.now();
  for (;;) {
    const { begunAt, answer } = await ask(client, apiKey);
    if (answer !== "VALID") return answer;
    expect(begunAt - since, "after so many milliseconds it is still valid").toBeLessThan(boundMs);
  }
}

/** Asks again and again beside the test, until it is told to stop. */
export class Asking {
  readonly asked: Asked[] = [];
  /** When the question began that is not answered yet. */
  pendingSince = performance.now();
  #isOver = false;
  readonly #ended: Promise<void>;

  constructor(client: Client, apiKey: string) {
    this.#ended = this.#run(client, apiKey);
  }

  /** All answers. */
  async stop(): Promise<readonly Asked[]> {
    this.#isOver = true;
    await this.#ended;
    return this.asked;
  }

  async #run(client: Client, apiKey: string): Promise<void> {
    while (!this.#isOver) {
      this.pendingSince = performance.now();
      this.asked.push(await ask(client, apiKey));
    }
  }
}

/** The answers to calls that began at or after this time, each once. */
export function answersFrom(asked: readonly Asked[], time: number): ReadonlySet<string> {
  return new Set(asked.filter(({ begunAt }) => begunAt >= time).map(({ answer }) => answer));
}
