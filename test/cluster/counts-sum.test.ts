// What a node counts is what its workers have counted, also those that have ended. Covers
// src/cluster/counts-sum.ts.
import { expect, it } from "vitest";
import { CountsSum } from "../../src/cluster/counts-sum.ts";

const counts = (hits: number, size: number) => ({
  hits,
  misses: 2 * hits,
  discarded: 1,
  shed: 3,
  size,
  principals: 0,
});

it("adds up what each one told last, and keeps what is over", () => {
  const sum = new CountsSum<string>();
  sum.tell("a", counts(1, 5));
  sum.tell("a", counts(10, 7));
  sum.tell("b", counts(100, 20));
  expect(sum.sum).toEqual({ hits: 110, misses: 220, discarded: 2, shed: 6, size: 27, principals: 0 });
  sum.leave("a");
  sum.leave("a");
  expect(sum.sum).toEqual({ hits: 110, misses: 220, discarded: 2, shed: 6, size: 20, principals: 0 });
  sum.tell("c", counts(1, 1));
  expect(sum.sum).toEqual({ hits: 111, misses: 222, discarded: 3, shed: 9, size: 21, principals: 0 });
});
