// Covers app/upkeep/key-purge.ts: which keys are removed and when, to the millisecond; that a removed key is
// gone with all that belongs to it, and its trail stays; and that several nodes, or one that dies, do no
// harm.
import { describe, expect, it, vi } from "vitest";
import { getKey } from "../../../src/app/keys/read-keys.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { updateKey } from "../../../src/app/keys/update-key.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { keyPurge } from "../../../src/app/upkeep/key-purge.ts";
import { isStoreUnavailable } from "../../../src/store/errors.ts";
import { buildPrincipal, OWNER, START } from "../../domain/build.ts";
import { countOf, creationOf, keyAt } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { DEATHS, dyingStore } from "../dying-store.ts";
import { importAll, importOne, legacyKey, openImports, sha256Record } from "../imports.ts";
import { codeOf } from "../outcomes.ts";
import { byId, NEEDED, refreshInput, revokeInput, revokeUserInput } from "../requests.ts";
import { create, feedOf, openWorld, ROOT, stored, verdictOf, type World } from "../world.ts";

const RETENTION_MS = 3_600_000;
const RUNNING = new AbortController().signal;
const GONE = "not_found KEY_NOT_FOUND";

const run = (ports: AppPorts) => keyPurge(ports, RETENTION_MS).run(RUNNING);
const revoke = ({ ports }: World, keyId: string) => revokeKey(ports, ROOT, revokeInput(byId(keyId), "left"));

/** The kinds of a key's events, in order. */
async function kindsOf({ ports }: World, keyId: string): Promise<readonly string[]> {
  return (await feedOf(ports)).filter((event) => event.keyId === keyId).map(({ kind }) => kind);
}

onEachStore("A purge", (open) => {
  it("A revoked imported key stays: a repeated import would make its api_key work again.", async () => {
    const world = await openImports(open);
    const record = sha256Record(legacyKey());
    const keyId = await importOne(world.ports, record);
    await refreshKey(world.ports, ROOT, refreshInput(byId(keyId)));
    await revoke(world, keyId);
    world.clock.now += 10 * RETENTION_MS;
    expect(await run(world.ports)).toBe(0);
    expect(await importAll(world.ports, [record])).toEqual([{ kind: "exists", keyId }]);
    expect(await verdictOf(world.ports, legacyKey())).toBe("unknown");
  });

  it("leaves nothing of a key but its events, the last of which tells of it", async () => {
    const world = await open();
    const { ports, store, clock } = world;
    const { apiKey, key } = await create(ports, NEEDED.service);
    const { keyId } = key;
    await store.usage.add([{ keyId, time: START, address: "192.0.2.1", userAgent: "", count: 1 }]);
    const count = { keyId, period: { id: "all" } };
    await store.quotas.grant(count, { leaseId: "lease1", size: 5 }, 10);
    await revoke(world, keyId);
    clock.now += RETENTION_MS;
    expect(await run(ports)).toBe(1);
    expect(await store.keys.read(keyId)).toBeUndefined();
    expect(await store.usage.readMany([keyId])).toEqual(new Map());
    const anew = await store.quotas.grant(count, { leaseId: "lease2", size: 1 }, 10);
    expect(anew).toEqual({ isGranted: true, granted: 1 });
    expect(await codeOf(getKey(ports, ROOT, keyId))).toBe(GONE);
    expect(await verdictOf(ports, apiKey)).toBe("unknown");
    expect(await kindsOf(world, keyId)).toEqual(["key_created", "key_revoked", "key_purged"]);
    expect((await feedOf(ports)).at(-1)).toMatchObject({
      kind: "key_purged",
      time: clock.now,
      caller: "fleetkey",
      keyId,
      owner: { serviceAccountId: "account-1" },
      changes: [],
    });
    expect(await run(ports)).toBe(0);
  });

  it("comes at the ms at which the retention since the key's end is over, however it ended", async () => {
    const world = await open();
    const { ports, clock } = world;
    const ends = {
      expired: (await create(ports, { ...NEEDED.service, ttlMs: 5_000 })).key.keyId,
      revoked: (await create(ports, NEEDED.service)).key.keyId,
      raised: (await create(ports, { userId: "user-1" })).key.keyId,
      expiredFirst: (await create(ports, { ...NEEDED.service, ttlMs: 3_000 })).key.keyId,
    };
    const lives = (await create(ports, { ...NEEDED.service, expireTime: START + 2 * RETENTION_MS })).key
      .keyId;
    clock.now = START + 2_000;
    await revoke(world, ends.revoked);
    clock.now = START + 4_000;
    await revokeAllForUser(ports, ROOT, revokeUserInput());
    clock.now = START + 6_000;
    await revoke(world, ends.expiredFirst);
    const dues = [
      [START + 2_000, ends.revoked],
      [START + 3_000, ends.expiredFirst],
      [START + 4_000, ends.raised],
      [START + 5_000, ends.expired],
    ] as const;
    for (const [endTime, keyId] of dues) {
      clock.now = endTime + RETENTION_MS - 1;
      expect(await run(ports)).toBe(0);
      expect(await stored(ports, keyId)).not.toHaveProperty("purgeTime");
      clock.now += 1;
      expect(await run(ports)).toBe(1);
      expect(await codeOf(getKey(ports, ROOT, keyId))).toBe(GONE);
    }
    expect((await stored(ports, lives)).revision).toBe(1);
  });

  it("A key whose end lies in the future, or has no time that is known, is never removed.", async () => {
    const world = await open();
    const { ports, store, clock } = world;
    clock.now = START + 10 * RETENTION_MS;
    const future = keyAt(1, { owner: {}, epochs: [], revocation: { time: clock.now + 1, reason: "" } });
    // Created under a raise that the principal's record does not hold: it was lost, or is an old copy.
    const { principalId } = buildPrincipal(OWNER);
    const unknown = keyAt(2, { epochs: [{ principalId, epoch: START - 1 }] });
    for (const key of [future, unknown]) await store.keys.insert(key, creationOf(key));
    expect(await run(ports)).toBe(0);
    for (const key of [future, unknown]) expect(await stored(ports, key.keyId)).toEqual(key);
  });
});

