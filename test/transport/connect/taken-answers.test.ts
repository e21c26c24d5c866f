// A stream whose client does not take an answer in time ends with an error that says so, and is cut off when
// it is not taken at all; the time until the next answer is there is not the client's.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { whileTaken } from "../../../src/transport/connect/streams/taken-answers.ts";

const MS_MAX = 1_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const pauseMs = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Three answers, each made in and taken for so long; gives what was taken, and what happened. */
async function take(makingMs: number, takingMs: number) {
  let isClosed = false;
  async function* answers() {
    try {
      for (let number = 1; number <= 3; number += 1) {
        await pauseMs(makingMs);
        yield number;
      }
    } finally {
      isClosed = true;
    }
  }
  const cutOff = vi.fn();
  const tooSlow = new Error("too slow");
  const taken: number[] = [];
  const reading = (async () => {
    for await (const answer of whileTaken(answers(), { msMax: MS_MAX, tooSlow: () => tooSlow, cutOff })) {
      taken.push(answer);
      await pauseMs(takingMs);
    }
  })().catch((error) => error);
  await vi.runAllTimersAsync();
  const end = await reading;
  expect(isClosed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
  return { taken, isTooSlow: end === tooSlow, cuts: cutOff.mock.calls.length };
}

it.each([
  { makingMs: 0, takingMs: 0, taken: [1, 2, 3], isTooSlow: false, cuts: 0 },
  { makingMs: 60 * MS_MAX, takingMs: 0, taken: [1, 2, 3], isTooSlow: false, cuts: 0 },
  { makingMs: 0, takingMs: MS_MAX, taken: [1, 2, 3], isTooSlow: false, cuts: 0 },
  { makingMs: 0, takingMs: MS_MAX + 1, taken: [1], isTooSlow: true, cuts: 0 },
  { makingMs: 0, takingMs: 2 * MS_MAX + 1, taken: [1], isTooSlow: true, cuts: 1 },
])("answers made in $makingMs ms and taken in $takingMs ms: $taken, $cuts cuts", async (row) => {
  const { makingMs, takingMs, ...expected } = row;
  expect(await take(makingMs, takingMs)).toEqual(expected);
});
