// Covers cache/paced-reads.ts: how many reads begin in a turn, run and wait, in which order, for how long.
import { describe, expect, it } from "vitest";
import { PacedReads, type PacedReadsOptions, TooManyReads } from "../../src/cache/paced-reads.ts";
import { handStopwatch, settled } from "./hand-stopwatch.ts";

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Reads that are noted when they begin and end when they are told to. */
function fresh(overrides: Partial<PacedReadsOptions> = {}) {
  const stopwatch = handStopwatch();
  const reads = new PacedReads({
    perTurnMax: 100,
    runningMax: 100,
    waitingMax: 100,
    waitMsMax: 1_000,
    monotonic: stopwatch.monotonic,
    ...overrides,
  });
  const begun: number[] = [];
  const ends = new Map<number, PromiseWithResolvers<number>>();
  const run = (number: number) =>
    reads.run(() => {
      begun.push(number);
      const end = Promise.withResolvers<number>();
      ends.set(number, end);
      return end.promise;
    });
  const runMany = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const result = run(index + 1);
      result.catch(() => {});
      return result;
    });
  return {
    stopwatch,
    reads,
    begun,
    run,
    runMany,
    end: (number: number) => ends.get(number)?.resolve(number),
  };
}

describe("Paced reads", () => {
  it("begin at once and give what the read gives", async () => {
    const { run, begun, end } = fresh();
    const result = run(7);
    expect(begun).toEqual([7]);
    end(7);
    expect(await result).toBe(7);
  });

  it("reject as the read does, also one that throws at once, and go on", async () => {
    const { reads, run, end } = fresh({ runningMax: 1 });
    await expect(reads.run(() => Promise.reject(new Error("lost")))).rejects.toThrow("lost");
    const thrown = reads.run(() => {
      throw new Error("thrown");
    });
    await expect(thrown).rejects.toThrow("thrown");
    const result = run(1);
    end(1);
    expect(await result).toBe(1);
  });

  it("begin so many in a turn of the event loop, the others in the next ones, in their order", async () => {
    const { runMany, begun } = fresh({ perTurnMax: 2 });
    runMany(5);
    expect(begun).toEqual([1, 2]);
    // What a read's end brings on has no turn of its own.
    await Promise.resolve();
    expect(begun).toEqual([1, 2]);
    await nextTurn();
    expect(begun).toEqual([1, 2, 3, 4]);
    await nextTurn();
    expect(begun).toEqual([1, 2, 3, 4, 5]);
  });

  it("that end within a turn make no room in it", async () => {
    const { reads } = fresh({ perTurnMax: 2 });
    let begun = 0;
    const all = Array.from({ length: 6 }, () =>
      reads.run(async () => {
        begun += 1;
      }),
    );
    await Promise.all(all.slice(0, 2));
    expect(begun).toBe(2);
    await Promise.all(all);
    expect(begun).toBe(6);
  });

  it("leave a turn to others between two of their own", async () => {
    const { runMany, begun } = fresh({ perTurnMax: 1 });
    runMany(3);
    const seen: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      await nextTurn();
      seen.push(begun.length);
    }
    expect(seen).toEqual([2, 3, 3]);
  });

  it("run so many at a time; each that ends makes room for the one that waits longest", async () => {
    const { runMany, begun, end } = fresh({ runningMax: 2 });
    runMany(5);
    await settled();
    expect(begun).toEqual([1, 2]);
    end(2);
    await settled();
    expect(begun).toEqual([1, 2, 3]);
    end(1);
    end(3);
    await settled();
    expect(begun).toEqual([1, 2, 3, 4, 5]);
  });

  it("wait so many at a time; one more is refused at once and never begins", async () => {
    const { runMany, run, begun, end } = fresh({ runningMax: 1, waitingMax: 2 });
    runMany(3);
    await expect(run(4)).rejects.toThrow(TooManyReads);
    end(1);
    await settled();
    const late = run(5);
    for (const number of [2, 3, 5]) {
      await settled();
      end(number);
    }
    expect(await late).toBe(5);
    expect(begun).toEqual([1, 2, 3, 5]);
  });

  it("are refused when their turn comes too late, and those behind them begin", async () => {
    const { stopwatch, runMany, run, begun, end } = fresh({ runningMax: 1, perTurnMax: 2 });
    const [, second, third] = runMany(3);
    stopwatch.pass(500);
    const young = run(4);
    stopwatch.pass(501);
    end(1);
    await expect(second).rejects.toThrow(TooManyReads);
    await expect(third).rejects.toThrow(TooManyReads);
    await settled();
    expect(begun).toEqual([1, 4]);
    end(4);
    expect(await young).toBe(4);
  });

  it("may wait exactly that long", async () => {
    const { stopwatch, runMany, begun, end } = fresh({ runningMax: 1 });
    runMany(2);
    stopwatch.pass(1_000);
    end(1);
    await settled();
    expect(begun).toEqual([1, 2]);
  });
});
