// Covers lib/bounded-queue.ts: at most so many run, at most so many wait, in order, and none is lost when
// one fails.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BoundedQueue, QueueFull } from "../../../src/lib/bounded-queue.ts";
import { propertyRuns } from "../../domain/build.ts";

/** Jobs that end when they are told to. */
function heldJobs(queue: BoundedQueue) {
  const started: number[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const add = () => {
    const number = gates.length;
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    return queue.run(async () => {
      started.push(number);
      await gate.promise;
      return number;
    });
  };
  return {
    started,
    add,
    end: (number: number) => gates[number]?.resolve(),
    fail: (number: number) => gates[number]?.reject(new Error("failed")),
  };
}

describe("BoundedQueue", () => {
  it("runs as many as it may and lets the others wait in order", async () => {
    const jobs = heldJobs(new BoundedQueue({ runningMax: 2, waitingMax: 3 }));
    const running = [jobs.add(), jobs.add(), jobs.add(), jobs.add(), jobs.add()];
    expect(jobs.started).toEqual([0, 1]);
    jobs.end(1);
    expect(await running[1]).toBe(1);
    // The place was handed over, so who comes now finds none.
    running.push(jobs.add());
    expect(jobs.started).toEqual([0, 1, 2]);
    for (const number of [0, 2, 3, 4, 5]) jobs.end(number);
    expect(await Promise.all(running)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(jobs.started).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("refuses the one past its bound, and takes one again when there is room", async () => {
    const jobs = heldJobs(new BoundedQueue({ runningMax: 1, waitingMax: 1 }));
    const running = [jobs.add(), jobs.add()];
    await expect(jobs.add()).rejects.toThrow(QueueFull);
    jobs.end(0);
    await running[0];
    const third = jobs.add();
    for (const number of [1, 3]) jobs.end(number);
    expect(await third).toBe(3);
  });

  it("A job that fails gives its place to the next one.", async () => {
    const jobs = heldJobs(new BoundedQueue({ runningMax: 1, waitingMax: 2 }));
    const [first, second] = [jobs.add(), jobs.add()];
    jobs.fail(0);
    await expect(first).rejects.toThrow("failed");
    jobs.end(1);
    expect(await second).toBe(1);
  });

  it("A job that throws at once gives its place to the next one.", async () => {
    const queue = new BoundedQueue({ runningMax: 1, waitingMax: 0 });
    const throwing = () => {
      throw new Error("at once");
    };
    for (let run = 0; run < 3; run++) await expect(queue.run(throwing)).rejects.toThrow("at once");
    expect(await queue.run(async () => "fine")).toBe("fine");
  });

  it("Never do more run than may, whatever the jobs do.", async () => {
    const outcomes = fc.array(fc.record({ comes: fc.nat(20), turns: fc.nat(5), fails: fc.boolean() }), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(outcomes, fc.integer({ min: 1, max: 4 }), async (jobs, runningMax) => {
        const queue = new BoundedQueue({ runningMax, waitingMax: jobs.length });
        let running = 0;
        let most = 0;
        const runs = jobs.map(async ({ comes, turns, fails }) => {
          for (let turn = 0; turn < comes; turn++) await Promise.resolve();
          return queue.run(async () => {
            running += 1;
            most = Math.max(most, running);
            for (let turn = 0; turn < turns; turn++) await Promise.resolve();
            running -= 1;
            if (fails) throw new Error("failed");
          });
        });
        const settled = await Promise.allSettled(runs);
        expect(settled.map(({ status }) => status === "rejected")).toEqual(jobs.map(({ fails }) => fails));
        expect(most).toBeLessThanOrEqual(runningMax);
      }),
      { numRuns: propertyRuns() },
    );
  });
});
