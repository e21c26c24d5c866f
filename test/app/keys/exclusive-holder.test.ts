// Covers what a Create does to the dead holder of an exclusive place before it takes the next number: it
// makes sure that the holder stays dead, so that an Update which gives the holder a later end either wins or
// loses. Every interleaving of the two is tried step by step, and every step at which a process can die.
import { expect, it, vi } from "vitest";
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import { createKey } from "../../../src/app/keys/create-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { viewsOf } from "../../../src/app/target/read-view.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { isLive } from "../../../src/domain/lifecycle.ts";
import { START } from "../../domain/build.ts";
import { countOf } from "../../store/build.ts";
import { ENDINGS, Fuse } from "../../store/crash/fuse.ts";
import { type OpenWorld, onEachStore } from "../backends.ts";
import { interceptedStore } from "../intercepted-store.ts";
import { codeOf, settle } from "../outcomes.ts";
import { byId, createInput, revokeInput, revokeUserInput } from "../requests.ts";
import { create, feedOf, OTHER_CALLER, ROOT, stored, verdictOf, type World } from "../world.ts";
import { update } from "./updates.ts";

const EXCLUSIVE: Partial<CreateKeyInput> = { organizationId: "org-1", exclusive: true };
const TAKEN = "already_exists EXCLUSIVE_KEY_EXISTS";
const REVOKED = "failed_precondition KEY_REVOKED";
const REASON = "replaced by a new exclusive key";
const LATER = { paths: ["expire_time"], expireTime: START + 60_000 };
/** Neither a Create nor an Update makes as many calls to the store. */
const CALLS_MAX = 20;

/** A world in which the place is held by a key that has just expired. */
async function openExpired(open: OpenWorld): Promise<{ world: World; holder: KeyRecord }> {
  const world = await open();
  const { key: holder } = await create(world.ports, { ...EXCLUSIVE, ttlMs: 5_000 });
  world.clock.now = START + 5_000;
  return { world, holder };
}

/** The world as a process sees it that can be held up or die. */
function fused(world: World): { fuse: Fuse; ports: AppPorts } {
  const fuse = new Fuse();
  return {
    fuse,
    ports: { ...world.ports, store: interceptedStore(world.store, (call) => fuse.intercept(call, "", "")) },
  };
}

async function liveKeys({ ports, store, clock }: World): Promise<readonly string[]> {
  const keys = await store.keys.list({ types: ["user"], owner: { userId: "user-1" }, limit: 100 });
  const views = await viewsOf(ports, keys);
  return views.filter((view) => isLive(view, clock.now)).map(({ key }) => key.keyId);
}

/** What became of the race: a Create that won has ended the holder, one that lost was told of it. */
async function expectOneWinner(
  world: World,
  holder: KeyRecord,
  creating: ReturnType<typeof createKey>,
  extending: Promise<unknown>,
): Promise<"created" | "extended"> {
  const [created, extended] = await Promise.allSettled([creating, extending]);
  const live = await liveKeys(world);
  if (created.status === "fulfilled") {
    expect(live).toEqual([created.value.view.key.keyId]);
    expect((await stored(world.ports, holder.keyId)).revocation?.reason).toBe(REASON);
    if (extended.status === "rejected") {
      expect(await codeOf(Promise.reject(extended.reason))).toBe(REVOKED);
      return "created";
    }
  } else expect(await codeOf(Promise.reject(created.reason))).toBe(TAKEN);
  expect(extended.status).toBe("fulfilled");
  expect(live).toEqual([holder.keyId]);
  return "extended";
}

onEachStore("A later end for the expired holder of an exclusive place", (open) => {
  it("keeps the place, when it comes before the Create", async () => {
    const { world, holder } = await openExpired(open);
    await update(world, holder.keyId, LATER);
    expect(await codeOf(create(world.ports, EXCLUSIVE))).toBe(TAKEN);
    expect(await liveKeys(world)).toEqual([holder.keyId]);
  });

  it("is refused, when it comes after the Create", async () => {
    const { world, holder } = await openExpired(open);
    const { key } = await create(world.ports, EXCLUSIVE);
    expect(await codeOf(update(world, holder.keyId, LATER))).toBe(REVOKED);
    expect(await liveKeys(world)).toEqual([key.keyId]);
  });

  it("wins or loses against a Create that is held up before any of its steps.", async () => {
    const winners = new Set<string>();
    let isReached = true;
    for (let call = 1; isReached; call++) {
      expect(call).toBeLessThan(CALLS_MAX);
      const { world, holder } = await openExpired(open);
      const { fuse, ports } = fused(world);
      const stall = fuse.stallAt(call);
      const creating = createKey(ports, OTHER_CALLER, createInput(EXCLUSIVE));
      isReached = await Promise.race([stall.reached.then(() => true), creating.then(() => false)]);
      const extending = update(world, holder.keyId, LATER);
      await extending.catch(() => {});
      stall.release();
      winners.add(await expectOneWinner(world, holder, creating, extending));
    }
    expect([...winners].toSorted()).toEqual(["created", "extended"]);
  });

  it("that is held up before any of its steps wins or loses against a whole Create.", async () => {
    const winners = new Set<string>();
    let isReached = true;
    for (let call = 1; isReached; call++) {
      expect(call).toBeLessThan(CALLS_MAX);
      const { world, holder } = await openExpired(open);
      const { fuse, ports } = fused(world);
      const stall = fuse.stallAt(call);
      const extending = update({ ...world, ports }, holder.keyId, LATER);
      isReached = await Promise.race([stall.reached.then(() => true), extending.then(() => false)]);
      const creating = createKey(world.ports, OTHER_CALLER, createInput(EXCLUSIVE));
      await creating.catch(() => {});
      stall.release();
      winners.add(await expectOneWinner(world, holder, creating, extending));
    }
    expect([...winners].toSorted()).toEqual(["created", "extended"]);
  });

  it("Of many that want the place and many that want to keep it, one gets what it wants.", async () => {
    const count = countOf(6, 60);
    const { world, holder } = await openExpired(open);
    const creates = Array.from({ length: count }, () => create(world.ports, EXCLUSIVE));
    const updates = Array.from({ length: 3 }, () => update(world, holder.keyId, LATER));
    const [created, extended] = await Promise.all([settle(creates), settle(updates)]);
    const live = await liveKeys(world);
    expect(live).toHaveLength(1);
    const isKept = live[0] === holder.keyId;
    expect([created.done.length, extended.done.length]).toEqual(isKept ? [0, 3] : [1, 0]);
    expect(created.refused).toEqual(Array(isKept ? count : count - 1).fill(TAKEN));
    expect(extended.refused).toEqual(Array(isKept ? 0 : 3).fill(REVOKED));
  });
});

