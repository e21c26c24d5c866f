// Rate limits and quotas through Verify: what an accepted use counts against, what a refused one tells, and
// that nothing else counts. Covers app/verify/verify-key.ts with app/limits on real stores.
import { describe, expect, it, vi } from "vitest";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { KeyLimits } from "../../../src/app/limits/key-limits.ts";
import { QuotaLeases } from "../../../src/app/limits/quota-leases.ts";
import { RateLimits } from "../../../src/app/limits/rate-limits.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { type VerifyKeyInput, verifyKey, verifyKeys } from "../../../src/app/verify/verify-key.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { seededBytes } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf } from "../outcomes.ts";
import { byId, refreshInput, revokeInput } from "../requests.ts";
import { create, openWorld, ROOT, verdictOf } from "../world.ts";

const RATE = { limit: 2, windowMs: 60_000 };
const DAILY = { limit: 3, period: "day" };

const ask = (apiKey: string, overrides: Partial<VerifyKeyInput> = {}): VerifyKeyInput => ({
  apiKey,
  expectedType: undefined,
  requiredScopes: [],
  clientAddress: "",
  userAgent: "",
  ...overrides,
});

/** Another node on the same store. */
function nodeOn(ports: AppPorts, seed: number) {
  const leases = new QuotaLeases({ quotas: ports.store.quotas, randomBytes: seededBytes(seed) });
  return { leases, ports: { ...ports, limits: new KeyLimits(new RateLimits(), leases) } };
}

async function verdictsOf(ports: AppPorts, apiKey: string, times: number): Promise<readonly string[]> {
  const verdicts: string[] = [];
  for (let call = 0; call < times; call++) verdicts.push(await verdictOf(ports, apiKey));
  return verdicts;
}

onEachStore("A key with a rate limit", (open) => {
  it("is refused above it, told what is left, and admitted again when told", async () => {
    const { ports, clock } = await open();
    const { apiKey } = await create(ports, { rateLimit: RATE });
    const verify = () => verifyKey(ports, ROOT, ask(apiKey));
    const rateLimit = (remaining: number, resetMs: number) => ({ limit: 2, remaining, resetMs });
    expect(await verify()).toMatchObject({ valid: true, limits: { rateLimit: rateLimit(1, 30_000) } });
    expect(await verify()).toMatchObject({ valid: true, limits: { rateLimit: rateLimit(0, 30_000) } });
    clock.now += 10_000;
    expect(await verify()).toMatchObject({
      valid: false,
      reason: "rate_limited",
      view: { key: { rateLimit: RATE } },
      limits: { rateLimit: rateLimit(0, 20_000) },
    });
    clock.now += 19_999;
    expect(await verdictOf(ports, apiKey)).toBe("rate_limited");
    clock.now += 1;
    expect(await verdictOf(ports, apiKey)).toBe("valid");
  });

  it("has one bucket over Refresh: both of its secrets draw from it", async () => {
    const { ports } = await open();
    const { apiKey, key } = await create(ports, { rateLimit: RATE });
    expect(await verdictOf(ports, apiKey)).toBe("valid");
    const refreshed = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { graceMs: 60_000 }));
    expect(await verdictOf(ports, refreshed.apiKey)).toBe("valid");
    expect(await verdictOf(ports, refreshed.apiKey)).toBe("rate_limited");
    expect(await verdictOf(ports, apiKey)).toBe("rate_limited");
  });
});

