// Covers app/revoke-principal.ts: one atomic write ends every key that carries a user, of every type, for
// good; and how many there were is told exactly.
import { describe, expect, it, vi } from "vitest";
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import { getKey } from "../../../src/app/keys/read-keys.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { type RevokeUserInput, revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { principalEvent } from "../../../src/domain/audit/event.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { revocationOf } from "../../../src/domain/lifecycle.ts";
import { currentEpochs, newPrincipal, raiseEpoch } from "../../../src/domain/principal.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { START } from "../../domain/build.ts";
import { creationOf, keyAt } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, violatedFields } from "../outcomes.ts";
import { byId, NEEDED, revokeInput, revokeUserInput } from "../requests.ts";
import {
  create,
  feedOf,
  OTHER_CALLER,
  openWorld,
  ROOT,
  stateNow,
  stored,
  verdictOf,
  type World,
} from "../world.ts";

const USER = { userId: "user-1" };
const MEMBER = { userId: "user-1", organizationId: "org-1" };

const revokeAll = ({ ports }: World, overrides: Partial<RevokeUserInput> = {}) =>
  revokeAllForUser(ports, ROOT, revokeUserInput(overrides));

onEachStore("RevokeAllForUser", (open) => {
  it("Once it is answered, every key that carries the user is refused, and no other one.", async () => {
    const world = await open();
    const { ports } = world;
    const carrying: string[] = [];
    for (const type of KEY_TYPES) {
      carrying.push((await create(ports, { ...NEEDED[type], ...USER })).apiKey);
      carrying.push((await create(ports, { ...NEEDED[type], ...MEMBER })).apiKey);
    }
    const others = [
      await create(ports, { userId: "user-2", organizationId: "org-1" }),
      await create(ports, NEEDED.organization),
      await create(ports, { ...NEEDED.organization, organizationId: "user-1" }),
      await create(ports, { ...NEEDED.service, serviceAccountId: "user-1" }),
    ];
    expect(await revokeAll(world)).toBe(10);
    for (const apiKey of carrying) expect(await verdictOf(ports, apiKey)).toBe("revoked");
    for (const { apiKey } of others) expect(await verdictOf(ports, apiKey)).toBe("valid");
  });

  it("With an organization it ends the user's keys within that organization alone.", async () => {
    const world = await open();
    const { ports } = world;
    const [alone, member, elsewhere] = [
      await create(ports),
      await create(ports, MEMBER),
      await create(ports, { userId: "user-1", organizationId: "org-2" }),
    ];
    expect(await revokeAll(world, MEMBER)).toBe(1);
    expect(await verdictOf(ports, member.apiKey)).toBe("revoked");
    expect(await verdictOf(ports, alone.apiKey)).toBe("valid");
    expect(await verdictOf(ports, elsewhere.apiKey)).toBe("valid");
    world.clock.now += 1;
    expect(await revokeAll(world)).toBe(2);
  });

  it("tells its time and reason by Get, and itself in one event", async () => {
    const world = await open();
    const { key } = await create(world.ports);
    world.clock.now += 1_000;
    await revokeAll(world, { reason: "left", requestId: "request-1" });
    const { view } = await getKey(world.ports, ROOT, key.keyId);
    expect(revocationOf(view)).toEqual({ time: START + 1_000, reason: "left" });
    expect((await feedOf(world.ports)).slice(1)).toEqual([
      {
        number: expect.any(Number),
        eventId: expect.stringMatching(/^evt_/),
        kind: "principal_revoked",
        time: START + 1_000,
        caller: "root",
        address: "192.0.2.1",
        requestId: "request-1",
        reason: "left",
        principalId: newPrincipal(USER).principalId,
        owner: USER,
      },
    ]);
  });

  it("A key that is created afterwards is live, at the same ms as well.", async () => {
    const world = await open();
    await revokeAll(world);
    const { apiKey, key } = await create(world.ports);
    expect(await verdictOf(world.ports, apiKey)).toBe("valid");
    await revokeAll(world);
    expect(await verdictOf(world.ports, apiKey)).toBe("revoked");
    expect((await stored(world.ports, key.keyId)).revision).toBe(1);
  });

  it("Its reason stays with the keys that it ended when the user is revoked again.", async () => {
    const world = await open();
    const { key } = await create(world.ports);
    await revokeAll(world, { reason: "first" });
    world.clock.now += 1_000;
    expect(await revokeAll(world, { reason: "second" })).toBe(0);
    expect(revocationOf((await getKey(world.ports, ROOT, key.keyId)).view)?.reason).toBe("first");
  });

  it("A store that does not answer makes it fail; it never claims success.", async () => {
    const world = await open();
    const { apiKey } = await create(world.ports);
    const lost = storeUnavailable(new Error("no primary"));
    vi.spyOn(world.store.principals, "write").mockRejectedValueOnce(lost);
    expect(await codeOf(revokeAll(world))).toBe("unavailable STORE_UNAVAILABLE");
    expect(await verdictOf(world.ports, apiKey)).toBe("valid");
  });
});