onEachStore("A Create over a dead holder", (open) => {
  it("ends one that has only expired, as its caller, and tells why", async () => {
    const { world, holder } = await openExpired(open);
    const input = createInput({ ...EXCLUSIVE, requestId: "request-1" });
    await createKey(world.ports, OTHER_CALLER, input);
    const ended = await stored(world.ports, holder.keyId);
    expect(ended.revocation).toEqual({ time: START + 5_000, reason: REASON });
    const [, revoked, created] = await feedOf(world.ports);
    const cause = { caller: OTHER_CALLER.id, address: OTHER_CALLER.address, requestId: "request-1" };
    expect(revoked).toMatchObject({ kind: "key_revoked", keyId: holder.keyId, reason: REASON, ...cause });
    expect(created).toMatchObject({ kind: "key_created", ...cause });
  });

  it.each<[string, (world: World, keyId: string) => Promise<unknown>]>([
    ["revoked", ({ ports }, keyId) => revokeKey(ports, ROOT, revokeInput(byId(keyId), "left"))],
    ["revoked with its user", ({ ports }) => revokeAllForUser(ports, ROOT, revokeUserInput())],
  ])("confirms one that is %s: a revocation that was only read, a failover can take back", async (_, end) => {
    const { world, holder } = await openExpired(open);
    await end(world, holder.keyId);
    const before = await stored(world.ports, holder.keyId);
    const confirm = vi.spyOn(world.store.keys, "confirm");
    await create(world.ports, EXCLUSIVE);
    expect(confirm.mock.calls).toEqual([[holder.keyId, before.revision]]);
    expect(await stored(world.ports, holder.keyId)).toEqual(before);
  });

  it("that fails before has ended nothing", async () => {
    const { world, holder } = await openExpired(open);
    vi.spyOn(world.hash, "hash").mockRejectedValueOnce(new Error("too busy"));
    await expect(create(world.ports, EXCLUSIVE)).rejects.toThrow("too busy");
    expect(await stored(world.ports, holder.keyId)).toEqual(holder);
  });

  it("leaves a holder alone that lives again because the clock was set back", async () => {
    const { world, holder } = await openExpired(open);
    const hash = world.hash.hash.bind(world.hash);
    vi.spyOn(world.hash, "hash").mockImplementationOnce(async (secret) => {
      world.clock.now = START;
      return hash(secret);
    });
    expect(await codeOf(create(world.ports, EXCLUSIVE))).toBe(TAKEN);
    expect(await stored(world.ports, holder.keyId)).toEqual(holder);
  });

  it.each(ENDINGS)(
    "by a process that dies at any step, which %s, leaves the place to its repetition alone",
    async (ending) => {
      const asked = { ...EXCLUSIVE, requestId: "request-1" };
      let isReached = true;
      for (let call = 1; isReached; call++) {
        expect(call).toBeLessThan(CALLS_MAX);
        const { world, holder } = await openExpired(open);
        const { fuse, ports } = fused(world);
        fuse.dieAt(call, ending);
        const died = await createKey(ports, ROOT, createInput(asked)).then(
          () => false,
          () => true,
        );
        isReached = fuse.isBlown;
        expect(died).toBe(isReached);
        expect((await liveKeys(world)).length).toBeLessThanOrEqual(1);

        const { view } = await createKey(world.ports, ROOT, createInput(asked));
        expect(await liveKeys(world)).toEqual([view.key.keyId]);
        expect(view.key.slot?.number).toBe(2);
        expect(await codeOf(update(world, holder.keyId, LATER))).toBe(REVOKED);
        expect(await codeOf(create(world.ports, EXCLUSIVE))).toBe(TAKEN);
      }
    },
  );

  it("gives an api_key that verifies", async () => {
    const { world } = await openExpired(open);
    const { apiKey } = await create(world.ports, EXCLUSIVE);
    expect(await verdictOf(world.ports, apiKey)).toBe("valid");
  });
});
