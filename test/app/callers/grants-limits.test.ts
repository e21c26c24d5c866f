// A bound caller gives no key a later end, wider addresses or looser limits than its own, administrator or
// not, and does not lift what an operator switched off: the same for Create, Import, Update and Refresh.
import { expect, it } from "vitest";
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import { updateKey } from "../../../src/app/keys/update-key.ts";
import type { Owner } from "../../../src/domain/principal.ts";
import { START } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { openImports } from "../imports.ts";
import { update } from "../keys/updates.ts";
import { codeOf } from "../outcomes.ts";
import { updateInput } from "../requests.ts";
import { create, ROOT, stored, verdictOf } from "../world.ts";
import { ADDRESS, ALL_CALLS, callerOf, OPERATOR } from "./callers.ts";
import { outcomeOf, TARGET_OWNER, WAYS, type Wanted } from "./grant-ways.ts";

const ORG: Owner = { organizationId: "org-1" };
const BOUND: readonly Owner[] = [ORG, { userId: "user-1" }, TARGET_OWNER];
const ADMIN = ["fleetkey:admin"];

/** What every caller below has itself. Its address is in its own ranges. */
const OWN = {
  expireTime: START + 60_000,
  allowedCidrs: ["192.0.2.0/24"],
  rateLimit: { limit: 10, windowMs: 60_000 },
  quota: { limit: 100, period: "month" },
} satisfies Partial<CreateKeyInput>;

const EXCEEDING: readonly (readonly [string, Wanted, string])[] = [
  ["a later end", { ...OWN, expireTime: OWN.expireTime + 1 }, "expire_time"],
  ["no end", { ...OWN, expireTime: undefined }, "expire_time"],
  ["wider addresses", { ...OWN, allowedCidrs: ["192.0.2.0/23"] }, "allowed_cidrs"],
  ["other addresses beside", { ...OWN, allowedCidrs: ["192.0.2.1", "2001:db8::/32"] }, "allowed_cidrs"],
  ["all addresses", { ...OWN, allowedCidrs: [] }, "allowed_cidrs"],
  ["a larger burst", { ...OWN, rateLimit: { limit: 11, windowMs: 600_000 } }, "rate_limit"],
  ["a faster rate", { ...OWN, rateLimit: { limit: 10, windowMs: 59_999 } }, "rate_limit"],
  ["no rate limit", { ...OWN, rateLimit: undefined }, "rate_limit"],
  ["a larger quota", { ...OWN, quota: { limit: 101, period: "none" } }, "quota"],
  ["a quota by the day", { ...OWN, quota: { limit: 100, period: "day" } }, "quota"],
  ["no quota", { ...OWN, quota: undefined }, "quota"],
];
const FITTING: readonly (readonly [string, Wanted])[] = [
  ["the same", OWN],
  ["a sooner end", { ...OWN, expireTime: START + 1 }],
  ["fewer addresses", { ...OWN, allowedCidrs: ["192.0.2.128/25", "::ffff:192.0.2.1"] }],
  ["a lower rate", { ...OWN, rateLimit: { limit: 9, windowMs: 60_000 } }],
  ["a smaller quota", { ...OWN, quota: { limit: 3, period: "day" } }],
];