describe("The count of a RevokeAllForUser", () => {
  it("holds no keys that were revoked or expired, or ended with another principal, before", async () => {
    const world = await openWorld();
    const { ports, clock, store } = world;
    const dead = await create(ports);
    await revokeKey(ports, ROOT, revokeInput(byId(dead.key.keyId)));
    await create(ports, { ttlMs: 5_000 });
    const organization = newPrincipal({ organizationId: "org-1" });
    await create(ports, MEMBER);
    const raised = raiseEpoch(organization, { time: START + 1, reason: "", caller: "root" });
    const at = { now: START + 1, randomBytes: ports.randomBytes };
    await store.principals.write(raised, principalEvent("principal_revoked", raised, { caller: "root" }, at));
    await create(ports, { ttlMs: 5_001 });
    await create(ports, MEMBER);
    clock.now = START + 5_000;
    expect(await revokeAll(world, { requestId: "request-1" })).toBe(2);
    expect(await revokeAll(world)).toBe(0);
    expect(await revokeAll(world, { requestId: "request-1" })).toBe(2);
  });

  it("goes over more keys than are read at a time", async () => {
    const world = await openWorld();
    for (let seed = 1; seed <= 1_001; seed++) {
      const epochs = currentEpochs(USER, new Map());
      const key = keyAt(seed, { owner: USER, epochs, createTime: START - (seed % 7) });
      await world.store.keys.insert(key, creationOf(key));
    }
    expect(await revokeAll(world)).toBe(1_001);
  });
});

