// What one node does with a quota: it asks the store as seldom as it can and admits no more than the store
// has granted. Covers app/limits/quota-leases.ts and quota-account.ts; what goes back is for
// quota-release.test.ts.
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { unavailable } from "../../../src/domain/errors.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { START } from "../../domain/build.ts";
import { codeOf, settle } from "../outcomes.ts";
import { daily, IDLE_MS, KEY, NO_ANSWER, once, openHeldNode, openNode } from "./node.ts";

const EXCEEDED_MS = 1_000;

describe("A use of a quota", () => {
  it("is answered without the store while the node has some set aside", async () => {
    const { leases, useTimes, grant } = openNode();
    await useTimes(2, once(1_000));
    expect(grant).toHaveBeenCalledTimes(2);
    for (let left = 8; left > 0; left--)
      expect(leases.take(KEY, once(1_000), START)).not.toBeInstanceOf(Promise);
    expect(grant).toHaveBeenCalledTimes(2);
    expect(leases.take(KEY, once(1_000), START)).toBeInstanceOf(Promise);
  });

  it("is the first one: it is asked for alone, and then a hundredth of what is left", async () => {
    const { useTimes, sizes } = openNode();
    await useTimes(1_050, once(100_000));
    expect(sizes()).toEqual([1, 999, 990]);
  });

  it("sets aside less and less, and the last ones one by one", async () => {
    const { useTimes, sizes, quotas } = openNode();
    expect(await useTimes(300, once(300))).toMatchObject({ isAdmitted: true });
    expect(sizes().slice(0, 3)).toEqual([1, 2, 2]);
    expect(sizes().slice(-198)).toEqual(new Array(198).fill(1));
    expect(quotas.granted(KEY)).toBe(300);
  });

  it("tells what this node knows to be left, and for how long", async () => {
    const { use, quotas } = openNode();
    const other = openNode(quotas, 2);
    const now = START + 3_600_000;
    expect((await use(daily(1_000), now)).status).toEqual({
      limit: 1_000,
      remaining: 999,
      resetMs: 23 * 3_600_000,
    });
    await other.useTimes(2, daily(1_000), now);
    // The other one has set 9 aside and used one of them.
    expect((await other.use(daily(1_000), now)).status.remaining).toBe(996);
    expect((await use(daily(1_000), now)).status.remaining).toBe(1_000 - 1 - 10 - 1);
    expect((await use(once(5))).status).toEqual({ limit: 5, remaining: 4 });
  });

  it("is counted for its key alone, and for its period alone", async () => {
    const { use } = openNode();
    const isAdmitted = async (...call: Parameters<typeof use>) => (await use(...call)).isAdmitted;
    expect(await isAdmitted(daily(1))).toBe(true);
    expect(await isAdmitted(daily(1))).toBe(false);
    expect(await isAdmitted(daily(1), START, "flk_uother000001")).toBe(true);
    expect(await isAdmitted(daily(1), START + DAY_MS - 1)).toBe(false);
    expect(await isAdmitted(daily(1), START + DAY_MS)).toBe(true);
    expect(await isAdmitted({ limit: 1, period: "month" }, START + DAY_MS)).toBe(true);
    expect(await isAdmitted({ limit: 1, period: "month" }, START + 30 * DAY_MS)).toBe(false);
    expect(await isAdmitted({ limit: 1, period: "month" }, START + 31 * DAY_MS)).toBe(true);
    expect(await isAdmitted(once(1), START)).toBe(true);
    expect(await isAdmitted(once(1), START + 10_000 * DAY_MS)).toBe(false);
  });
});

