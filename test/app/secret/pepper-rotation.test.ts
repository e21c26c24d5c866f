// Covers how a secret is checked while peppers change: accepted, missing on this node, or declared lost.
// Each pepper set stands for a service that was restarted with it.
import { expect, it, vi } from "vitest";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { macOf } from "../../../src/domain/api-key/digests.ts";
import { formatApiKey, newSecret } from "../../../src/domain/api-key/key-format.ts";
import { lookupOf } from "../../../src/domain/api-key/key-id.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { buildPepper, seededBytes } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf } from "../outcomes.ts";
import { byApiKey, byId, refreshInput, revokeInput } from "../requests.ts";
import { create, feedOf, NOBODY, POLICY, ROOT, restarted, secretOf, stored, verdictOf } from "../world.ts";

const [P1, P2, P3] = [buildPepper(1), buildPepper(2), buildPepper(3)];
const MISSING = "unavailable PEPPER_MISSING";
const wrongSecret = (keyId: string) =>
  formatApiKey("fl_user_prod", lookupOf(keyId) ?? "", newSecret(seededBytes(99)));

onEachStore("A MAC under an older pepper", (open) => {
  it("verifies and is rewritten under the current one, with no new revision, time or event", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports);
    world.clock.now += 1_000;
    const rotated = restarted(world, [P2, P1]);
    expect(await verdictOf(rotated, apiKey)).toBe("valid");
    const [generation] = key.generations;
    const renewed = { ...key, generations: [{ ...generation, mac: macOf(apiKey, P2) }] };
    expect(await stored(world.ports, key.keyId)).toEqual(renewed);
    expect(await feedOf(world.ports)).toHaveLength(1);
    expect(await verdictOf(restarted(world, [P2]), apiKey)).toBe("valid");
    expect(world.hash.comparisons).toBe(0);
  });

  it("is rewritten once", async () => {
    const world = await open();
    const { apiKey } = await create(world.ports);
    const replace = vi.spyOn(world.store.keys, "replaceMac");
    const rotated = restarted(world, [P2, P1]);
    for (let call = 0; call < 3; call++) await verdictOf(rotated, apiKey);
    expect(replace).toHaveBeenCalledTimes(1);
  });

  it("A node that is behind never rewrites a MAC downward.", async () => {
    const world = await open();
    const { apiKey, key } = await create(restarted(world, [P2, P1]));
    expect(await verdictOf(restarted(world, [P1, P2]), apiKey)).toBe("valid");
    expect((await stored(world.ports, key.keyId)).generations[0].mac?.version).toBe(2);
  });

  it("is not rewritten for a wrong secret", async () => {
    const world = await open();
    const { key } = await create(world.ports);
    expect(await verdictOf(restarted(world, [P2, P1]), wrongSecret(key.keyId))).toBe("unknown");
    expect(await stored(world.ports, key.keyId)).toEqual(key);
  });

  it("A failed rewrite does not refuse the key.", async () => {
    const world = await open();
    const { apiKey } = await create(world.ports);
    const rotated = restarted(world, [P2, P1]);
    const lost = storeUnavailable(new Error("no primary"));
    vi.spyOn(world.store.keys, "replaceMac").mockRejectedValueOnce(lost).mockResolvedValueOnce(false);
    expect(await verdictOf(rotated, apiKey)).toBe("valid");
    expect(await verdictOf(rotated, apiKey)).toBe("valid");
  });

  it("A rewrite that meets a Refresh does not bring back the former secret.", async () => {
    const world = await open();
    const { apiKey: old, key } = await create(world.ports);
    const rotated = restarted(world, [P2, P1]);
    const replaceMac = world.store.keys.replaceMac.bind(world.store.keys);
    vi.spyOn(world.store.keys, "replaceMac").mockImplementationOnce(async (...values) => {
      await refreshKey(rotated, ROOT, refreshInput(byId(key.keyId)));
      return replaceMac(...values);
    });
    await verdictOf(rotated, old);
    expect(await verdictOf(rotated, old)).toBe("unknown");
  });

  it("of the former generation is rewritten on its own", async () => {
    const world = await open();
    const { apiKey: old, key } = await create(world.ports);
    await refreshKey(world.ports, ROOT, refreshInput(byId(key.keyId), { graceMs: 60_000 }));
    expect(await verdictOf(restarted(world, [P2, P1]), old)).toBe("valid");
    const { generations } = await stored(world.ports, key.keyId);
    expect(generations.map(({ number, mac }) => [number, mac?.version])).toEqual([
      [2, 1],
      [1, 2],
    ]);
  });
});

