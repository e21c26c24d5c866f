// One node over counts in memory, and what it asked of them. Its calls are answered at once, or held until
// the test answers them.
import { setImmediate } from "node:timers/promises";
import { vi } from "vitest";
import { QuotaLeases } from "../../../src/app/limits/quota-leases.ts";
import type { LimitedUse } from "../../../src/domain/grant/limit.ts";
import type { Quota } from "../../../src/domain/grant/quota.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { START, seededBytes } from "../../domain/build.ts";
import { MemoryQuotas } from "./memory-quotas.ts";
import { Network } from "./network.ts";

export const KEY = "flk_ukey00000001";
/** The day of START. */
export const DAY = "2030-01-01";
export const IDLE_MS = 10_000;
export const NO_ANSWER = storeUnavailable(new Error("no answer"));
export const once = (limit: number): Quota => ({ limit, period: "none" });
export const daily = (limit: number): Quota => ({ limit, period: "day" });

export function openNode(quotas = new MemoryQuotas(), seed = 1) {
  const grant = vi.spyOn(quotas, "grant");
  const giveBack = vi.spyOn(quotas, "giveBack");
  const lost = vi.fn();
  const leases = new QuotaLeases({ quotas, randomBytes: seededBytes(seed), lost });
  const use = async (quota: Quota, now = START, keyId = KEY) => leases.take(keyId, quota, now);
  const useTimes = async (times: number, quota: Quota, now = START) => {
    let last: LimitedUse | undefined;
    for (let index = 0; index < times; index++) last = await use(quota, now);
    return last;
  };
  const sizes = () => grant.mock.calls.map(([, { size }]) => size);
  return { quotas, leases, grant, giveBack, lost, use, useTimes, sizes };
}

/** A node whose calls to the store are held. */
export function openHeldNode(quotas = new MemoryQuotas()) {
  const network = new Network();
  const node = openNode(quotas);
  const leases = new QuotaLeases({
    quotas: network.linkTo(quotas, () => true),
    randomBytes: seededBytes(1),
  });
  const answer = async () => {
    await setImmediate();
    while (network.size > 0) {
      await network.decide(0, "written and answered");
      await setImmediate();
    }
  };
  return { ...node, leases, network, answer };
}
