// Covers app/revoke-key.ts: a key is ended for good with all its secrets, the first time and reason stay,
// and no answer rests on a read alone. Targets by owner are in target/.
import { describe, expect, it, vi } from "vitest";
import { createKey } from "../../../src/app/keys/create-key.ts";
import { getKey } from "../../../src/app/keys/read-keys.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { revocationOf } from "../../../src/domain/lifecycle.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { buildApiKey, START } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, violatedFields } from "../outcomes.ts";
import {
  byApiKey,
  byId,
  byOwner,
  createInput,
  NEEDED,
  refreshInput,
  revokeInput,
  revokeUserInput,
} from "../requests.ts";
import { create, feedOf, NOBODY, openWorld, ROOT, stored, verdictOf } from "../world.ts";

onEachStore("Revoke", (open) => {
  it.each(["key_id", "owner", "api_key"] as const)("ends a key, by %s", async (by) => {
    const { ports, clock } = await open();
    const { apiKey, key } = await create(ports);
    const targets = {
      key_id: byId(key.keyId),
      owner: byOwner({ userId: "user-1" }),
      api_key: byApiKey(apiKey),
    };
    clock.now += 1_000;
    const view = await revokeKey(ports, ROOT, revokeInput(targets[by], "leaked"));
    const revocation = { time: START + 1_000, reason: "leaked" };
    const expected = { ...key, revocation, revision: 2, updateTime: START + 1_000 };
    expect(view.key).toEqual(expected);
    expect(await stored(ports, key.keyId)).toEqual(expected);
    expect(await verdictOf(ports, apiKey)).toBe("revoked");
  });

  it("Once it is answered, every secret of the key is refused, also one in its grace.", async () => {
    const { ports } = await open();
    const { apiKey: old, key } = await create(ports);
    const { apiKey } = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { graceMs: 60_000 }));
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
    expect([await verdictOf(ports, old), await verdictOf(ports, apiKey)]).toEqual(["revoked", "revoked"]);
  });

  it("is told in one event", async () => {
    const { ports } = await open();
    const { key } = await create(ports);
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId), "leaked"));
    expect((await feedOf(ports)).slice(1)).toEqual([
      {
        number: expect.any(Number),
        eventId: expect.stringMatching(/^evt_/),
        kind: "key_revoked",
        time: START,
        caller: "root",
        address: "192.0.2.1",
        reason: "leaked",
        keyId: key.keyId,
        keyType: "user",
        owner: { userId: "user-1" },
        changes: [
          { field: "revoke_time", after: JSON.stringify(new Date(START).toISOString()) },
          { field: "revoke_reason", after: '"leaked"' },
        ],
      },
    ]);
  });

  it("ends an expired key as well", async () => {
    const { ports, clock } = await open();
    const { apiKey, key } = await create(ports, { ttlMs: 1_000 });
    clock.now += 1_000;
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
    expect(await verdictOf(ports, apiKey)).toBe("revoked");
  });

  it("of a key that ended with its user keeps the time and reason of that end", async () => {
    const { ports, clock } = await open();
    const { key } = await create(ports);
    await revokeAllForUser(ports, ROOT, revokeUserInput({ reason: "left" }));
    clock.now += 1_000;
    const view = await revokeKey(ports, ROOT, revokeInput(byId(key.keyId), "later"));
    expect(revocationOf(view)).toEqual({ time: START, reason: "left" });
    expect(revocationOf((await getKey(ports, ROOT, key.keyId)).view)).toEqual({
      time: START,
      reason: "left",
    });
  });
});

