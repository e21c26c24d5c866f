// Covers Refresh with nothing but an api_key: only the newest secret of a key that verifies is enough, and
// whoever holds anything else learns nothing from the refusal.
import { describe, expect, it } from "vitest";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { formatApiKey, keyPrefixes, newSecret } from "../../../src/domain/api-key/key-format.ts";
import { keyEvent } from "../../../src/domain/audit/event.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { buildApiKey, DISABLEMENT, START, seededBytes } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, refusalOf, settle } from "../outcomes.ts";
import { byApiKey, byId, byOwner, NEEDED, refreshInput, revokeInput, revokeUserInput } from "../requests.ts";
import { create, feedOf, NOBODY, openWorld, ROOT, stored, verdictOf } from "../world.ts";

const SUPERSEDED = "failed_precondition SECRET_SUPERSEDED";
const CREDENTIAL_REQUIRED = "unauthenticated CREDENTIAL_REQUIRED";

onEachStore("Refresh by possession", (open) => {
  const POSSESSED = KEY_TYPES.filter((type) => type !== "publishable");
  it.each(POSSESSED)("The newest secret of a %s key is enough.", async (type) => {
    const { ports } = await open();
    const { apiKey } = await create(ports, NEEDED[type]);
    const refreshed = await refreshKey(ports, NOBODY, refreshInput(byApiKey(apiKey)));
    expect(await verdictOf(ports, refreshed.apiKey)).toBe("valid");
    expect(await verdictOf(ports, apiKey)).toBe("unknown");
  });

  it("is told as done by the key itself", async () => {
    const { ports } = await open();
    const { apiKey, key } = await create(ports);
    await refreshKey(ports, NOBODY, refreshInput(byApiKey(apiKey)));
    expect((await feedOf(ports)).at(-1)).toMatchObject({ caller: key.keyId, address: NOBODY.address });
  });

  it("A superseded secret cannot take the key over within its grace.", async () => {
    const { ports, hash } = await open();
    const { apiKey: old, key } = await create(ports);
    await refreshKey(ports, NOBODY, refreshInput(byApiKey(old), { graceMs: 60_000 }));
    const runs = hash.hashes;
    expect(await verdictOf(ports, old)).toBe("valid");
    expect(await codeOf(refreshKey(ports, NOBODY, refreshInput(byApiKey(old))))).toBe(SUPERSEDED);
    expect((await stored(ports, key.keyId)).generations).toHaveLength(2);
    expect(hash.hashes).toBe(runs);
  });

  it("A key that does not verify (revoked, ended, disabled, expired) cannot renew itself.", async () => {
    const { ports, clock, store } = await open();
    const [revoked, ended, disabled, expired] = await Promise.all([
      create(ports, NEEDED.organization),
      create(ports),
      create(ports, NEEDED.integration),
      create(ports, { ...NEEDED.service, ttlMs: 5_000 }),
    ]);
    await revokeKey(ports, ROOT, revokeInput(byId(revoked.key.keyId)));
    await revokeAllForUser(ports, ROOT, revokeUserInput());
    const next = { ...disabled.key, disablement: DISABLEMENT, revision: 2 };
    const at = { now: START, randomBytes: ports.randomBytes };
    await store.keys.update(next, keyEvent("key_refreshed", { after: next }, { caller: "root" }, at));
    clock.now = START + 5_000;
    const outcomes = [revoked, ended, disabled, expired].map(({ apiKey }) =>
      codeOf(refreshKey(ports, NOBODY, refreshInput(byApiKey(apiKey)))),
    );
    expect(await Promise.all(outcomes)).toEqual([
      "failed_precondition KEY_REVOKED",
      "failed_precondition KEY_REVOKED",
      "failed_precondition KEY_DISABLED",
      "failed_precondition KEY_EXPIRED",
    ]);
  });

  it("Of several at once with one secret exactly one wins, and its secret is what works.", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports);
    const calls = Array.from({ length: 8 }, () => refreshKey(ports, NOBODY, refreshInput(byApiKey(apiKey))));
    const { done, refused } = await settle(calls);
    expect(done).toHaveLength(1);
    expect(await verdictOf(ports, done[0]?.apiKey ?? "")).toBe("valid");
    // Who reads the key after it was changed does not even find its secret any more.
    for (const refusal of refused) expect([SUPERSEDED, CREDENTIAL_REQUIRED]).toContain(refusal);
    expect(await feedOf(ports)).toHaveLength(2);
  });

  it("Of several at once with a grace exactly one wins, and the presented secret works on.", async () => {
    const { ports, clock } = await open();
    const { apiKey } = await create(ports);
    const input = refreshInput(byApiKey(apiKey), { graceMs: 60_000 });
    const { done, refused } = await settle(Array.from({ length: 8 }, () => refreshKey(ports, NOBODY, input)));
    expect(done).toHaveLength(1);
    expect(refused).toEqual(Array.from({ length: 7 }, () => SUPERSEDED));
    clock.now += 59_999;
    expect(await verdictOf(ports, apiKey)).toBe("valid");
    expect(await verdictOf(ports, done[0]?.apiKey ?? "")).toBe("valid");
  });
});

