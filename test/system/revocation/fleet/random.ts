// Chance that can be repeated: every line of a run draws from a stream of its own, so that what one of them
// draws does not depend on how fast another one is.
import { createHash } from "node:crypto";
import { seededBytes } from "../../../domain/build.ts";

export class Random {
  readonly #bytes: (length: number) => Uint8Array;

  /** `line` names what draws. */
  constructor(seed: number, line: string) {
    const state = createHash("sha256").update(`${seed} ${line}`).digest().readInt32BE();
    this.#bytes = seededBytes(state);
  }

  /** From 0 to below 1. */
  fraction(): number {
    return Buffer.from(this.#bytes(4)).readUInt32BE() / 2 ** 32;
  }

  /** A whole number. */
  between(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max + 1 - min));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  pick<Item>(items: readonly Item[]): Item | undefined;
  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.fraction() * items.length)];
  }

  shuffled<Item>(items: readonly Item[]): readonly Item[] {
    return items
      .map((item) => ({ item, place: this.fraction() }))
      .toSorted((a, b) => a.place - b.place)
      .map(({ item }) => item);
  }
}
