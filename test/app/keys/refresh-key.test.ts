// Covers app/refresh-key.ts for callers with a credential: what a Refresh changes, how long the former
// secret works, and what it is refused for. Repetitions and calls by possession have files of their own.
import { describe, expect, it, vi } from "vitest";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { keyEvent } from "../../../src/domain/audit/event.ts";
import { etagOf } from "../../../src/domain/key.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { buildApiKey, DISABLEMENT, START } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, violatedFields } from "../outcomes.ts";
import { byApiKey, byId, byOwner, refreshInput, revokeInput, revokeUserInput } from "../requests.ts";
import { create, feedOf, openWorld, ROOT, stateNow, stored, verdictOf } from "../world.ts";

onEachStore("Refresh", (open) => {
  it.each(["key_id", "owner", "api_key"] as const)("issues a new secret, by %s", async (by) => {
    const { ports } = await open();
    const { apiKey, key } = await create(ports);
    const targets = {
      key_id: byId(key.keyId),
      owner: byOwner({ userId: "user-1" }),
      api_key: byApiKey(apiKey),
    };
    const refreshed = await refreshKey(ports, ROOT, refreshInput(targets[by]));
    expect(refreshed.view.key.keyId).toBe(key.keyId);
    expect(refreshed.apiKey).not.toBe(apiKey);
    expect(await verdictOf(ports, refreshed.apiKey)).toBe("valid");
    expect(await verdictOf(ports, apiKey)).toBe("unknown");
  });

  it("changes nothing but the secret, the revision and the time, and tells of it in one event", async () => {
    const { ports, clock } = await open();
    const { key } = await create(ports, { organizationId: "org-1", name: "first", metadata: { a: 1 } });
    clock.now += 1_000;
    const input = refreshInput(byId(key.keyId), { requestId: "request-1" });
    const { view } = await refreshKey(ports, ROOT, input);
    const { generations: _, ...before } = key;
    const { generations, ...after } = await stored(ports, key.keyId);
    expect(after).toEqual({ ...before, revision: 2, updateTime: START + 1_000 });
    expect(generations).toMatchObject([{ number: 2, createTime: START + 1_000 }]);
    expect(view.key).toEqual({ ...after, generations });
    expect((await feedOf(ports)).slice(1)).toEqual([
      {
        number: expect.any(Number),
        eventId: expect.stringMatching(/^evt_/),
        kind: "key_refreshed",
        time: START + 1_000,
        caller: "root",
        address: "192.0.2.1",
        requestId: "request-1",
        keyId: key.keyId,
        keyType: "user",
        owner: { userId: "user-1", organizationId: "org-1" },
        changes: [{ field: "generation", before: "1", after: "2" }],
      },
    ]);
  });

  it("Without grace the former secret ends at once.", async () => {
    const { ports } = await open();
    const { apiKey, key } = await create(ports);
    await refreshKey(ports, ROOT, refreshInput(byId(key.keyId)));
    expect(await verdictOf(ports, apiKey)).toBe("unknown");
  });

  it.each([1, 60_000, 7 * DAY_MS])(
    "The former secret works for %i ms of grace and not a ms longer.",
    async (graceMs) => {
      const { ports, clock } = await open();
      const { apiKey, key } = await create(ports);
      const refreshed = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { graceMs }));
      clock.now = START + graceMs - 1;
      expect([await verdictOf(ports, apiKey), await verdictOf(ports, refreshed.apiKey)]).toEqual([
        "valid",
        "valid",
      ]);
      clock.now = START + graceMs;
      expect([await verdictOf(ports, apiKey), await verdictOf(ports, refreshed.apiKey)]).toEqual([
        "unknown",
        "valid",
      ]);
    },
  );

  it("A third secret ends the oldest at once, in the midst of its grace.", async () => {
    const { ports } = await open();
    const { apiKey: first, key } = await create(ports);
    const refresh = () => refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { graceMs: 60_000 }));
    const { apiKey: second } = await refresh();
    const { apiKey: third } = await refresh();
    const verdicts = await Promise.all([first, second, third].map((apiKey) => verdictOf(ports, apiKey)));
    expect(verdicts).toEqual(["unknown", "valid", "valid"]);
  });

  it("takes the etag of the newest revision, and no other", async () => {
    const { ports } = await open();
    const { key } = await create(ports);
    const input = refreshInput(byId(key.keyId), { etag: etagOf(key) });
    const { view } = await refreshKey(ports, ROOT, input);
    expect(await codeOf(refreshKey(ports, ROOT, input))).toBe("aborted ETAG_MISMATCH");
    const other = await create(ports);
    const foreign = refreshInput(byId(key.keyId), { etag: etagOf(other.key) });
    expect(await codeOf(refreshKey(ports, ROOT, foreign))).toBe("aborted ETAG_MISMATCH");
    expect((await stored(ports, key.keyId)).revision).toBe(2);
    await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { etag: etagOf(view.key) }));
  });
});

