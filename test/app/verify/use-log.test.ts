// Covers app/verify/use-log.ts: uses of one key are put together, a full log drops uses and counts them, and
// a flush that fails loses nothing that fits. What becomes of texts is in use-texts.test.ts.
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { getKey } from "../../../src/app/keys/read-keys.ts";
import { startUseLog, type Use, UseLog, WAITING_KEYS_MAX } from "../../../src/app/verify/use-log.ts";
import { verifyKey } from "../../../src/app/verify/verify-key.ts";
import type { KeyUse } from "../../../src/domain/usage.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { propertyRuns, START } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { create, ROOT } from "../world.ts";

const LOST = storeUnavailable(new Error("no answer"));
const CHUNK_KEYS = 250;

const useOf = (keyId: string, overrides: Partial<Use> = {}): Use => ({
  keyId,
  time: START,
  address: "192.0.2.1",
  userAgent: "agent",
  ...overrides,
});

/** A log, and each batch that it wrote. */
function openLog() {
  const batches: (readonly KeyUse[])[] = [];
  const add = vi.fn(async (uses: readonly KeyUse[]): Promise<void> => void batches.push(uses));
  return { log: new UseLog({ add }), add, batches, written: () => batches.flat() };
}

/** Uses of that many keys. */
function fill(log: UseLog, count: number, overrides: Partial<Use> = {}): void {
  for (let number = 0; number < count; number++) log.record(useOf(`key-${number}`, overrides));
}

describe("A flush", () => {
  it("writes the newest use of each key, and how many there were", async () => {
    const { log, batches } = openLog();
    log.record(useOf("key-1", { time: START + 2, address: "192.0.2.2", userAgent: "b" }));
    log.record(useOf("key-2"));
    log.record(useOf("key-1", { time: START + 3, address: "192.0.2.3", userAgent: "c" }));
    log.record(useOf("key-1", { time: START + 1, address: "192.0.2.1", userAgent: "a" }));
    await log.flush();
    expect(batches).toEqual([
      [
        { keyId: "key-1", time: START + 3, address: "192.0.2.3", userAgent: "c", count: 3 },
        { keyId: "key-2", time: START, address: "192.0.2.1", userAgent: "agent", count: 1 },
      ],
    ]);
  });

  it("writes nothing when there is nothing, and nothing twice", async () => {
    const { log, add } = openLog();
    await log.flush();
    expect(add).not.toHaveBeenCalled();
    log.record(useOf("key-1"));
    await log.flush();
    await log.flush();
    expect(add).toHaveBeenCalledTimes(1);
  });

  it.each([
    [CHUNK_KEYS, [CHUNK_KEYS]],
    [CHUNK_KEYS + 1, [CHUNK_KEYS, 1]],
    [2 * CHUNK_KEYS, [CHUNK_KEYS, CHUNK_KEYS]],
  ])("writes %i keys in batches of %j", async (count, sizes) => {
    const { log, batches } = openLog();
    fill(log, count);
    await log.flush();
    expect(batches.map(({ length }) => length)).toEqual(sizes);
  });

  it("never runs beside another one; what comes meanwhile is written by the next", async () => {
    const { log, add, batches } = openLog();
    const held = Promise.withResolvers<void>();
    add.mockImplementationOnce(async (uses) => {
      await held.promise;
      batches.push(uses);
    });
    log.record(useOf("key-1"));
    const first = log.flush();
    await vi.waitFor(() => expect(add).toHaveBeenCalledTimes(1));
    log.record(useOf("key-1", { time: START + 1 }));
    const second = log.flush();
    expect(add).toHaveBeenCalledTimes(1);
    held.resolve();
    await Promise.all([first, second]);
    expect(batches).toEqual([
      [{ ...useOf("key-1"), count: 1 }],
      [{ ...useOf("key-1"), time: START + 1, count: 1 }],
    ]);
  });
});

describe("A flush that fails", () => {
  it("Its uses and those behind them are written by the next one, with what came since.", async () => {
    const { log, add, written } = openLog();
    fill(log, 2 * CHUNK_KEYS + 1);
    add.mockImplementationOnce(add.getMockImplementation() ?? (async () => {})).mockRejectedValueOnce(LOST);
    await expect(log.flush()).rejects.toBe(LOST);
    expect(written()).toHaveLength(CHUNK_KEYS);
    log.record(useOf("key-0", { time: START + 5 }));
    log.record(useOf("key-300", { time: START + 5, userAgent: "newest" }));
    await log.flush();
    const counts = Map.groupBy(written(), ({ keyId }) => keyId);
    expect(counts.size).toBe(2 * CHUNK_KEYS + 1);
    expect(counts.get("key-0")?.map(({ count }) => count)).toEqual([1, 1]);
    const newest = { ...useOf("key-300", { time: START + 5, userAgent: "newest" }), count: 2 };
    expect(counts.get("key-300")).toEqual([newest]);
    expect(counts.get("key-301")?.map(({ count }) => count)).toEqual([1]);
    expect(log.dropped).toBe(0);
  });

  it("does not keep the next one from running", async () => {
    const { log, add, written } = openLog();
    add.mockRejectedValueOnce(LOST);
    log.record(useOf("key-1"));
    const [first, second] = await Promise.allSettled([log.flush(), log.flush()]);
    expect([first.status, second.status]).toEqual(["rejected", "fulfilled"]);
    expect(written()).toEqual([{ ...useOf("key-1"), count: 1 }]);
  });
});

