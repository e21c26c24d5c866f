// What a node has set aside and does not use goes back, once and by nobody else, and is not used any more
// from then on. Covers app/limits/quota-leases.ts and quota-account.ts.
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { QuotaAccount } from "../../../src/app/limits/quota-account.ts";
import { QuotaLeases } from "../../../src/app/limits/quota-leases.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { START, seededBytes } from "../../domain/build.ts";
import { settle } from "../outcomes.ts";
import { MemoryQuotas } from "./memory-quotas.ts";
import { DAY, daily, IDLE_MS, KEY, NO_ANSWER, once, openHeldNode, openNode } from "./node.ts";

describe("A quota that was changed", () => {
  it.each([500, 2_000])(
    "gives back the rest of its block, and then takes one of the new limit: %i",
    async (limit) => {
      const { useTimes, use, giveBack, grant, quotas } = openNode();
      await useTimes(4, once(1_000));
      expect(await use(once(limit))).toEqual({ isAdmitted: true, status: { limit, remaining: limit - 5 } });
      const leaseId = grant.mock.calls[1]?.[1].leaseId;
      expect(giveBack.mock.calls).toEqual([[{ keyId: KEY, period: { id: "all" } }, leaseId, 6]]);
      expect(giveBack.mock.invocationCallOrder[0]).toBeLessThan(grant.mock.invocationCallOrder[2] ?? 0);
      expect(quotas.granted(KEY)).toBe(5);
    },
  );

  it("is refused when more were used than it allows now", async () => {
    const { useTimes } = openNode();
    await useTimes(7, once(1_000));
    expect(await useTimes(1, once(6))).toEqual({ isAdmitted: false, status: { limit: 6, remaining: 0 } });
  });

  it("asks the store once at a time, also while uses of the former limit wait", async () => {
    const { leases, network, answer } = openHeldNode();
    const take = (limit: number) => Promise.resolve(leases.take(KEY, once(limit), START));
    const waiting = [take(1_000), take(1_000), take(900), take(1_000), take(900)];
    await setImmediate();
    expect(network.size).toBe(1);
    await answer();
    expect((await Promise.all(waiting)).every(({ isAdmitted }) => isAdmitted)).toBe(true);
  });

  it("asks the store once at a time, also for an account that another one's end outlives", async () => {
    const { leases, network, answer } = openHeldNode();
    const take = (limit: number) => Promise.resolve(leases.take(KEY, once(limit), START));
    const former = take(1_000);
    const closed = take(900);
    const stopping = leases.releaseAll(START);
    await setImmediate();
    await network.decide(0, "written and answered");
    await former;
    const next = take(900);
    await setImmediate();
    expect(network.size).toBe(1);
    await answer();
    expect(await Promise.all([closed, next])).toMatchObject([{ isAdmitted: true }, { isAdmitted: true }]);
    await stopping;
  });

  it("goes on when the rest can not be given back: it counts as used", async () => {
    const { useTimes, use, giveBack, lost, quotas } = openNode();
    await useTimes(4, once(1_000));
    giveBack.mockRejectedValueOnce(NO_ANSWER);
    expect(await use(once(2_000))).toMatchObject({ isAdmitted: true });
    expect(quotas.granted(KEY)).toBe(11);
    expect(lost.mock.calls).toEqual([[NO_ANSWER]]);
    expect(giveBack).toHaveBeenCalledTimes(1);
  });
});

describe("A period that is over", () => {
  it("is forgotten: nothing of it is used in the next one, nothing is given back", async () => {
    const { useTimes, use, giveBack, quotas } = openNode();
    await useTimes(4, daily(1_000));
    expect((await use(daily(1_000), START + DAY_MS)).status.remaining).toBe(999);
    expect(giveBack).not.toHaveBeenCalled();
    expect(quotas.granted(KEY, DAY)).toBe(10);
    expect(quotas.granted(KEY, "2030-01-02")).toBe(1);
  });

  it("is not over for a clock that was set back: its rest is given back", async () => {
    const { useTimes, use, quotas } = openNode();
    await useTimes(4, daily(1_000));
    expect(await use(daily(1_000), START - 1)).toMatchObject({ isAdmitted: true });
    expect(quotas.granted(KEY, DAY)).toBe(4);
    expect(quotas.granted(KEY, "2029-12-31")).toBe(1);
  });
});

it("An account that is closed hands out nothing more.", async () => {
  const quotas = new MemoryQuotas();
  const subject = { keyId: KEY, period: { id: "all" }, limit: 1_000 };
  const account = new QuotaAccount(subject, { quotas, randomBytes: seededBytes(1) });
  for (let use = 0; use < 2; use++) await account.takeLeased(START);
  expect(account.takeHeld(START)).toMatchObject({ isAdmitted: true });
  await account.close(START);
  expect(account.takeHeld(START)).toBeUndefined();
  expect(quotas.granted(KEY)).toBe(3);
});