onEachStore("A repeated Revoke", (open) => {
  it("keeps the first time and reason, and tells nothing anew", async () => {
    const { ports, clock } = await open();
    const { key } = await create(ports);
    const first = await revokeKey(ports, ROOT, revokeInput(byId(key.keyId), "first"));
    clock.now += 1_000;
    expect(await revokeKey(ports, ROOT, revokeInput(byId(key.keyId), "second"))).toEqual(first);
    expect(await feedOf(ports)).toHaveLength(2);
  });

  it("No success from a read: it is confirmed by a write.", async () => {
    const { ports, store } = await open();
    const { key } = await create(ports);
    const confirm = vi.spyOn(store.keys, "confirm");
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
    expect(confirm).not.toHaveBeenCalled();
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
    expect(confirm.mock.calls).toEqual([[key.keyId, 2]]);
    confirm.mockRejectedValueOnce(storeUnavailable(new Error("no primary")));
    const refused = codeOf(revokeKey(ports, ROOT, revokeInput(byId(key.keyId))));
    expect(await refused).toBe("unavailable STORE_UNAVAILABLE");
  });

  it("writes the revocation anew when the one that it saw was taken back meanwhile", async () => {
    const { ports, store } = await open();
    const { apiKey, key } = await create(ports);
    const seen = { ...key, revocation: { time: START, reason: "lost" }, revision: 2 };
    vi.spyOn(store.keys, "read").mockResolvedValueOnce(seen);
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId), "kept"));
    expect((await stored(ports, key.keyId)).revocation).toEqual({ time: START, reason: "kept" });
    expect(await verdictOf(ports, apiKey)).toBe("revoked");
  });

  it("after one that happened but was not answered succeeds", async () => {
    const { ports, store } = await open();
    const { key } = await create(ports);
    const update = store.keys.update.bind(store.keys);
    vi.spyOn(store.keys, "update").mockImplementationOnce(async (next, event) => {
      await update(next, event);
      throw storeUnavailable(new Error("the connection broke"));
    });
    const revoke = () => revokeKey(ports, ROOT, revokeInput(byId(key.keyId), "leaked"));
    expect(await codeOf(revoke())).toBe("unavailable STORE_UNAVAILABLE");
    expect((await revoke()).key.revocation).toEqual({ time: START, reason: "leaked" });
    expect(await feedOf(ports)).toHaveLength(2);
  });
});

onEachStore("Revoke by possession", (open) => {
  it("Any secret that works is enough, also one in its grace, and again once it is revoked.", async () => {
    const { ports } = await open();
    const { apiKey: old, key } = await create(ports);
    const { apiKey } = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { graceMs: 60_000 }));
    await revokeKey(ports, NOBODY, revokeInput(byApiKey(old), "found"));
    const again = await revokeKey(ports, NOBODY, revokeInput(byApiKey(apiKey), "again"));
    expect(again.key.revocation?.reason).toBe("found");
    expect((await feedOf(ports)).at(-1)).toMatchObject({ caller: key.keyId, address: NOBODY.address });
  });

  it("A secret whose grace is over is not.", async () => {
    const { ports, clock } = await open();
    const { apiKey: old, key } = await create(ports);
    const { apiKey } = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { graceMs: 1_000 }));
    clock.now += 1_000;
    const refused = codeOf(revokeKey(ports, NOBODY, revokeInput(byApiKey(old))));
    expect(await refused).toBe("unauthenticated CREDENTIAL_REQUIRED");
    expect(await verdictOf(ports, apiKey)).toBe("valid");
  });

  it("A publishable key cannot be revoked by everybody who sees it, but by a caller.", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports, NEEDED.publishable);
    const refused = codeOf(revokeKey(ports, NOBODY, revokeInput(byApiKey(apiKey))));
    expect(await refused).toBe("permission_denied KEY_IS_PUBLIC");
    expect(await verdictOf(ports, apiKey)).toBe("valid");
    await revokeKey(ports, ROOT, revokeInput(byApiKey(apiKey)));
    expect(await verdictOf(ports, apiKey)).toBe("revoked");
  });
});

describe("A Revoke is refused", () => {
  it.each([
    ["a reason of 257 bytes", "a".repeat(257)],
    ["a reason of 258 bytes in 86 characters", "€".repeat(86)],
    ["a reason with a control character", "a\u0007"],
    ["a reason with a lone surrogate", "\udc00"],
  ])("for %s", async (_, reason) => {
    const { ports } = await openWorld();
    const { key } = await create(ports);
    expect(await violatedFields(revokeKey(ports, ROOT, revokeInput(byId(key.keyId), reason)))).toEqual([
      "reason",
    ]);
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId), "a".repeat(256)));
  });

  it("when there is no such key, and makes nothing", async () => {
    const { ports } = await openWorld();
    for (const target of [byId("flk_u0000000000a"), byApiKey(buildApiKey()), byOwner({ userId: "user-1" })]) {
      expect(await codeOf(revokeKey(ports, ROOT, revokeInput(target)))).toBe("not_found KEY_NOT_FOUND");
    }
    expect(await feedOf(ports)).toEqual([]);
    expect((await createKey(ports, ROOT, createInput())).isReplayed).toBe(false);
  });
});
