// Adds up what the workers of a node count about the keys that they hold.
import type { HeldKeysCounts } from "../cache/held-keys.ts";

export class CountsSum<Who> {
  readonly #told = new Map<Who, HeldKeysCounts>();
  /** Of those who have ended; they hold nothing any more. */
  readonly #ended = { hits: 0, misses: 0, discarded: 0, shed: 0 };

  /** Since its start. */
  tell(who: Who, counts: HeldKeysCounts): void {
    this.#told.set(who, counts);
  }

  leave(who: Who): void {
    const counts = this.#told.get(who);
    if (counts === undefined) return;
    this.#told.delete(who);
    for (const name of ["hits", "misses", "discarded", "shed"] as const) this.#ended[name] += counts[name];
  }

  get sum(): HeldKeysCounts {
    const sum: Record<keyof HeldKeysCounts, number> = { ...this.#ended, size: 0, principals: 0 };
    for (const counts of this.#told.values()) {
      for (const name of Object.keys(sum) as (keyof HeldKeysCounts)[]) sum[name] += counts[name];
    }
    return sum;
  }
}