onEachStore("Keys of an exclusive place", (open) => {
  it("The highest number of a place is kept for ever, so that no key_id ever comes again.", async () => {
    const world = await open();
    const { ports, clock } = world;
    const keyIds: string[] = [];
    for (let number = 1; number <= 4; number++) {
      const { key } = await create(ports, { exclusive: true });
      keyIds.push(key.keyId);
      expect(key.slot?.number).toBe(number);
      await revoke(world, key.keyId);
      clock.now += 2 * RETENTION_MS;
      expect(await run(ports)).toBe(number === 1 ? 0 : 1);
      expect((await stored(ports, key.keyId)).revision).toBe(2);
    }
    expect(new Set(keyIds).size).toBe(4);
    for (const keyId of keyIds.slice(0, -1)) expect(await codeOf(getKey(ports, ROOT, keyId))).toBe(GONE);
  });
});

onEachStore("Purges by several nodes", (open) => {
  it("Each key is removed once and told of once, though nodes work at the same time.", async () => {
    const world = await open();
    const { ports, clock } = world;
    const keys = countOf(20, 500);
    for (let made = 0; made < keys; made++) await create(ports, { ttlMs: 1_000 + made });
    clock.now += 2 * RETENTION_MS;
    const counts = await Promise.all([run(ports), run(ports), run(ports)]);
    expect(counts.reduce((sum, count) => sum + count)).toBe(keys);
    const told = (await feedOf(ports)).filter(({ kind }) => kind === "key_purged");
    expect(told).toHaveLength(keys);
    expect(new Set(told.map(({ keyId }) => keyId)).size).toBe(keys);
  });

  it.each(DEATHS)(
    "Wherever a node dies, the next run removes the key and its event is there once: %s.",
    async (death) => {
      const world = await open();
      const { ports, clock, store } = world;
      let isDead = true;
      for (let writeNumber = 1; isDead; writeNumber++) {
        const { key } = await create(ports, { ttlMs: 1_000 });
        clock.now += 1_000 + RETENTION_MS;
        const dying = dyingStore(store, writeNumber, death);
        const dead = run({ ...ports, store: dying.store });
        if (writeNumber <= 4) await expect(dead).rejects.toSatisfy(isStoreUnavailable);
        else expect(await dead).toBe(1);
        isDead = dying.isDead();
        await run(ports);
        expect(await codeOf(getKey(ports, ROOT, key.keyId))).toBe(GONE);
        expect(await kindsOf(world, key.keyId)).toEqual(["key_created", "key_purged"]);
      }
    },
  );

  it("A key that was chosen but not removed never comes to life again.", async () => {
    const world = await open();
    const { ports, clock, store } = world;
    const { apiKey, key } = await create(ports, { ttlMs: 1_000 });
    clock.now += 1_000 + RETENTION_MS;
    const dying = dyingStore(store, 2, "before a write");
    await expect(run({ ...ports, store: dying.store })).rejects.toSatisfy(isStoreUnavailable);
    const chosen = await stored(ports, key.keyId);
    expect(chosen).toMatchObject({ purgeTime: clock.now, revocation: { time: clock.now, reason: "purged" } });
    const later = { ...NO_UPDATE, keyId: key.keyId, paths: ["expire_time"] };
    const refused = "failed_precondition KEY_REVOKED";
    expect(await codeOf(updateKey(ports, ROOT, later))).toBe(refused);
    expect(await codeOf(refreshKey(ports, ROOT, refreshInput(byId(key.keyId))))).toBe(refused);
    // Whatever the clock of a node says.
    for (const now of [START, clock.now]) {
      clock.now = now;
      expect(await verdictOf(ports, apiKey)).toBe("revoked");
    }
    expect(await stored(ports, key.keyId)).toEqual(chosen);
  });
});

