// How soon a worker is replaced. Covers src/cluster/respawn.ts.
import { expect, it } from "vitest";
import { respawnPauseMs } from "../../src/cluster/respawn.ts";

it("A worker that ends again and again is replaced ever slower, at most every 5 s.", () => {
  const pauses: number[] = [];
  for (let index = 0; index < 8; index++) pauses.push(respawnPauseMs(pauses.at(-1), 10));
  expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
});

it.each([
  [29_999, 5_000],
  [30_000, 100],
])("After one that has lived for %d ms the pause is %d ms.", (livedMs, pauseMs) => {
  expect(respawnPauseMs(5_000, livedMs)).toBe(pauseMs);
});