describe("Uses that wait for the store", () => {
  it("share one question, and the block that it brings", async () => {
    const { leases, network, answer, sizes } = openHeldNode();
    const first = leases.take(KEY, once(10_000), START);
    await setImmediate();
    expect(network.size).toBe(1);
    const waiting = Array.from({ length: 250 }, async () => leases.take(KEY, once(10_000), START));
    expect(network.size).toBe(1);
    await answer();
    const uses = await Promise.all([first, ...waiting]);
    expect(uses.every(({ isAdmitted }) => isAdmitted)).toBe(true);
    expect(sizes()).toEqual([1, 99, 99, 98]);
  });

  it("are admitted in their order when there is not enough for all", async () => {
    const { leases, answer } = openHeldNode();
    const waiting = Array.from({ length: 8 }, async () => leases.take(KEY, once(5), START));
    await answer();
    const admitted = (await Promise.all(waiting)).map(({ isAdmitted }) => isAdmitted);
    expect(admitted).toEqual([true, true, true, true, true, false, false, false]);
  });

  it("Are bounded: 1,000 of one key wait, more are told to come back.", async () => {
    const { leases, answer } = openHeldNode();
    const take = (keyId = KEY) => Promise.resolve(leases.take(keyId, once(10_000), START));
    const waiting = Array.from({ length: 1_000 }, () => take());
    expect(await codeOf(take())).toBe("unavailable QUOTA_BUSY");
    const other = take("flk_uother000001");
    await answer();
    expect((await settle([...waiting, other])).refused).toEqual([]);
    expect(await take()).toMatchObject({ isAdmitted: true });
  });

  it("Are bounded: 10,000 of all keys wait, more are told to come back.", async () => {
    const { leases, answer } = openHeldNode();
    const take = (key: number) => Promise.resolve(leases.take(`flk_ukey${key}`, once(10_000), START));
    const waiting = Array.from({ length: 10_000 }, (_, index) => take(index % 500));
    expect(await codeOf(take(1))).toBe("unavailable QUOTA_BUSY");
    expect(await codeOf(take(501))).toBe("unavailable QUOTA_BUSY");
    await answer();
    expect((await settle(waiting)).refused).toEqual([]);
    const late = take(501);
    await answer();
    expect(await late).toMatchObject({ isAdmitted: true });
  });
});

describe("A block that the store refuses, because other nodes were faster", () => {
  it("is asked for again in the size that is left", async () => {
    const { useTimes, use, sizes, quotas } = openNode();
    await useTimes(1, once(100_000));
    await quotas.grant({ keyId: KEY, period: { id: "all" } }, { leaseId: "other", size: 99_499 }, 100_000);
    // It was 999 that this node thought to be fit; 500 are left.
    expect(await use(once(100_000))).toMatchObject({ isAdmitted: true });
    expect(sizes()).toEqual([1, 99_499, 999, 5]);
  });

  it("is asked for four times at most, the last time for one use", async () => {
    const { useTimes, use, grant, sizes } = openNode();
    await useTimes(1, once(1_000_000));
    // Each time the others have left room for a smaller block than the one that is asked for.
    for (const granted of [999_500, 999_600, 999_700]) {
      grant.mockResolvedValueOnce({ isGranted: false, granted });
    }
    expect(await use(once(1_000_000))).toMatchObject({ isAdmitted: true });
    expect(sizes()).toEqual([1, 1_000, 5, 4, 1]);
  });

  it("is `unavailable` after that: a count that is never seen to be used up is no refusal.", async () => {
    const { use, grant } = openNode();
    grant.mockResolvedValue({ isGranted: false, granted: 3 });
    expect(await codeOf(use(once(10)))).toBe("unavailable QUOTA_BUSY");
    expect(grant).toHaveBeenCalledTimes(4);
    grant.mockRestore();
    expect(await use(once(10))).toMatchObject({ isAdmitted: true });
  });
});

