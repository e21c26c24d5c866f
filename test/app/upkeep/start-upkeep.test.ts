// Covers app/upkeep/start-upkeep.ts and the two small jobs: when they run, with what bounds, that one which
// fails holds up no other, and that a stop waits for what is running and begins nothing more.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startUpkeep, UPKEEP_PAUSE_MS, type UpkeepSettings } from "../../../src/app/upkeep/start-upkeep.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { START } from "../../domain/build.ts";
import { openWorld } from "../world.ts";

const ALL: UpkeepSettings = { expiryNoticeMs: 7_000, keyRetentionMs: DAY_MS, eventRetentionMs: 2 * DAY_MS };
const LOST = storeUnavailable(new Error("no answer"));

/** Upkeep on an empty store, the first run of which comes after `drawn` / 2^32 of a minute. */
async function openUpkeep(settings: UpkeepSettings, drawn = 0) {
  const { ports, store } = await openWorld();
  const calls = {
    list: vi.spyOn(store.keys, "list"),
    removeOld: vi.spyOn(store.events, "removeOld").mockResolvedValue(0),
    removeEnded: vi.spyOn(store.quotas, "removeEnded").mockResolvedValue(0),
  };
  const tell = { done: vi.fn(), failed: vi.fn() };
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(drawn);
  const stop = startUpkeep({ ...ports, randomBytes: () => bytes }, settings, tell);
  return { calls, tell, stop };
}

const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("The upkeep", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it.each([
    [71_583, 1],
    [2 ** 31, UPKEEP_PAUSE_MS / 2],
    [2 ** 32 - 1, UPKEEP_PAUSE_MS - 1],
  ])("begins after a drawn part of a minute, then runs each minute: %i", async (drawn, firstMs) => {
    const { calls, stop } = await openUpkeep({ expiryNoticeMs: 0 }, drawn);
    await advance(firstMs - 1);
    expect(calls.removeEnded).toHaveBeenCalledTimes(0);
    await advance(1);
    expect(calls.removeEnded).toHaveBeenCalledTimes(1);
    await advance(UPKEEP_PAUSE_MS - 1);
    expect(calls.removeEnded).toHaveBeenCalledTimes(1);
    await advance(1);
    expect(calls.removeEnded).toHaveBeenCalledTimes(2);
    await stop();
    await advance(10 * UPKEEP_PAUSE_MS);
    expect(calls.removeEnded).toHaveBeenCalledTimes(2);
  });

  it.each<[string, UpkeepSettings, readonly [number, number, number]]>([
    ["only the counts of ended quotas", { expiryNoticeMs: 0 }, [0, 0, 1]],
    ["and expiry notices", { expiryNoticeMs: 1 }, [1, 0, 1]],
    ["and a key retention", { expiryNoticeMs: 0, keyRetentionMs: 1 }, [1, 0, 1]],
    ["and an event retention", { expiryNoticeMs: 0, eventRetentionMs: 1 }, [0, 1, 1]],
    ["all", ALL, [2, 1, 1]],
  ])("looks after what the settings name: %s", async (_, settings, expected) => {
    const { calls, stop } = await openUpkeep(settings);
    await advance(0);
    expect([calls.list, calls.removeOld, calls.removeEnded].map(({ mock }) => mock.calls.length)).toEqual(
      expected,
    );
    await stop();
  });

  it("removes events after their retention, and counts two days after their period", async () => {
    const { calls, stop } = await openUpkeep(ALL);
    await advance(0);
    expect(calls.removeOld.mock.calls).toEqual([[START - 2 * DAY_MS, 1_000]]);
    expect(calls.removeEnded.mock.calls).toEqual([[START - 2 * DAY_MS, 1_000]]);
    await stop();
  });

  it("removes in steps until one finds less than it may take, ten at most, and tells how many", async () => {
    const { calls, tell, stop } = await openUpkeep(ALL);
    calls.removeOld.mockResolvedValue(1_000);
    calls.removeEnded.mockResolvedValueOnce(1_000).mockResolvedValueOnce(999);
    await advance(0);
    await vi.waitFor(() => expect(tell.done).toHaveBeenCalledTimes(2));
    expect(calls.removeOld).toHaveBeenCalledTimes(10);
    expect(calls.removeEnded).toHaveBeenCalledTimes(2);
    expect(tell.done.mock.calls.toSorted()).toEqual([
      ["ended quotas", 1_999],
      ["old events", 10_000],
    ]);
    await stop();
  });

  it("tells of a job that fails, does the others, and tries it again", async () => {
    const { calls, tell, stop } = await openUpkeep(ALL);
    calls.removeEnded.mockRejectedValueOnce(LOST);
    calls.list.mockRejectedValueOnce(LOST);
    await advance(0);
    expect(tell.failed.mock.calls).toEqual([
      ["ended quotas", LOST],
      ["expiry notices", LOST],
    ]);
    expect(calls.list).toHaveBeenCalledTimes(2);
    expect(calls.removeOld).toHaveBeenCalledTimes(1);
    await advance(UPKEEP_PAUSE_MS);
    expect(tell.failed).toHaveBeenCalledTimes(2);
    expect(calls.removeEnded).toHaveBeenCalledTimes(2);
    await stop();
  });

  it("stops behind what is running: no further step and no further job", async () => {
    const { calls, stop } = await openUpkeep(ALL);
    const held = Promise.withResolvers<number>();
    calls.removeEnded.mockReturnValueOnce(held.promise);
    await advance(0);
    const stopped = vi.fn();
    const stopping = stop().then(stopped);
    await advance(UPKEEP_PAUSE_MS);
    expect(stopped).not.toHaveBeenCalled();
    held.resolve(1_000);
    await stopping;
    expect(calls.removeEnded).toHaveBeenCalledTimes(1);
    expect(calls.list).not.toHaveBeenCalled();
    expect(calls.removeOld).not.toHaveBeenCalled();
  });
});
