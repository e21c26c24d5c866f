// Covers what app/callers/authenticate-caller.ts refuses: one answer for every credential that is not right,
// whatever is wrong with it; how often an address can try; and a key that is over its own limits.
import { expect, it } from "vitest";
import { credentialRequired } from "../../../src/app/callers/authenticate-caller.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { revokeAllForOrganization, revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { keyPrefixes } from "../../../src/domain/api-key/key-format.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { buildApiKey, START } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { legacyKey, openImports } from "../imports.ts";
import { update } from "../keys/updates.ts";
import { codeOf, errorOf, refusalOf } from "../outcomes.ts";
import { byId, NEEDED, refreshInput, revokeInput, revokeUserInput } from "../requests.ts";
import { create, ROOT, secretOf, type World } from "../world.ts";
import { ADDRESS, doorOf, ROOT_KEYS } from "./callers.ts";

const INVALID = "unauthenticated CREDENTIAL_INVALID";
const SCOPES = ["fleetkey:*"];
const MEMBER = { organizationId: "org-1", scopes: SCOPES };

/** Each makes a credential that lets nobody in. */
const REFUSED: readonly (readonly [string, (world: World) => Promise<string>])[] = [
  ["text", async () => "garbage"],
  ["nothing", async () => ""],
  ["a root credential with a character more", async () => `${ROOT_KEYS[0]}0`],
  ["a key_id", async ({ ports }) => (await create(ports, MEMBER)).key.keyId],
  ["an api_key of no key", async () => buildApiKey("user", 4_711)],
  [
    "an api_key with the secret of another key",
    async ({ ports }) => {
      const [one, other] = [await create(ports, MEMBER), await create(ports, MEMBER)];
      return one.apiKey.replace(secretOf(one.apiKey), secretOf(other.apiKey));
    },
  ],
  ["an api_key that was cut", async ({ ports }) => (await create(ports, MEMBER)).apiKey.slice(0, -1)],
  ["an api_key of another environment", async () => buildApiKey("user", 1, keyPrefixes("staging", {}))],
  [
    "an api_key of another environment with the same prefix",
    async ({ ports }) => {
      const elsewhere = { ...ports, policy: { ...ports.policy, environment: "staging" } };
      return (await create(elsewhere, MEMBER)).apiKey;
    },
  ],
  ["a foreign api_key that was never imported", async () => legacyKey(4_711)],
  [
    "the api_key of a disabled key",
    async (world) => {
      const { apiKey, key } = await create(world.ports, MEMBER);
      await update(world, key.keyId, { paths: ["disabled"], disabled: true });
      return apiKey;
    },
  ],
  [
    "the api_key of an expired key",
    async ({ ports, clock }) => {
      const { apiKey } = await create(ports, { ...MEMBER, ttlMs: 1_000 });
      clock.now += 1_000;
      return apiKey;
    },
  ],
  [
    "the api_key of a revoked key",
    async ({ ports }) => {
      const { apiKey, key } = await create(ports, MEMBER);
      await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
      return apiKey;
    },
  ],
  [
    "the api_key of a key whose user was revoked",
    async ({ ports }) => {
      const { apiKey } = await create(ports, MEMBER);
      await revokeAllForUser(ports, ROOT, revokeUserInput());
      return apiKey;
    },
  ],
  [
    "the api_key of a key whose organization was revoked",
    async ({ ports }) => {
      const { apiKey } = await create(ports, MEMBER);
      const circumstances = { reason: "", requestId: "" };
      await revokeAllForOrganization(ports, ROOT, { organizationId: "org-1", ...circumstances });
      return apiKey;
    },
  ],
  [
    "an api_key from an address that its key is not for",
    async ({ ports }) => (await create(ports, { ...MEMBER, allowedCidrs: ["198.51.100.0/24"] })).apiKey,
  ],
  [
    "a publishable api_key",
    async ({ ports }) => (await create(ports, { ...NEEDED.publishable, scopes: SCOPES })).apiKey,
  ],
  [
    "a former secret without a grace",
    async ({ ports }) => {
      const { apiKey, key } = await create(ports, MEMBER);
      await refreshKey(ports, ROOT, refreshInput(byId(key.keyId)));
      return apiKey;
    },
  ],
  [
    "a former secret whose grace is over",
    async ({ ports, clock }) => {
      const { apiKey, key } = await create(ports, MEMBER);
      await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { graceMs: 1_000 }));
      clock.now += 1_000;
      return apiKey;
    },
  ],
];