onEachStore("A key with a quota", (open) => {
  it("is refused when it is used up, told what is left, and admitted in the next period", async () => {
    const { ports, clock } = await open();
    const { apiKey } = await create(ports, { quota: DAILY });
    const quota = (remaining: number) => ({ quota: { limit: 3, remaining, resetMs: DAY_MS } });
    for (const remaining of [2, 1, 0]) {
      const verdict = await verifyKey(ports, ROOT, ask(apiKey));
      expect(verdict).toMatchObject({ valid: true, limits: quota(remaining) });
    }
    const refused = { valid: false, reason: "quota_exceeded", limits: quota(0) };
    expect(await verifyKey(ports, ROOT, ask(apiKey))).toMatchObject(refused);
    clock.now += DAY_MS - 1;
    expect(await verdictOf(ports, apiKey)).toBe("quota_exceeded");
    clock.now += 1;
    expect(await verdictOf(ports, apiKey)).toBe("valid");
  });

  it("without a period is never admitted again, and not told that it will be", async () => {
    const { ports, clock } = await open();
    const { apiKey } = await create(ports, { quota: { limit: 1, period: "none" } });
    expect(await verdictOf(ports, apiKey)).toBe("valid");
    clock.now += 1_000 * DAY_MS;
    const { limits } = await verifyKey(ports, ROOT, ask(apiKey));
    expect(limits?.quota).toEqual({ limit: 1, remaining: 0 });
  });

  it("is counted over all nodes and over Refresh: exactly as many uses as it allows", async () => {
    const { ports, clock } = await open();
    const nodes = [11, 12, 13].map((seed) => nodeOn(ports, seed));
    const { apiKey, key } = await create(ports, { quota: { limit: 300, period: "month" } });
    const refreshed = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { graceMs: 60_000 }));
    const apiKeys = [apiKey, refreshed.apiKey];
    const verify = (index: number) => verdictOf(nodes[index % 3]?.ports ?? ports, apiKeys[index % 2] ?? "");
    const verdicts = await Promise.all(Array.from({ length: 330 }, (_, index) => verify(index)));
    // What a node has set aside and not used goes back, and others use it.
    clock.now += 10_000;
    for (const { leases } of nodes) await leases.releaseIdle(clock.now);
    for (let index = 0; index < 30; index++) verdicts.push(await verify(index));
    expect(verdicts.filter((verdict) => verdict === "valid").length).toBe(300);
    expect(verdicts.filter((verdict) => verdict === "quota_exceeded").length).toBe(60);
  });

  it("It is no acceptance that its count cannot be had, and one call of many fails alone.", async () => {
    const { ports, store, uses } = await open();
    const limited = await create(ports, { quota: DAILY });
    const free = await create(ports);
    vi.spyOn(store.quotas, "grant").mockRejectedValue(storeUnavailable(new Error("no answer")));
    expect(await codeOf(verifyKey(ports, ROOT, ask(limited.apiKey)))).toBe("unavailable STORE_UNAVAILABLE");
    const outcomes = await verifyKeys(ports, ROOT, [ask(limited.apiKey), ask(free.apiKey)]);
    expect(outcomes).toMatchObject([
      { failure: { code: "unavailable" } },
      { verdict: { valid: true, limits: {} } },
    ]);
    expect(uses.map(({ keyId }) => keyId)).toEqual([free.key.keyId]);
  });
});

describe("A key with both", () => {
  it("is refused by its rate limit first, and then uses nothing of its quota", async () => {
    const { ports, clock, uses } = await openWorld();
    const { apiKey } = await create(ports, { rateLimit: RATE, quota: DAILY });
    expect(await verdictsOf(ports, apiKey, 4)).toEqual(["valid", "valid", "rate_limited", "rate_limited"]);
    clock.now += 60_000;
    expect(await verdictsOf(ports, apiKey, 3)).toEqual(["valid", "quota_exceeded", "rate_limited"]);
    expect(uses.length).toBe(3);
  });

  it("tells of both what is left", async () => {
    const { ports } = await openWorld();
    const { apiKey } = await create(ports, { rateLimit: RATE, quota: DAILY });
    expect(await verifyKey(ports, ROOT, ask(apiKey))).toMatchObject({
      limits: { rateLimit: { limit: 2, remaining: 1 }, quota: { limit: 3, remaining: 2 } },
    });
  });
});

describe("Whatever refuses a key before its limits counts nothing and tells nothing of them", () => {
  const limited = { rateLimit: RATE, quota: DAILY, scopes: ["read"], allowedCidrs: ["192.0.2.0/24"] };
  const fitting = { clientAddress: "192.0.2.1", requiredScopes: ["read"] };

  it.each<[string, Partial<VerifyKeyInput>]>([
    ["insufficient_scope", { ...fitting, requiredScopes: ["write"] }],
    ["address_not_allowed", { ...fitting, clientAddress: "198.51.100.1" }],
    ["wrong_type", { ...fitting, expectedType: "service" }],
  ])("%s", async (reason, overrides) => {
    const { ports, store, uses } = await openWorld();
    const { apiKey } = await create(ports, limited);
    const grant = vi.spyOn(store.quotas, "grant");
    for (let call = 0; call < 5; call++) {
      const verdict = await verifyKey(ports, ROOT, ask(apiKey, overrides));
      expect(verdict).toMatchObject({ valid: false, reason });
      expect(verdict.limits).toBeUndefined();
    }
    expect(grant).not.toHaveBeenCalled();
    expect(uses).toEqual([]);
    const admitted = await verifyKey(ports, ROOT, ask(apiKey, fitting));
    expect(admitted).toMatchObject({
      valid: true,
      limits: { rateLimit: { remaining: 1 }, quota: { remaining: 2 } },
    });
  });

  it("unknown, revoked", async () => {
    const { ports, store } = await openWorld();
    const { apiKey, key } = await create(ports, { rateLimit: RATE, quota: DAILY });
    const grant = vi.spyOn(store.quotas, "grant");
    const former = apiKey;
    const { apiKey: newest } = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId)));
    expect(await verdictsOf(ports, former, 3)).toEqual(["unknown", "unknown", "unknown"]);
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
    expect(await verdictsOf(ports, newest, 3)).toEqual(["revoked", "revoked", "revoked"]);
    expect(grant).not.toHaveBeenCalled();
  });
});