onEachStore("A repeated RevokeAllForUser", (open) => {
  const ASKED = { requestId: "request-1", reason: "left" };

  it("A repetition raises nothing: keys made since live on, and the count is the first one.", async () => {
    const world = await open();
    const { ports, clock } = world;
    await create(ports);
    await create(ports, MEMBER);
    expect(await revokeAll(world, ASKED)).toBe(2);
    clock.now += 1_000;
    const { apiKey } = await create(ports);
    expect(await revokeAll(world, ASKED)).toBe(2);
    expect(await verdictOf(ports, apiKey)).toBe("valid");
    expect((await feedOf(ports)).filter(({ kind }) => kind === "principal_revoked")).toHaveLength(1);
  });

  it("gives the same count after another raise and after its keys were revoked again", async () => {
    const world = await open();
    const { key } = await create(world.ports);
    await create(world.ports);
    await revokeAll(world, ASKED);
    world.clock.now += 1_000;
    await create(world.ports);
    expect(await revokeAll(world)).toBe(1);
    await revokeKey(world.ports, ROOT, revokeInput(byId(key.keyId)));
    expect(await revokeAll(world, ASKED)).toBe(2);
  });

  it("No success from a read: a repetition is confirmed by a write.", async () => {
    const world = await open();
    const confirm = vi.spyOn(world.store.principals, "confirm");
    await revokeAll(world, ASKED);
    expect(confirm).not.toHaveBeenCalled();
    await revokeAll(world, ASKED);
    expect(confirm.mock.calls).toEqual([[newPrincipal(USER).principalId, 1]]);
    confirm.mockResolvedValue(false);
    expect(await codeOf(revokeAll(world, ASKED))).toBe("aborted CONTENTION");
  });

  it("by another caller is a raise of its own", async () => {
    const world = await open();
    await revokeAll(world, ASKED);
    const { apiKey } = await create(world.ports);
    expect(await revokeAllForUser(world.ports, OTHER_CALLER, revokeUserInput(ASKED))).toBe(1);
    expect(await verdictOf(world.ports, apiKey)).toBe("revoked");
  });

  it("is recognized over the last 16 raises", async () => {
    const world = await open();
    await revokeAll(world, ASKED);
    for (let number = 2; number <= 16; number++) await revokeAll(world, { requestId: `request-${number}` });
    await revokeAll(world, ASKED);
    expect(await feedOf(world.ports)).toHaveLength(16);
    await revokeAll(world, { requestId: "request-17" });
    await revokeAll(world, ASKED);
    expect(await feedOf(world.ports)).toHaveLength(18);
  });
});

onEachStore("RevokeAllForUser at once", (open) => {
  it("Concurrent raises are all made, and each key is counted by one of them.", async () => {
    const world = await open();
    for (let made = 0; made < 5; made++) await create(world.ports);
    const counts = await Promise.all(Array.from({ length: 6 }, () => revokeAll(world)));
    expect(counts.toSorted()).toEqual([0, 0, 0, 0, 0, 5]);
    const { principalId } = newPrincipal(USER);
    const raised = (await world.store.principals.read([principalId])).get(principalId);
    const epochs = raised?.raises.map(({ epoch }) => epoch) ?? [];
    expect(new Set(epochs).size).toBe(6);
    expect(await feedOf(world.ports)).toHaveLength(11);
  });

  it("Equal ones with a request_id raise once.", async () => {
    const world = await open();
    const { key } = await create(world.ports);
    const calls = Array.from({ length: 6 }, () => revokeAll(world, { requestId: "request-1" }));
    expect(await Promise.all(calls)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(await feedOf(world.ports)).toHaveLength(2);
    expect(await stateNow(world.ports, key.keyId)).toBe("revoked");
  });
});

describe("A RevokeAllForUser that cannot write", () => {
  it.each([
    ["conflict", "aborted CONTENTION", 8],
    ["backlog", "unavailable EVENT_BACKLOG", 1],
  ] as const)("gives up after %s: %s, %i attempts", async (outcome, expected, attempts) => {
    const world = await openWorld();
    const write = vi.spyOn(world.store.principals, "write").mockResolvedValue(outcome);
    expect(await codeOf(revokeAll(world))).toBe(expected);
    expect(write).toHaveBeenCalledTimes(attempts);
  });

  it.each<[string, Partial<RevokeUserInput & CreateKeyInput>, readonly string[]]>([
    ["no user", { userId: "" }, ["user_id"]],
    ["an organization alone", { userId: "", organizationId: "org-1" }, ["user_id"]],
    ["a user that is too long", { userId: "a".repeat(129) }, ["user_id"]],
    ["a reason that is too long", { reason: "a".repeat(257) }, ["reason"]],
    [
      "all of it",
      { userId: "", organizationId: "\0", reason: "\0", requestId: "\0" },
      ["organization_id", "user_id", "reason", "request_id"],
    ],
  ])("is refused for %s", async (_, overrides, fields) => {
    const world = await openWorld();
    expect(await violatedFields(revokeAll(world, overrides))).toEqual(fields);
    expect(await feedOf(world.ports)).toEqual([]);
  });
});