describe("A key that rests", () => {
  it.each([
    [IDLE_MS - 1, 10],
    [IDLE_MS, 4],
    [-IDLE_MS, 4],
  ])("has after %i ms, by the clock, so many uses granted: %i", async (laterMs, granted) => {
    const { useTimes, leases, quotas } = openNode();
    await useTimes(4, once(1_000));
    await leases.releaseIdle(START + laterMs);
    expect(quotas.granted(KEY)).toBe(granted);
    expect(await useTimes(6, once(1_000), START + laterMs)).toMatchObject({ isAdmitted: true });
    expect(quotas.granted(KEY)).toBe(laterMs === IDLE_MS - 1 ? 10 : 14);
  });

  it("is not given back while it is used, nor while somebody waits", async () => {
    const { useTimes, use, leases, giveBack, grant } = openNode();
    await useTimes(4, once(1_000));
    await use(once(1_000), START + 1);
    await leases.releaseIdle(START + IDLE_MS);
    expect(giveBack).not.toHaveBeenCalled();
    await useTimes(5, once(1_000), START + 1);
    const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof grant>>>();
    grant.mockReturnValueOnce(promise);
    const waiting = use(once(1_000), START + 1);
    await leases.releaseIdle(START + 2 * IDLE_MS);
    resolve({ isGranted: true, granted: 19 });
    expect(await waiting).toMatchObject({ isAdmitted: true });
    expect(giveBack).not.toHaveBeenCalled();
  });

  it("uses nothing of what is being given back: a use waits, and takes what is new", async () => {
    const { leases, network, answer, quotas } = openHeldNode();
    const take = (now = START) => Promise.resolve(leases.take(KEY, once(1_000), now));
    const uses = [take(), take(), take(), take()];
    await setImmediate();
    await answer();
    await Promise.all(uses);
    const resting = leases.releaseIdle(START + IDLE_MS);
    await setImmediate();
    const later = take(START + IDLE_MS);
    await setImmediate();
    expect(network.size).toBe(1);
    await answer();
    expect((await later).status.remaining).toBe(995);
    await resting;
    expect(quotas.granted(KEY)).toBe(5);
  });

  it("A store that does not answer is asked for one lot of keys; the others keep theirs.", async () => {
    const { leases, giveBack, lost, use } = openNode();
    const keyIds = Array.from({ length: 40 }, (_, index) => `flk_ukey${index}`);
    for (const keyId of keyIds) for (let uses = 0; uses < 2; uses++) await use(once(1_000), START, keyId);
    giveBack.mockRejectedValue(NO_ANSWER);
    await leases.releaseIdle(START + IDLE_MS);
    expect(giveBack).toHaveBeenCalledTimes(16);
    expect(lost).toHaveBeenCalledTimes(16);
    const atOnce = keyIds.filter(
      (keyId) => !(leases.take(keyId, once(1_000), START + IDLE_MS) instanceof Promise),
    );
    expect(atOnce.length).toBe(24);
  });
});

it("A key that is used while others are given back keeps what it has.", async () => {
  const { leases, giveBack, use, quotas } = openNode();
  const keyIds = Array.from({ length: 40 }, (_, index) => `flk_ukey${index}`);
  for (const keyId of keyIds) for (let uses = 0; uses < 2; uses++) await use(once(1_000), START, keyId);
  let uses: readonly Promise<unknown>[] = [];
  giveBack.mockImplementationOnce(async () => {
    uses = keyIds.map((keyId) => use(once(1_000), START + IDLE_MS, keyId));
    return false;
  });
  await leases.releaseIdle(START + IDLE_MS);
  await Promise.all(uses);
  expect(giveBack).toHaveBeenCalledTimes(16);
  // The first one, whose give-back was not carried out, is still in the store.
  expect(keyIds.filter((keyId) => quotas.leases(keyId) === 1).length).toBe(25);
});

describe("The end of a process", () => {
  it("gives back all that is set aside, once those who wait are served", async () => {
    const { leases, network, answer, quotas } = openHeldNode();
    const waiting = Array.from({ length: 40 }, async (_, index) =>
      leases.take(`flk_ukey${index % 20}`, once(1_000), START),
    );
    await setImmediate();
    const stopping = leases.releaseAll(START);
    await setImmediate();
    expect(network.size).toBe(20);
    for (let turn = 0; turn < 3; turn++) {
      await answer();
      await setImmediate();
    }
    await stopping;
    expect((await settle(waiting)).refused).toEqual([]);
    expect(Array.from({ length: 20 }, (_, index) => quotas.granted(`flk_ukey${index}`))).toEqual(
      new Array(20).fill(2),
    );
  });

  it("is not held up longer than its signal allows", async () => {
    const { leases, giveBack, use } = openNode();
    for (let key = 0; key < 40; key++) {
      for (let uses = 0; uses < 2; uses++) await use(once(1_000), START, `flk_ukey${key}`);
    }
    const ending = new AbortController();
    giveBack.mockImplementationOnce(async () => {
      ending.abort();
      return true;
    });
    await leases.releaseAll(START, ending.signal);
    expect(giveBack).toHaveBeenCalledTimes(16);
  });
});

it("A node keeps 100,000 accounts: the one that rested for longest is given back for another.", async () => {
  const quotas = new MemoryQuotas();
  const leases = new QuotaLeases({ quotas, randomBytes: seededBytes(1) });
  const use = async (keyId: string) => leases.take(keyId, once(1_000), START);
  const useAll = async (name: string, from: number, to: number) => {
    for (let key = from; key < to; key++) await use(`${name}${key}`);
  };
  const granted = () => [0, 1, 2].map((key) => quotas.granted(`early${key}`));
  await useAll("early", 0, 100_000);
  // These three set some aside and are the newest now, in this order: 1, 2, 0.
  await useAll("early", 0, 3);
  await use("early0");
  await useAll("late", 0, 99_997);
  expect(granted()).toEqual([10, 10, 10]);
  await useAll("late", 99_997, 99_998);
  expect(granted()).toEqual([10, 2, 10]);
  await useAll("late", 99_998, 99_999);
  expect(granted()).toEqual([10, 2, 2]);
});
