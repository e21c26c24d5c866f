// Covers app/create-key.ts: what is stored, shown and told of a new key, and how it comes to a place of its
// own. What a request may hold is in input/, repetitions and exclusive places have files of their own.
import { describe, expect, it, vi } from "vitest";
import { createKey } from "../../../src/app/keys/create-key.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { macOf } from "../../../src/domain/api-key/digests.ts";
import { principalEvent } from "../../../src/domain/audit/event.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { currentEpochs, newPrincipal, raiseEpoch } from "../../../src/domain/principal.ts";
import { buildPepper, buildPrefixes, START, seededBytes } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf } from "../outcomes.ts";
import { createInput, NEEDED, revokeUserInput } from "../requests.ts";
import { create, feedOf, openWorld, ROOT, secretOf, stateNow, stored, verdictOf } from "../world.ts";

describe("Create", () => {
  it.each(KEY_TYPES)("gives an api_key of the type %s that verifies", async (type) => {
    const { ports } = await openWorld();
    const { apiKey, key } = await create(ports, NEEDED[type]);
    expect(apiKey.startsWith(`${buildPrefixes()[type]}_${key.keyId.slice("flk_".length)}`)).toBe(true);
    expect(await verdictOf(ports, apiKey)).toBe("valid");
  });

  it("stores all that was asked for, and the two digests of the secret", async () => {
    const { ports, hash } = await openWorld();
    const owner = { userId: "user-1", organizationId: "org-1" };
    const metadata = { team: "billing", tags: ["a", null, true, 1.5] };
    const asked = {
      ...owner,
      name: "ci ✓",
      description: "for the pipeline",
      metadata,
      scopes: ["orders:*"],
      roles: ["reader"],
      allowedCidrs: ["192.0.2.0/24"],
      expireTime: START + 1,
    };
    const { apiKey, key } = await create(ports, asked);
    const generation = {
      number: 1,
      createTime: START,
      mac: macOf(apiKey, buildPepper(1)),
      bcrypt: await hash.hash(secretOf(apiKey)),
    };
    const expected = {
      keyId: key.keyId,
      type: "user",
      prefix: "fl_user_prod",
      environment: "prod",
      owner,
      name: "ci ✓",
      description: "for the pipeline",
      metadata: JSON.stringify(metadata),
      scopes: ["orders:*"],
      roles: ["reader"],
      allowedCidrs: ["192.0.2.0/24"],
      createTime: START,
      createdBy: "root",
      updateTime: START,
      expireTime: START + 1,
      generations: [generation],
      epochs: currentEpochs(owner, new Map()),
      revision: 1,
    };
    expect(key).toEqual(expected);
    expect(await stored(ports, key.keyId)).toEqual(expected);
  });

  it("tells of itself in one event", async () => {
    const { ports } = await openWorld();
    const asked = { organizationId: "org-1", requestId: "request-1" };
    const { key } = await create(ports, asked);
    expect(await feedOf(ports)).toEqual([
      {
        number: 1,
        eventId: expect.stringMatching(/^evt_[0-9A-Za-z]{22}$/),
        kind: "key_created",
        time: START,
        caller: "root",
        address: "192.0.2.1",
        requestId: "request-1",
        keyId: key.keyId,
        keyType: "user",
        owner: { userId: "user-1", organizationId: "org-1" },
        changes: [{ field: "generation", after: "1" }],
      },
    ]);
  });

  it("Neither the api_key nor its secret is stored anywhere.", async () => {
    const { ports } = await openWorld();
    const { apiKey, key } = await create(ports, { requestId: "request-1" });
    const kept = JSON.stringify([await stored(ports, key.keyId), await feedOf(ports)]);
    expect(kept).not.toContain(secretOf(apiKey));
    expect(kept).not.toContain(apiKey.slice(-20));
  });

  it("hashes once, and not at all for a request that it refuses", async () => {
    const { ports, hash } = await openWorld();
    await create(ports);
    expect(hash.hashes).toBe(1);
    await codeOf(createKey(ports, ROOT, createInput({ userId: "" })));
    expect(hash.hashes).toBe(1);
  });
});

describe("A random place", () => {
  it("that is taken is drawn again", async () => {
    const { ports, store } = await openWorld();
    const first = await create({ ...ports, randomBytes: seededBytes(7) });
    const insert = vi.spyOn(store.keys, "insert");
    const second = await create({ ...ports, randomBytes: seededBytes(7) });
    expect(await Promise.all(insert.mock.results.map(({ value }) => value))).toEqual([false, true]);
    expect(second.key.keyId).not.toBe(first.key.keyId);
    expect(await verdictOf(ports, first.apiKey)).toBe("valid");
    expect(await verdictOf(ports, second.apiKey)).toBe("valid");
  });

  it("that is taken each time ends the attempts", async () => {
    const { ports, store } = await openWorld();
    const stuck = { ...ports, randomBytes: (length: number) => new Uint8Array(length) };
    await create(stuck);
    const insert = vi.spyOn(store.keys, "insert");
    expect(await codeOf(create(stuck))).toBe("aborted CONTENTION");
    expect(insert).toHaveBeenCalledTimes(8);
  });
});

onEachStore("A key whose principal is raised while it is created", (open) => {
  const owner = { userId: "user-1", organizationId: "org-1" };
  it.each([
    ["the user", { userId: "user-1" }],
    ["the user within the organization", owner],
    ["the organization", { organizationId: "org-1" }],
  ])(
    "is dead on arrival when %s is raised between the read of its epochs and its insert.",
    async (_, raised) => {
      const { ports, store } = await open();
      const insert = store.keys.insert.bind(store.keys);
      vi.spyOn(store.keys, "insert").mockImplementationOnce(async (key, event) => {
        const next = raiseEpoch(newPrincipal(raised), { time: START, reason: "left", caller: "root" });
        const told = principalEvent(
          "principal_revoked",
          next,
          { caller: "root" },
          { now: START, randomBytes: ports.randomBytes },
        );
        expect(await store.principals.write(next, told)).toBe("written");
        return insert(key, event);
      });
      const { apiKey, key } = await create(ports, owner);
      expect(await verdictOf(ports, apiKey)).toBe("revoked");
      expect(await stateNow(ports, key.keyId)).toBe("revoked");
    },
  );

  it("A key that is created after a RevokeAllForUser is live.", async () => {
    const { ports } = await open();
    await revokeAllForUser(ports, ROOT, revokeUserInput());
    const { apiKey } = await create(ports, owner);
    expect(await verdictOf(ports, apiKey)).toBe("valid");
  });

  it("A Create whose epochs cannot be read makes no key.", async () => {
    const { ports, store } = await open();
    vi.spyOn(store.principals, "read").mockRejectedValueOnce(new Error("no answer"));
    await expect(createKey(ports, ROOT, createInput())).rejects.toThrow("no answer");
    expect(await feedOf(ports)).toEqual([]);
  });
});