onEachStore("A bound caller", (open) => {
  it.each(EXCEEDING)("gives no key %s", async (_, wanted, field) => {
    for (const scopes of [ALL_CALLS, ADMIN]) {
      const { ports } = await openImports(open);
      const { caller } = await callerOf(ports, ORG, { ...OWN, scopes });
      for (const [way, attempt] of WAYS) {
        const outcome = await outcomeOf(ports, attempt, wanted, caller);
        expect([way, outcome]).toEqual([way, `permission_denied EXCEEDS_CALLER ${field}`]);
      }
    }
  });

  it.each(FITTING)("gives %s", async (_, wanted) => {
    const { ports } = await openImports(open);
    const { caller } = await callerOf(ports, ORG, OWN);
    for (const [way, attempt] of WAYS) {
      expect([way, await outcomeOf(ports, attempt, wanted, caller)]).toEqual([
        way,
        expect.objectContaining(wanted),
      ]);
    }
  });

  it("gives whatever it likes when it has no such limit itself, and an unbound one always does", async () => {
    const unlimited = { expireTime: undefined, allowedCidrs: [], rateLimit: undefined, quota: undefined };
    for (const [owner, own] of [
      [ORG, {}],
      [OPERATOR, OWN],
    ] as const) {
      const { ports } = await openImports(open);
      const { caller } = await callerOf(ports, owner, own);
      for (const [way, attempt] of WAYS) {
        expect([way, await outcomeOf(ports, attempt, unlimited, caller)]).toEqual([
          way,
          expect.objectContaining({ owner: TARGET_OWNER, allowedCidrs: [] }),
        ]);
      }
    }
  });

  it("cannot give itself more either, be it an administrator", async () => {
    const { ports } = await open();
    const { caller, key } = await callerOf(ports, ORG, { ...OWN, scopes: ADMIN });
    for (const path of ["expire_time", "allowed_cidrs", "rate_limit", "quota"]) {
      const input = updateInput(key.keyId, { paths: [path] });
      expect(await codeOf(updateKey(ports, caller, input))).toBe("permission_denied EXCEEDS_CALLER");
    }
    expect(await stored(ports, key.keyId)).toEqual(key);
    expect(caller.address).toBe(ADDRESS);
  });
});

onEachStore("What an operator switched off", (open) => {
  const switched = (isDisabled: boolean) => ({ paths: ["disabled"], disabled: isDisabled });

  it.each(BOUND)("a caller bound to %j cannot lift, administrator or not", async (owner) => {
    for (const scopes of [ALL_CALLS, ADMIN]) {
      for (const operator of [ROOT, (await callerOf((await open()).ports, OPERATOR)).caller]) {
        const world = await open();
        const { apiKey, key } = await create(world.ports, TARGET_OWNER);
        const { caller } = await callerOf(world.ports, owner, { scopes });
        const { key: off } = await update(world, key.keyId, switched(true), operator);
        expect(off.disablement).toMatchObject({ isByOperator: true, caller: operator.id });
        const lift = update(world, key.keyId, switched(false), caller);
        expect(await codeOf(lift)).toBe("permission_denied DISABLED_BY_OPERATOR");
        const both = update(world, key.keyId, { paths: ["disabled", "name"], name: "new" }, caller);
        expect(await codeOf(both)).toBe("permission_denied DISABLED_BY_OPERATOR");
        expect(await stored(world.ports, key.keyId)).toEqual(off);
        expect(await verdictOf(world.ports, apiKey)).toBe("disabled");
      }
    }
  });

  it("a bound caller can change otherwise, and not make it its own by doing it again", async () => {
    const world = await open();
    const { key } = await create(world.ports, TARGET_OWNER);
    const { caller } = await callerOf(world.ports, ORG);
    const { key: off } = await update(world, key.keyId, switched(true));
    const again = { ...switched(true), paths: ["disabled", "name"], name: "new" };
    const { key: changed } = await update(world, key.keyId, again, caller);
    expect(changed).toMatchObject({ name: "new", disablement: off.disablement });
    expect(await codeOf(update(world, key.keyId, switched(false), caller))).toBe(
      "permission_denied DISABLED_BY_OPERATOR",
    );
  });

  it("over what a bound caller had switched off, that caller cannot lift any more", async () => {
    const world = await open();
    const { key } = await create(world.ports, TARGET_OWNER);
    const { caller } = await callerOf(world.ports, ORG);
    await update(world, key.keyId, switched(true), caller);
    await update(world, key.keyId, switched(true));
    expect(await codeOf(update(world, key.keyId, switched(false), caller))).toBe(
      "permission_denied DISABLED_BY_OPERATOR",
    );
  });

  it("a caller without bounds lifts, and what a bound one switched off any of them does", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports, TARGET_OWNER);
    const { caller: operator } = await callerOf(world.ports, OPERATOR);
    const { caller: bound } = await callerOf(world.ports, ORG);
    const { caller: other } = await callerOf(world.ports, { userId: "user-1" });
    for (const [by, lifter] of [
      [ROOT, operator],
      [operator, ROOT],
      [bound, bound],
      [bound, other],
      [bound, operator],
    ] as const) {
      await update(world, key.keyId, switched(true), by);
      expect(await verdictOf(world.ports, apiKey)).toBe("disabled");
      await update(world, key.keyId, switched(false), lifter);
      expect(await verdictOf(world.ports, apiKey)).toBe("valid");
    }
  });
});
