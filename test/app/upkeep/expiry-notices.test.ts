// Covers app/upkeep/expiry-notices.ts: which keys are told of and when, to the millisecond; and once for each
// end, however many nodes look and wherever one of them dies.

import { describe, expect, it, vi } from "vitest";
import { UNBOUND } from "../../../src/access/bounds.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { changeKey } from "../../../src/app/target/change-key.ts";
import { expiryNotices } from "../../../src/app/upkeep/expiry-notices.ts";
import { keyEvent, type NumberedEvent } from "../../../src/domain/audit/event.ts";
import { updateKey } from "../../../src/domain/key-changes.ts";
import { isStoreUnavailable } from "../../../src/store/errors.ts";
import { DISABLEMENT, START } from "../../domain/build.ts";
import { countOf, creationOf, keyAt } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { DEATHS, dyingStore } from "../dying-store.ts";
import { byId, NEEDED, revokeInput, revokeUserInput } from "../requests.ts";
import { create, feedOf, openWorld, ROOT, stored, type World } from "../world.ts";

const NOTICE_MS = 60_000;
/** The end of most keys here; from START on they live long enough to be told of. */
const END = START + 100_000;
/** The first ms at which it is told of. */
const FIRST = END - NOTICE_MS + 1;
const RUNNING = new AbortController().signal;

const run = (ports: AppPorts) => expiryNotices(ports, NOTICE_MS).run(RUNNING);

/** Gives the key another end. */
async function moveEnd(ports: AppPorts, keyId: string, expireTime: number): Promise<void> {
  await changeKey(ports, UNBOUND, keyId, ({ key }) => {
    const now = ports.clock();
    const next = updateKey(key, { expireTime }, { now, caller: "root" });
    const change = { before: key, after: next };
    const at = { now, randomBytes: ports.randomBytes };
    return { next, event: keyEvent("key_updated", change, { caller: "root" }, at) };
  });
}

async function noticesOf({ ports }: World): Promise<readonly NumberedEvent[]> {
  return (await feedOf(ports)).filter(({ kind }) => kind === "key_expiring");
}

onEachStore("A notice of expiry", (open) => {
  it("is an event of the service itself that tells of no change", async () => {
    const world = await open();
    const { key } = await create(world.ports, {
      ...NEEDED.service,
      organizationId: "org-1",
      expireTime: END,
    });
    world.clock.now = FIRST;
    expect(await run(world.ports)).toBe(1);
    expect(await noticesOf(world)).toEqual([
      {
        number: expect.any(Number),
        eventId: expect.stringMatching(/^evt_/),
        kind: "key_expiring",
        time: FIRST,
        caller: "fleetkey",
        keyId: key.keyId,
        keyType: "service",
        owner: { organizationId: "org-1", serviceAccountId: "account-1" },
        changes: [],
      },
    ]);
    const record = await stored(world.ports, key.keyId);
    expect(record).toEqual({ ...key, noticedExpireTime: END, updateTime: FIRST, revision: 2 });
  });

  it.each([
    [FIRST - 1, 0],
    [FIRST, 1],
    [END - 1, 1],
    [END, 0],
    [END + 1, 0],
  ])("is given from the set time before the end up to the end: at %i to %i keys", async (now, count) => {
    const world = await open();
    await create(world.ports, { expireTime: END });
    await create(world.ports);
    world.clock.now = now;
    expect(await run(world.ports)).toBe(count);
    expect(await noticesOf(world)).toHaveLength(count);
  });

  it.each([
    [NOTICE_MS - 1, 0],
    [NOTICE_MS, 1],
  ])("is not given to a key that lives shorter than that: %i ms, %i notices", async (ttlMs, count) => {
    const world = await open();
    await create(world.ports, { ttlMs });
    world.clock.now = START + 1;
    expect(await run(world.ports)).toBe(count);
  });

  it("is given to keys that have not ended: to disabled ones, not to revoked ones", async () => {
    const world = await open();
    const { ports, store, clock } = world;
    const disabled = keyAt(1, { owner: {}, epochs: [], expireTime: END, disablement: DISABLEMENT });
    await store.keys.insert(disabled, creationOf(disabled));
    const revoked = await create(ports, { ...NEEDED.service, expireTime: END });
    await revokeKey(ports, ROOT, revokeInput(byId(revoked.key.keyId)));
    await create(ports, { userId: "user-1", expireTime: END });
    await revokeAllForUser(ports, ROOT, revokeUserInput());
    clock.now = FIRST;
    expect(await run(ports)).toBe(1);
    expect((await noticesOf(world)).map(({ keyId }) => keyId)).toEqual([disabled.keyId]);
  });

  it("comes once for each end: again only when the end was moved", async () => {
    const world = await open();
    const { ports, clock } = world;
    const { key } = await create(ports, { expireTime: END });
    const moveTo = (expireTime: number) => moveEnd(ports, key.keyId, expireTime);
    clock.now = FIRST;
    expect([await run(ports), await run(ports)]).toEqual([1, 0]);
    await moveTo(END + NOTICE_MS);
    expect(await run(ports)).toBe(0);
    clock.now = FIRST + NOTICE_MS;
    expect([await run(ports), await run(ports)]).toEqual([1, 0]);
    await moveTo(END + NOTICE_MS - 1);
    expect([await run(ports), await run(ports)]).toEqual([1, 0]);
    expect(await noticesOf(world)).toHaveLength(3);
  });
});

onEachStore("Notices by several nodes", (open) => {
  it("Each key is told of once, though nodes look at the same time.", async () => {
    const world = await open();
    const keys = countOf(20, 500);
    for (let made = 0; made < keys; made++) await create(world.ports, { expireTime: END + made });
    world.clock.now = FIRST + keys;
    const counts = await Promise.all([run(world.ports), run(world.ports), run(world.ports)]);
    expect(counts.reduce((sum, count) => sum + count)).toBe(keys);
    const keyIds = (await noticesOf(world)).map(({ keyId }) => keyId);
    expect(keyIds).toHaveLength(keys);
    expect(new Set(keyIds).size).toBe(keys);
  });

  it.each(DEATHS)("Each key is told of once, wherever a node dies: %s.", async (death) => {
    const world = await open();
    const { ports, clock, store } = world;
    let isDead = true;
    for (let writeNumber = 1; isDead; writeNumber++) {
      const created = [await create(ports, { expireTime: clock.now + END - START })];
      created.push(await create(ports, { expireTime: clock.now + END - START }));
      clock.now += FIRST - START;
      const dying = dyingStore(store, writeNumber, death);
      const dead = run({ ...ports, store: dying.store });
      if (writeNumber <= created.length) await expect(dead).rejects.toSatisfy(isStoreUnavailable);
      else expect(await dead).toBe(created.length);
      isDead = dying.isDead();
      await run(ports);
      const told = (await noticesOf(world)).map(({ keyId }) => keyId);
      for (const { key } of created) expect(told.filter((keyId) => keyId === key.keyId)).toHaveLength(1);
    }
  });
});

describe("A run", () => {
  it("leaves a key alone that somebody else changes meanwhile, and the next one tells of it", async () => {
    const world = await openWorld();
    const { ports, store, clock } = world;
    const { key } = await create(ports, { expireTime: END });
    clock.now = FIRST;
    vi.spyOn(store.keys, "update").mockResolvedValueOnce("conflict");
    expect(await run(ports)).toBe(0);
    expect(await stored(ports, key.keyId)).toEqual(key);
    expect(await run(ports)).toBe(1);
  });
});