onEachStore("Every wrong credential is refused in the same words, counted, and no use", (open) => {
  it.each(REFUSED)("%s", async (_, make) => {
    const world = await openImports(open);
    const { show, authenticate, attempts } = doorOf(world.ports);
    const secret = await make(world);
    const { code, message, details } = credentialRequired("CREDENTIAL_INVALID");
    expect(await refusalOf(show(secret))).toEqual({ code, message, details });
    expect(await refusalOf(authenticate({ credential: { kind: "invalid" } }))).toEqual({
      code,
      message,
      details,
    });
    expect(attempts.count).toBe(2);
    expect(world.uses).toEqual([]);
  });

  it("A key that is for some addresses lets nobody in whose address is not known.", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports, { ...MEMBER, allowedCidrs: ["0.0.0.0/0", "::/0"] });
    const { authenticate } = doorOf(ports);
    expect(await codeOf(authenticate({ credential: { kind: "one", secret: apiKey } }))).toBe(INVALID);
  });
});

onEachStore("An address with too many failures", (open) => {
  const TOO_MANY = "resource_exhausted TOO_MANY_FAILURES";

  it("is told only to wait, and for how long; a right credential passes all the same", async () => {
    const { ports, clock } = await open();
    const { apiKey, key } = await create(ports, MEMBER);
    const { show, attempts } = doorOf(ports, 3);
    for (let index = 0; index < 3; index++) expect(await codeOf(show("wrong"))).toBe(INVALID);
    const { code, details } = await errorOf(show("wrong"));
    expect([code, details.reason, details.retryAfterMs]).toEqual([...TOO_MANY.split(" "), 20_000]);
    expect((await show(apiKey)).id).toBe(key.keyId);
    expect((await show(ROOT_KEYS[1] ?? "")).id).toBe("root");
    expect(await codeOf(show("wrong"))).toBe(TOO_MANY);
    expect(attempts.count).toBe(5);
    clock.now += 20_000;
    expect(await codeOf(show("wrong"))).toBe(INVALID);
  });

  it("learns nothing more from what is wrong: a revoked key and no key are told the same", async () => {
    const { ports } = await open();
    const { apiKey, key } = await create(ports, MEMBER);
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
    const { show } = doorOf(ports, 1);
    await codeOf(show("wrong"));
    expect(await refusalOf(show(apiKey))).toEqual(await refusalOf(show("wrong")));
  });

  it("Right credentials cost it nothing, however many.", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports, MEMBER);
    const { show, attempts } = doorOf(ports, 1);
    for (let index = 0; index < 5; index++) await show(apiKey);
    expect(attempts.count).toBe(0);
    expect(await codeOf(show("wrong"))).toBe(INVALID);
  });

  it.each([
    ["the same /64", "2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", TOO_MANY],
    ["another /64", "2001:db8:1:2::1", "2001:db8:1:3::1", INVALID],
    ["the same address, mapped to IPv6", ADDRESS, `::ffff:${ADDRESS}`, TOO_MANY],
    ["another address", ADDRESS, "192.0.2.10", INVALID],
  ])("is counted as one with %s", async (_, first, second, expected) => {
    const { ports } = await open();
    const { show } = doorOf(ports, 1);
    expect(await codeOf(show("wrong", first))).toBe(INVALID);
    expect(await codeOf(show("wrong", second))).toBe(expected);
  });
});

onEachStore("A caller whose key is over its own limit", (open) => {
  it("is told to wait, which is no failure, and is let in again when told", async () => {
    const { ports, clock, uses } = await open();
    const { apiKey } = await create(ports, { ...MEMBER, rateLimit: { limit: 2, windowMs: 60_000 } });
    const { show, attempts } = doorOf(ports, 1);
    await show(apiKey);
    await show(apiKey);
    clock.now += 1_000;
    const { code, details } = await errorOf(show(apiKey));
    expect([code, details.reason, details.retryAfterMs]).toEqual([
      "resource_exhausted",
      "RATE_LIMITED",
      29_000,
    ]);
    expect(attempts.count).toBe(0);
    expect(uses).toHaveLength(2);
    clock.now += 29_000;
    await show(apiKey);
    expect(uses).toHaveLength(3);
  });

  it("by its quota waits for the next period", async () => {
    const { ports, clock } = await open();
    const { apiKey } = await create(ports, { ...MEMBER, quota: { limit: 1, period: "day" } });
    const { show } = doorOf(ports);
    await show(apiKey);
    const { code, details } = await errorOf(show(apiKey));
    expect([code, details.reason, details.retryAfterMs]).toEqual([
      "resource_exhausted",
      "QUOTA_EXCEEDED",
      DAY_MS,
    ]);
    clock.now = START + DAY_MS;
    await show(apiKey);
  });
});