describe("A run", () => {
  it.each(["conflict", "backlog"] as const)("leaves a key alone whose choice meets a %s", async (outcome) => {
    const world = await openWorld();
    const { ports, store, clock } = world;
    const { key } = await create(ports, { ttlMs: 1_000 });
    clock.now += 1_000 + RETENTION_MS;
    vi.spyOn(store.keys, "update").mockResolvedValueOnce(outcome);
    expect(await run(ports)).toBe(0);
    expect(await stored(ports, key.keyId)).toEqual(key);
    expect(await run(ports)).toBe(1);
  });

  it("removes nothing whose events wait to be told", async () => {
    const world = await openWorld();
    const { ports, store, clock } = world;
    await create(ports, { ttlMs: 1_000 });
    clock.now += 1_000 + RETENTION_MS;
    vi.spyOn(store.keys, "remove").mockResolvedValueOnce(false);
    expect([await run(ports), await run(ports)]).toEqual([0, 1]);
  });

  it("A place's holder that a read is too old to know is not taken for a former one.", async () => {
    const world = await openWorld();
    const { ports, store, clock } = world;
    const [first, second] = [await exclusive(world), await exclusive(world)];
    clock.now += RETENTION_MS;
    vi.spyOn(store.keys, "readSlotHolder").mockResolvedValue(await stored(ports, first));
    expect(await run(ports)).toBe(0);
    expect((await stored(ports, second)).revision).toBe(2);
  });
});

/** Creates an exclusive key and revokes it. */
async function exclusive(world: World): Promise<string> {
  const { key } = await create(world.ports, { exclusive: true });
  await revoke(world, key.keyId);
  return key.keyId;
}

const NO_UPDATE = {
  paths: [],
  name: "",
  description: "",
  scopes: [],
  roles: [],
  allowedCidrs: [],
  disabled: false,
  etag: "",
};
