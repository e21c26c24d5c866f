// Covers when a new key ends: what was asked for by expire_time or ttl, what the operator set for its type,
// and what is refused, each to the millisecond.
import { describe, expect, it } from "vitest";
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import { createKey } from "../../../src/app/keys/create-key.ts";
import type { KeyPolicy } from "../../../src/app/ports.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { START } from "../../domain/build.ts";
import { violationsOf } from "../outcomes.ts";
import { createInput, NEEDED } from "../requests.ts";
import { create, openWorld, ROOT } from "../world.ts";

const YEAR_10000 = 253_402_300_800_000;
const FUTURE = "must be in the future";
const SECOND = "must be at least one second";
const TOO_LATE = "must be before the year 10000";
const BOTH = "must not be set together with expire_time";

/** Users have a default and a maximum, services a maximum alone, integrations a default alone. */
const BOUNDED: Partial<KeyPolicy> = {
  ttlDefaultMs: { user: 10 * DAY_MS, integration: 3 * DAY_MS },
  ttlMaxMs: { user: 20 * DAY_MS, service: 5 * DAY_MS },
};

describe("The lifetime of a new key", () => {
  it.each<[Partial<CreateKeyInput>, number | undefined]>([
    [{}, undefined],
    [{ expireTime: START + 1 }, START + 1],
    [{ expireTime: YEAR_10000 - 1 }, YEAR_10000 - 1],
    [{ ttlMs: 1_000 }, START + 1_000],
    [{ ttlMs: YEAR_10000 - 1 - START }, YEAR_10000 - 1],
  ])("is what was asked for: %o", async (asked, end) => {
    const { ports } = await openWorld();
    expect((await create(ports, asked)).key.expireTime).toBe(end);
  });

  it.each<[Partial<CreateKeyInput>, string, string]>([
    [{ expireTime: START }, "expire_time", FUTURE],
    [{ expireTime: START - 1 }, "expire_time", FUTURE],
    [{ expireTime: 0 }, "expire_time", FUTURE],
    [{ expireTime: Number.NaN }, "expire_time", FUTURE],
    [{ expireTime: YEAR_10000 }, "expire_time", TOO_LATE],
    [{ ttlMs: 999 }, "ttl", SECOND],
    [{ ttlMs: 0 }, "ttl", SECOND],
    [{ ttlMs: -1_000 }, "ttl", SECOND],
    [{ ttlMs: Number.NaN }, "ttl", SECOND],
    [{ ttlMs: YEAR_10000 - START }, "ttl", TOO_LATE],
    [{ ttlMs: 315_576_000_000_000 }, "ttl", TOO_LATE],
    [{ ttlMs: 1_000, expireTime: START + 1_000 }, "ttl", BOTH],
    [{ ttlMs: Number.NaN, expireTime: Number.NaN }, "ttl", BOTH],
  ])("is refused: %o", async (asked, field, description) => {
    const { ports } = await openWorld();
    const violations = await violationsOf(createKey(ports, ROOT, createInput(asked)));
    expect(violations).toEqual([{ field, description }]);
  });
});

describe("The operator's bounds on a lifetime", () => {
  it.each([
    ["user", 10 * DAY_MS],
    ["service", 5 * DAY_MS],
    ["integration", 3 * DAY_MS],
    ["organization", undefined],
    ["publishable", undefined],
  ] as const)("give a %s key that asks for nothing %j ms", async (type, ttlMs) => {
    const { ports } = await openWorld({ policy: BOUNDED });
    const { key } = await create(ports, NEEDED[type]);
    expect(key.expireTime).toBe(ttlMs === undefined ? undefined : START + ttlMs);
  });

  it.each([
    ["user", "ttlMs", 20 * DAY_MS],
    ["user", "expireTime", START + 20 * DAY_MS],
    ["service", "ttlMs", 5 * DAY_MS],
    ["service", "expireTime", START + 5 * DAY_MS],
  ] as const)("let a %s key with %s %i live, and not a ms longer", async (type, field, most) => {
    const { ports } = await openWorld({ policy: BOUNDED });
    await create(ports, { ...NEEDED[type], [field]: most });
    const input = createInput({ ...NEEDED[type], [field]: most + 1 });
    const violations = await violationsOf(createKey(ports, ROOT, input));
    const seconds = BOUNDED.ttlMaxMs?.[type] ?? 0;
    expect(violations).toEqual([
      {
        field: field === "ttlMs" ? "ttl" : "expire_time",
        description: `must be at most ${seconds / 1_000} seconds from now for this key type`,
      },
    ]);
  });

  it("do not bind the types that have none", async () => {
    const { ports } = await openWorld({ policy: BOUNDED });
    const { key } = await create(ports, { ...NEEDED.organization, ttlMs: 1_000 * DAY_MS });
    expect(key.expireTime).toBe(START + 1_000 * DAY_MS);
  });
});