describe("Possession of a publishable key proves nothing", () => {
  it("so it cannot be refreshed by it.", async () => {
    const { ports, hash } = await openWorld();
    const { apiKey } = await create(ports, NEEDED.publishable);
    const refused = codeOf(refreshKey(ports, NOBODY, refreshInput(byApiKey(apiKey))));
    expect(await refused).toBe("permission_denied KEY_IS_PUBLIC");
    expect(hash.hashes).toBe(1);
    expect(await verdictOf(ports, apiKey)).toBe("valid");
  });

  it("but a caller with a credential may name it by its api_key.", async () => {
    const { ports } = await openWorld();
    const { apiKey } = await create(ports, NEEDED.publishable);
    const refreshed = await refreshKey(ports, ROOT, refreshInput(byApiKey(apiKey)));
    expect(await verdictOf(ports, refreshed.apiKey)).toBe("valid");
  });
});

describe("Who holds no secret of a key learns nothing from a call without a credential", () => {
  it("Every wrong api_key and every other target is refused alike, by Refresh and by Revoke.", async () => {
    const { ports, hash } = await openWorld();
    const { apiKey, key } = await create(ports);
    const wrongSecret = formatApiKey(key.prefix, key.keyId.slice(4), newSecret(seededBytes(99)));
    const publicKey = await create(ports, NEEDED.publishable);
    const { prefix, keyId } = publicKey.key;
    const targets = [
      byApiKey("not an api_key"),
      byApiKey(`${apiKey.slice(0, -1)}!`),
      byApiKey(apiKey.slice(0, -1)),
      byApiKey(buildApiKey("user", 99)),
      byApiKey(buildApiKey("user", 99, keyPrefixes("dev"))),
      byApiKey(wrongSecret),
      byApiKey(formatApiKey(prefix, keyId.slice(4), newSecret(seededBytes(98)))),
      byId(key.keyId),
      byId("flk_u0000000000a"),
      byOwner({ userId: "user-1" }),
      byOwner({ userId: "user-2" }),
    ];
    const refusals = targets.flatMap((target) => [
      refusalOf(refreshKey(ports, NOBODY, refreshInput(target))),
      refusalOf(revokeKey(ports, NOBODY, revokeInput(target))),
    ]);
    const [first, ...others] = await Promise.all(refusals);
    expect(first).toMatchObject({ code: "unauthenticated", details: { reason: "CREDENTIAL_REQUIRED" } });
    for (const other of others) expect(other).toEqual(first);
    expect(hash.hashes).toBe(2);
    expect(await verdictOf(ports, apiKey)).toBe("valid");
  });

  it("To a caller with a credential all of them are keys that are not there.", async () => {
    const { ports } = await openWorld();
    const { key } = await create(ports);
    const wrongSecret = formatApiKey(key.prefix, key.keyId.slice(4), newSecret(seededBytes(99)));
    const refusals = ["garbage", buildApiKey("user", 99), wrongSecret].flatMap((apiKey) => [
      refusalOf(refreshKey(ports, ROOT, refreshInput(byApiKey(apiKey)))),
      refusalOf(revokeKey(ports, ROOT, revokeInput(byApiKey(apiKey)))),
    ]);
    const expected = { code: "not_found", message: "no such key", details: { reason: "KEY_NOT_FOUND" } };
    for (const refusal of await Promise.all(refusals)) expect(refusal).toEqual(expected);
  });
});
