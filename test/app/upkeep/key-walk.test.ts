// Covers app/upkeep/key-walk.ts: a run looks at a bounded number of keys, the next one goes on behind them,
// and neither a key that it fails for nor a store that does not answer makes the walk miss one.
import { describe, expect, it, vi } from "vitest";
import { KeyWalk, RUN_KEYS_MAX } from "../../../src/app/upkeep/key-walk.ts";
import { importEvent } from "../../../src/domain/audit/event.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import type { KeyView } from "../../../src/domain/verdict.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { START } from "../../domain/build.ts";
import { keyAt } from "../../store/build.ts";
import { openWorld, type World } from "../world.ts";

const PAGE_KEYS = 500;
const RUNNING = new AbortController().signal;
const LOST = storeUnavailable(new Error("no answer"));

/** A walk over that many keys of all types, and what it visits, in order. */
async function openWalk(count: number) {
  const world = await openWorld();
  const keyIds = await fill(world, count);
  const visited: string[] = [];
  const visit = vi.fn(async ({ key }: KeyView) => {
    visited.push(key.keyId);
    return true;
  });
  const walk = new KeyWalk(world.ports);
  const run = (signal = RUNNING) => walk.run({}, visit, signal);
  return { world, keyIds, visited, visit, run };
}

async function fill({ store, ports }: World, count: number): Promise<readonly string[]> {
  const keys = Array.from({ length: count }, (_, index) =>
    keyAt(index + 1, {
      type: KEY_TYPES[index % KEY_TYPES.length] ?? "user",
      owner: {},
      epochs: [],
      createTime: START + index,
    }),
  );
  const at = { now: START, randomBytes: ports.randomBytes };
  await store.keys.insertBatch(keys, importEvent(count, { caller: "root" }, at));
  return keys.map(({ keyId }) => keyId);
}

describe("A walk", () => {
  it(`looks at ${RUN_KEYS_MAX} keys in a run, goes on behind them, and begins anew at the end`, async () => {
    const { keyIds, visited, run } = await openWalk(RUN_KEYS_MAX + 3);
    expect(await run()).toBe(RUN_KEYS_MAX);
    expect(visited).toEqual(keyIds.slice(0, RUN_KEYS_MAX));
    expect(await run()).toBe(3);
    expect(visited).toEqual(keyIds);
    expect(await run()).toBe(RUN_KEYS_MAX);
  });

  it("comes to the end of exactly full pages too", async () => {
    const { keyIds, visited, run } = await openWalk(RUN_KEYS_MAX);
    expect([await run(), await run()]).toEqual([RUN_KEYS_MAX, 0]);
    expect(await run()).toBe(RUN_KEYS_MAX);
    expect(visited).toEqual([...keyIds, ...keyIds]);
  });

  it("counts only the keys for which something was done", async () => {
    const { visit, run } = await openWalk(9);
    visit.mockResolvedValueOnce(false).mockResolvedValueOnce(false);
    expect(await run()).toBe(7);
  });

  it("A key that it fails for holds up no other, and is told at the end of the run.", async () => {
    const { keyIds, visited, visit, run } = await openWalk(PAGE_KEYS + 5);
    const bug = new TypeError("a bug");
    visit.mockRejectedValueOnce(bug).mockRejectedValueOnce(new TypeError("another bug"));
    await expect(run()).rejects.toBe(bug);
    expect(visited).toEqual(keyIds.slice(2));
    expect(await run()).toBe(PAGE_KEYS + 5);
  });

  it("A store that does not answer ends the run; the next one begins with the same page.", async () => {
    const { keyIds, visited, visit, run } = await openWalk(PAGE_KEYS + 5);
    const answers = visit.getMockImplementation() ?? (async () => true);
    visit.mockImplementation(async (view) => {
      if (view.key.keyId === keyIds[PAGE_KEYS + 2]) throw LOST;
      return answers(view);
    });
    await expect(run()).rejects.toBe(LOST);
    expect(visited).toEqual(keyIds.slice(0, PAGE_KEYS + 2));
    visit.mockImplementation(answers);
    expect(await run()).toBe(5);
    expect(visited.slice(PAGE_KEYS + 2)).toEqual(keyIds.slice(PAGE_KEYS));
  });

  it("ends at the key at which it is stopped", async () => {
    const { keyIds, visited, visit, run } = await openWalk(9);
    const stopping = new AbortController();
    const answers = visit.getMockImplementation() ?? (async () => true);
    visit.mockImplementation(async (view) => {
      if (view.key.keyId === keyIds[3]) stopping.abort();
      return answers(view);
    });
    expect(await run(stopping.signal)).toBe(4);
    expect(visited).toEqual(keyIds.slice(0, 4));
  });

  it("Calls get their turn between two keys, though the store answers at once.", async () => {
    const { run } = await openWalk(100);
    let turns = 0;
    let isOver = false;
    const takeTurn = () => {
      turns += 1;
      if (!isOver) setImmediate(takeTurn);
    };
    setImmediate(takeTurn);
    await run();
    isOver = true;
    expect(turns).toBeGreaterThan(50);
  });
});
