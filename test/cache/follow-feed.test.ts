// Covers cache/follow-feed.ts: when the next look is taken, what ends the pause, and how it stops.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { followFeed } from "../../src/cache/follow-feed.ts";

const PAUSE_MS = 200;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Looks that are counted and end when they are told to. */
function follow() {
  const looks: PromiseWithResolvers<void>[] = [];
  const failures: unknown[] = [];
  const follower = followFeed(
    () => {
      const look = Promise.withResolvers<void>();
      looks.push(look);
      return look.promise;
    },
    PAUSE_MS,
    (error) => failures.push(error),
  );
  return { follower, looks, failures, endLook: () => looks.at(-1)?.resolve() };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("Following the feed", () => {
  it("looks at once, and again after the pause that follows the end of a look", async () => {
    const { looks, endLook } = follow();
    expect(looks).toHaveLength(1);
    await pass(10 * PAUSE_MS);
    expect(looks).toHaveLength(1);
    endLook();
    await pass(PAUSE_MS - 1);
    expect(looks).toHaveLength(1);
    await pass(1);
    expect(looks).toHaveLength(2);
  });

  it("looks at once when it is woken in a pause, and pauses as long as ever after it", async () => {
    const { follower, looks, endLook } = follow();
    endLook();
    await pass(50);
    follower.wake();
    await pass(0);
    expect(looks).toHaveLength(2);
    endLook();
    await pass(PAUSE_MS - 1);
    expect(looks).toHaveLength(2);
    await pass(1);
    expect(looks).toHaveLength(3);
  });

  it("looks once more when it is woken during a look, however often", async () => {
    const { follower, looks, endLook } = follow();
    for (let time = 0; time < 3; time++) follower.wake();
    await pass(0);
    expect(looks).toHaveLength(1);
    endLook();
    await pass(0);
    expect(looks).toHaveLength(2);
    endLook();
    await pass(PAUSE_MS - 1);
    expect(looks).toHaveLength(2);
  });

  it("tells of a look that fails, and takes the next one all the same", async () => {
    const { looks, failures } = follow();
    const error = new Error("no answer");
    looks[0]?.reject(error);
    await pass(PAUSE_MS);
    expect(failures).toEqual([error]);
    expect(looks).toHaveLength(2);
  });

  it("stops in a pause, at once", async () => {
    const { follower, looks, endLook } = follow();
    endLook();
    await pass(50);
    await follower.stop();
    await pass(10 * PAUSE_MS);
    expect(looks).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("stops after the look that is running, without a timer to wait for", async () => {
    const { follower, looks, endLook } = follow();
    let isStopped = false;
    const stopped = follower.stop().then(() => {
      isStopped = true;
    });
    await pass(PAUSE_MS);
    expect(isStopped).toBe(false);
    endLook();
    await stopped;
    expect(looks).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is not woken any more once it has stopped", async () => {
    const { follower, looks, endLook } = follow();
    endLook();
    await follower.stop();
    follower.wake();
    await pass(PAUSE_MS);
    expect(looks).toHaveLength(1);
  });
});