onEachStore("A pepper version that this node lacks", (open) => {
  it("makes it unavailable, never unknown: a guess would refuse good keys.", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports);
    const without = restarted(world, [P2]);
    expect(await codeOf(verdictOf(without, apiKey))).toBe(MISSING);
    expect(await codeOf(verdictOf(without, wrongSecret(key.keyId)))).toBe(MISSING);
    expect(await codeOf(revokeKey(without, NOBODY, revokeInput(byApiKey(apiKey))))).toBe(MISSING);
    expect(world.hash.comparisons).toBe(0);
  });

  it("does not matter to a generation that can be checked", async () => {
    const world = await open();
    const { apiKey: old, key } = await create(world.ports);
    const newer = restarted(world, [P2, P1]);
    const { apiKey } = await refreshKey(newer, ROOT, refreshInput(byId(key.keyId), { graceMs: 1_000 }));
    const without = restarted(world, [P1]);
    expect(await verdictOf(without, old)).toBe("valid");
    expect(await codeOf(verdictOf(without, apiKey))).toBe(MISSING);
    world.clock.now += 1_000;
    expect(await verdictOf(newer, old)).toBe("unknown");
  });
});

onEachStore("A pepper version that was lost", (open) => {
  it("costs a key one bcrypt run, then its MAC is enough", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports);
    const without = restarted(world, [P2], [1]);
    for (let call = 0; call < 3; call++) expect(await verdictOf(without, apiKey)).toBe("valid");
    expect(world.hash.comparisons).toBe(1);
    expect((await stored(world.ports, key.keyId)).generations[0].mac).toEqual(macOf(apiKey, P2));
    expect(await feedOf(world.ports)).toHaveLength(1);
  });

  it("leaves a wrong secret unknown, and runs bcrypt once for it", async () => {
    const world = await open();
    const { key } = await create(world.ports);
    const without = restarted(world, [P2], [1]);
    for (let call = 0; call < 3; call++) {
      expect(await verdictOf(without, wrongSecret(key.keyId))).toBe("unknown");
    }
    expect(world.hash.comparisons).toBe(1);
    expect(await stored(world.ports, key.keyId)).toEqual(key);
  });

  it("tells a revoked key as revoked, and lets nobody refresh it", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports);
    await revokeKey(world.ports, ROOT, revokeInput(byId(key.keyId)));
    const without = restarted(world, [P2], [1]);
    expect(await verdictOf(without, apiKey)).toBe("revoked");
    const refused = codeOf(refreshKey(without, NOBODY, refreshInput(byApiKey(apiKey))));
    expect(await refused).toBe("failed_precondition KEY_REVOKED");
  });

  it("lets the holder refresh and revoke by possession", async () => {
    const world = await open();
    const { apiKey } = await create(world.ports);
    const without = restarted(world, [P3], [1, 2]);
    const refreshed = await refreshKey(without, NOBODY, refreshInput(byApiKey(apiKey)));
    await revokeKey(without, NOBODY, revokeInput(byApiKey(refreshed.apiKey)));
    expect(await verdictOf(without, refreshed.apiKey)).toBe("revoked");
  });

  it("Under a prefix that is not the record's, the right secret is refused without bcrypt.", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports);
    const prefixes = { ...POLICY.prefixes, user: "acme" };
    const renamed = { ...restarted(world, [P2], [1]), policy: { ...POLICY, prefixes } };
    const presented = formatApiKey("acme", lookupOf(key.keyId) ?? "", secretOf(apiKey));
    expect(await verdictOf(renamed, presented)).toBe("unknown");
    expect(world.hash.comparisons).toBe(0);
  });
});
