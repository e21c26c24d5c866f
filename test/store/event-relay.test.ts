// Covers store/event-relay.ts: the sweeper that brings into the feed what a writer left behind. It leaves to
// the writers what is fresh, never runs twice at once and survives a store that does not answer.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { storeUnavailable } from "../../src/store/errors.ts";
import { relayEvents, startRelay } from "../../src/store/event-relay.ts";
import { MEMORY_PATH, openSqliteStore } from "../../src/store/sqlite/sqlite-store.ts";
import { START } from "../domain/build.ts";

const PAUSE_MS = 1_000;

async function openRelay() {
  const { events } = await openSqliteStore(MEMORY_PATH);
  const sweep = vi.spyOn(events, "relayPending").mockResolvedValue(0);
  const tell = { relayed: vi.fn(), failed: vi.fn() };
  return { events, sweep, tell };
}

describe("The sweeper", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("leaves events alone that are younger than two seconds", async () => {
    const { events, sweep } = await openRelay();
    sweep.mockResolvedValueOnce(3);
    expect(await relayEvents(events, () => START)).toBe(3);
    expect(sweep.mock.calls).toEqual([[START - 2_000]]);
  });

  it("sweeps after each pause, and tells only what it found", async () => {
    const { events, sweep, tell } = await openRelay();
    const stop = startRelay(events, () => START, tell);
    await vi.advanceTimersByTimeAsync(PAUSE_MS);
    sweep.mockResolvedValueOnce(2);
    await vi.advanceTimersByTimeAsync(PAUSE_MS);
    expect(sweep).toHaveBeenCalledTimes(2);
    expect(tell.relayed.mock.calls).toEqual([[2]]);
    await stop();
    await vi.advanceTimersByTimeAsync(10 * PAUSE_MS);
    expect(sweep).toHaveBeenCalledTimes(2);
  });

  it("tells of a failed sweep and goes on", async () => {
    const { events, sweep, tell } = await openRelay();
    const lost = storeUnavailable(new Error("no answer"));
    sweep.mockRejectedValueOnce(lost);
    const stop = startRelay(events, () => START, tell);
    await vi.advanceTimersByTimeAsync(2 * PAUSE_MS);
    expect(tell.failed.mock.calls).toEqual([[lost]]);
    expect(sweep).toHaveBeenCalledTimes(2);
    await stop();
  });

  it("waits for a running sweep before the next one and before it stops", async () => {
    const { events, sweep, tell } = await openRelay();
    const held = Promise.withResolvers<number>();
    sweep.mockReturnValueOnce(held.promise);
    const stop = startRelay(events, () => START, tell);
    await vi.advanceTimersByTimeAsync(10 * PAUSE_MS);
    expect(sweep).toHaveBeenCalledTimes(1);
    const stopped = vi.fn();
    const stopping = stop().then(stopped);
    await vi.advanceTimersByTimeAsync(PAUSE_MS);
    expect(stopped).not.toHaveBeenCalled();
    held.resolve(1);
    await stopping;
    await vi.advanceTimersByTimeAsync(10 * PAUSE_MS);
    expect(sweep).toHaveBeenCalledTimes(1);
  });
});