describe("A log that is full", () => {
  it(`A use of a key more than ${WAITING_KEYS_MAX} is dropped and counted; others count on.`, async () => {
    const { log, written } = openLog();
    fill(log, WAITING_KEYS_MAX);
    expect(log.dropped).toBe(0);
    log.record(useOf("one-more"));
    log.record(useOf("one-more"));
    log.record(useOf("key-0"));
    expect(log.dropped).toBe(2);
    await log.flush();
    expect(written()).toHaveLength(WAITING_KEYS_MAX);
    expect(written().find(({ keyId }) => keyId === "key-0")?.count).toBe(2);
    log.record(useOf("one-more"));
    expect(log.dropped).toBe(2);
  });

  it("Uses of a failed flush that no longer fit are dropped and counted.", async () => {
    const { log, add, written } = openLog();
    log.record(useOf("old-1"));
    log.record(useOf("old-1"));
    log.record(useOf("old-1"));
    log.record(useOf("key-0"));
    const held = Promise.withResolvers<void>();
    add.mockImplementationOnce(() => held.promise);
    const failing = log.flush();
    await vi.waitFor(() => expect(add).toHaveBeenCalledTimes(1));
    fill(log, WAITING_KEYS_MAX);
    held.reject(LOST);
    await expect(failing).rejects.toBe(LOST);
    expect(log.dropped).toBe(3);
    await log.flush();
    expect(written()).toHaveLength(WAITING_KEYS_MAX);
    expect(written().find(({ keyId }) => keyId === "key-0")?.count).toBe(2);
  });

  it("Every use is written or counted as dropped, whatever fails.", async () => {
    const anyUses = fc.record({ keys: fc.integer({ min: 1, max: 4_000 }), from: fc.nat(WAITING_KEYS_MAX) });
    const anyFlush = fc.constantFrom("a flush", "a flush that fails");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(anyUses, anyFlush), { maxLength: 12 }), async (steps) => {
        let [recorded, written, chunksLeft] = [0, 0, 0];
        const add = async (uses: readonly KeyUse[]) => {
          chunksLeft -= 1;
          if (chunksLeft < 0) throw LOST;
          for (const { count } of uses) written += count;
        };
        const log = new UseLog({ add });
        for (const step of [...steps, "a flush"]) {
          if (typeof step === "object") {
            for (let index = 0; index < step.keys; index++) log.record(useOf(`key-${step.from + index}`));
            recorded += step.keys;
          } else {
            chunksLeft = step === "a flush" ? Number.POSITIVE_INFINITY : 2;
            await log.flush().catch((error) => expect(error).toBe(LOST));
          }
        }
        expect(written + log.dropped).toBe(recorded);
      }),
      { numRuns: propertyRuns(20) },
    );
  });
});

describe("The running log", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it("flushes after each interval, and once more when it is stopped", async () => {
    const { log, add, written } = openLog();
    const tell = { dropped: vi.fn(), failed: vi.fn() };
    const stop = startUseLog(log, 5_000, tell);
    log.record(useOf("key-1"));
    await vi.advanceTimersByTimeAsync(4_999);
    expect(add).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(add).toHaveBeenCalledTimes(1);
    log.record(useOf("key-2"));
    await stop();
    expect(written().map(({ keyId }) => keyId)).toEqual(["key-1", "key-2"]);
    log.record(useOf("key-3"));
    await vi.advanceTimersByTimeAsync(50_000);
    expect(add).toHaveBeenCalledTimes(2);
    expect([tell.dropped.mock.calls, tell.failed.mock.calls]).toEqual([[], []]);
  });

  it("tells of failures and drops, each drop once, and goes on", async () => {
    const { log, add, written } = openLog();
    const tell = { dropped: vi.fn(), failed: vi.fn() };
    const stop = startUseLog(log, 5_000, tell);
    fill(log, WAITING_KEYS_MAX + 7);
    add.mockRejectedValueOnce(LOST);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(tell.failed.mock.calls).toEqual([[LOST]]);
    expect(tell.dropped.mock.calls).toEqual([[7]]);
    await stop();
    expect(written()).toHaveLength(WAITING_KEYS_MAX);
    expect(tell.dropped).toHaveBeenCalledTimes(1);
  });
});

onEachStore("A Verify", (open) => {
  it("is told as the key's last use, once it was written; a refused one is none", async () => {
    const { ports, clock, store } = await open();
    const { apiKey, key } = await create(ports);
    const log = new UseLog(store.usage);
    const verify = (
      overrides: { readonly requiredScopes?: string[]; readonly clientAddress?: string } = {},
    ) => verifyKey({ ...ports, uses: log }, ROOT, { ...REQUEST, apiKey, ...overrides });
    expect(await getKey(ports, ROOT, key.keyId)).not.toHaveProperty("lastUse.time");
    await verify();
    clock.now += 1_000;
    await verify({ clientAddress: "2001:db8::1" });
    clock.now += 1_000;
    await verify({ requiredScopes: ["orders:read"] });
    await log.flush();
    const { lastUse } = await getKey(ports, ROOT, key.keyId);
    expect(lastUse).toEqual({ time: START + 1_000, address: "2001:db8::1", userAgent: "curl/8", count: 2 });
  });

  it("is answered when its use is dropped and when uses cannot be written", async () => {
    const { ports, store } = await open();
    const { apiKey, key } = await create(ports);
    vi.spyOn(store.usage, "add").mockRejectedValue(LOST);
    const log = new UseLog(store.usage);
    fill(log, WAITING_KEYS_MAX);
    const verdict = await verifyKey({ ...ports, uses: log }, ROOT, { ...REQUEST, apiKey });
    expect(verdict).toMatchObject({ valid: true, view: { key: { keyId: key.keyId } } });
    expect(log.dropped).toBe(1);
    await expect(log.flush()).rejects.toBe(LOST);
  });
});

const REQUEST = {
  expectedType: undefined,
  requiredScopes: [],
  clientAddress: "192.0.2.1",
  userAgent: "curl/8",
};