describe("A quota that is used up", () => {
  it("is refused, with nothing left and the time of the next period", async () => {
    const { useTimes } = openNode();
    expect(await useTimes(3, daily(2))).toEqual({
      isAdmitted: false,
      status: { limit: 2, remaining: 0, resetMs: DAY_MS },
    });
    expect(await useTimes(3, once(2))).toEqual({ isAdmitted: false, status: { limit: 2, remaining: 0 } });
  });

  it(`A storm against it does not reach the store: it is remembered for ${EXCEEDED_MS} ms.`, async () => {
    const { leases, useTimes, grant } = openNode();
    await useTimes(2, once(1));
    const calls = grant.mock.calls.length;
    for (const later of [0, 1, EXCEEDED_MS - 1]) {
      expect(leases.take(KEY, once(1), START + later)).toMatchObject({ isAdmitted: false });
    }
    expect(grant).toHaveBeenCalledTimes(calls);
    expect(await leases.take(KEY, once(1), START + EXCEEDED_MS)).toMatchObject({ isAdmitted: false });
    expect(grant).toHaveBeenCalledTimes(calls + 1);
  });

  it.each([EXCEEDED_MS, -1])("is asked about again after %i ms, since others give back", async (laterMs) => {
    const { useTimes, use, quotas } = openNode();
    const other = { leaseId: "other", size: 10 };
    await quotas.grant({ keyId: KEY, period: { id: "all" } }, other, 10);
    expect(await useTimes(2, once(10))).toMatchObject({ isAdmitted: false });
    await quotas.giveBack({ keyId: KEY, period: { id: "all" } }, other.leaseId, 4);
    expect(await use(once(10))).toMatchObject({ isAdmitted: false });
    expect(await use(once(10), START + laterMs)).toMatchObject({ isAdmitted: true });
  });
});

describe("A grant that was not answered", () => {
  it("fails those who wait for it, and no use of it is ever admitted", async () => {
    const { leases, network, answer, quotas, sizes } = openHeldNode();
    const take = () => Promise.resolve(leases.take(KEY, once(1_000), START));
    const first = take();
    await setImmediate();
    await answer();
    await first;
    const waiting = Array.from({ length: 3 }, take);
    await setImmediate();
    await network.decide(0, "written, and failed");
    const { refused } = await settle(waiting);
    expect(refused).toEqual(new Array(3).fill("unavailable STORE_UNAVAILABLE"));
    // It counts as used: the next use is one of another block.
    const next = take();
    await setImmediate();
    await answer();
    expect((await next).status.remaining).toBe(1_000 - 1 - 9 - 1);
    expect(sizes()).toEqual([1, 9, 9]);
    expect(quotas.granted(KEY)).toBe(19);
  });

  it("is not asked for again under the same lease id", async () => {
    const { use, grant } = openNode();
    grant.mockRejectedValueOnce(NO_ANSWER);
    expect(await codeOf(use(once(10)))).toBe("unavailable STORE_UNAVAILABLE");
    await use(once(10));
    const [first, second] = grant.mock.calls.map(([, { leaseId }]) => leaseId);
    expect(first).toMatch(/^[0-9A-Za-z]{16}$/);
    expect(second).not.toBe(first);
  });
});

describe("A lease that is used up", () => {
  it("is forgotten with the next grant that is answered", async () => {
    const { useTimes, use, grant, quotas } = openNode();
    await useTimes(10, once(1_000));
    const leaseId = grant.mock.calls[1]?.[1].leaseId;
    grant.mockRejectedValueOnce(NO_ANSWER);
    await expect(use(once(1_000))).rejects.toThrow();
    await use(once(1_000));
    const finished = grant.mock.calls.map(([, , , finishedLeaseId]) => finishedLeaseId);
    expect(finished).toEqual([undefined, undefined, leaseId, leaseId]);
    expect(quotas.leases(KEY)).toBe(1);
  });

  it("is forgotten when the key rests", async () => {
    const { useTimes, leases, quotas } = openNode();
    await useTimes(10, once(1_000));
    expect(quotas.leases(KEY)).toBe(1);
    await leases.releaseIdle(START + IDLE_MS);
    expect(quotas.leases(KEY)).toBe(0);
    expect(quotas.granted(KEY)).toBe(10);
  });

  it("is not named again when it was of one use, which the store does not remember", async () => {
    const { useTimes, leases, giveBack, grant } = openNode();
    await useTimes(10, once(100));
    expect(grant.mock.calls.every(([, { size }, , finished]) => size === 1 && finished === undefined)).toBe(
      true,
    );
    await leases.releaseIdle(START + IDLE_MS);
    expect(giveBack).not.toHaveBeenCalled();
  });
});

it("An error that is none of the store's reaches who waits as it is.", async () => {
  const { use, grant } = openNode();
  const error = unavailable("another one", "ANOTHER");
  grant.mockRejectedValueOnce(error);
  await expect(use(once(5))).rejects.toBe(error);
});