onEachStore("A Refresh of a dead key", (open) => {
  it("is refused once it is revoked, without a hash", async () => {
    const { ports, hash } = await open();
    const { apiKey, key } = await create(ports);
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
    for (const target of [byId(key.keyId), byApiKey(apiKey)]) {
      const refused = codeOf(refreshKey(ports, ROOT, refreshInput(target)));
      expect(await refused).toBe("failed_precondition KEY_REVOKED");
    }
    expect(hash.hashes).toBe(1);
  });

  it("is refused from the ms of its expiry on", async () => {
    const { ports, clock } = await open();
    const { key } = await create(ports, { ttlMs: 5_000 });
    clock.now = START + 4_999;
    await refreshKey(ports, ROOT, refreshInput(byId(key.keyId)));
    clock.now = START + 5_000;
    const refused = codeOf(refreshKey(ports, ROOT, refreshInput(byId(key.keyId))));
    expect(await refused).toBe("failed_precondition KEY_EXPIRED");
  });

  it("A Refresh never brings back a key that a revoked user carries.", async () => {
    const { ports } = await open();
    const { key } = await create(ports);
    await revokeAllForUser(ports, ROOT, revokeUserInput());
    const refused = codeOf(refreshKey(ports, ROOT, refreshInput(byId(key.keyId))));
    expect(await refused).toBe("failed_precondition KEY_REVOKED");
  });

  it("A user revoked between the check and the write stays revoked: epochs are not renewed.", async () => {
    const { ports, store } = await open();
    const { key } = await create(ports);
    const update = store.keys.update.bind(store.keys);
    vi.spyOn(store.keys, "update").mockImplementationOnce(async (next, event) => {
      await revokeAllForUser(ports, ROOT, revokeUserInput());
      return update(next, event);
    });
    const { apiKey } = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId)));
    expect(await verdictOf(ports, apiKey)).toBe("revoked");
    expect(await stateNow(ports, key.keyId)).toBe("revoked");
    expect((await stored(ports, key.keyId)).epochs).toEqual(key.epochs);
  });

  it("A key revoked between the check and the write stays revoked.", async () => {
    const { ports, store } = await open();
    const { key } = await create(ports);
    const update = store.keys.update.bind(store.keys);
    vi.spyOn(store.keys, "update").mockImplementationOnce(async (next, event) => {
      await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
      return update(next, event);
    });
    const refused = codeOf(refreshKey(ports, ROOT, refreshInput(byId(key.keyId))));
    expect(await refused).toBe("failed_precondition KEY_REVOKED");
    expect((await stored(ports, key.keyId)).generations).toEqual(key.generations);
  });

  it("A disabled key may be refreshed by a caller, and stays disabled.", async () => {
    const { ports, store } = await open();
    const { key } = await create(ports);
    const next = { ...key, disablement: DISABLEMENT, revision: 2 };
    const at = { now: START, randomBytes: ports.randomBytes };
    await store.keys.update(next, keyEvent("key_refreshed", { after: next }, { caller: "root" }, at));
    const { apiKey } = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId)));
    expect(await verdictOf(ports, apiKey)).toBe("disabled");
  });
});

describe("A Refresh is refused", () => {
  it.each([
    ["grace", { graceMs: -1 }],
    ["grace", { graceMs: 7 * DAY_MS + 1 }],
    ["grace", { graceMs: Number.NaN }],
    ["grace", { graceMs: Number.POSITIVE_INFINITY }],
    ["etag", { etag: "a".repeat(65) }],
    ["etag", { etag: "a\n" }],
    ["request_id", { requestId: "a".repeat(129) }],
    ["request_id", { requestId: "\ud800" }],
  ])("for its %s: %j", async (field, overrides) => {
    const { ports } = await openWorld();
    const { key } = await create(ports);
    const call = refreshKey(ports, ROOT, refreshInput(byId(key.keyId), overrides));
    expect(await violatedFields(call)).toEqual([field]);
  });

  it("for all of it at once", async () => {
    const { ports } = await openWorld();
    const input = refreshInput(undefined, { graceMs: -1, etag: "\0", requestId: "\0" });
    const fields = await violatedFields(refreshKey(ports, ROOT, input));
    expect(fields).toEqual(["target", "grace", "etag", "request_id"]);
  });

  it("when there is no such key", async () => {
    const { ports, hash } = await openWorld();
    const unknown = buildApiKey("user", 99);
    for (const target of [byId("flk_u0000000000a"), byOwner({ userId: "user-1" }), byApiKey(unknown)]) {
      expect(await codeOf(refreshKey(ports, ROOT, refreshInput(target)))).toBe("not_found KEY_NOT_FOUND");
    }
    expect(hash.hashes).toBe(0);
  });
});
