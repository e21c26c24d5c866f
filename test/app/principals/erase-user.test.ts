// Covers app/principals/erase-user.ts: the user's keys end and stay dead, what is personal is gone from keys,
// uses, principals and events, and the trail of what happened to which key stays. Crashes are in
// erase-crash.test.ts, the search through all that a store holds in erase-at-rest.test.ts.
import { describe, expect, it, vi } from "vitest";
import { getKey, listKeys } from "../../../src/app/keys/read-keys.ts";
import { eraseUser } from "../../../src/app/principals/erase-user.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { UseLog } from "../../../src/app/verify/use-log.ts";
import { revocationOf } from "../../../src/domain/lifecycle.ts";
import { principalIdOf } from "../../../src/domain/principal.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, violatedFields } from "../outcomes.ts";
import { listInput, revokeUserInput } from "../requests.ts";
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
import { makeUser } from "./erasable-user.ts";

const erase = ({ ports }: World, userId: string, requestId = "") =>
  eraseUser(ports, OTHER_CALLER, { userId, requestId });

onEachStore("EraseUser", (open) => {
  it("Once it is answered, every key of the user is refused and names nobody; no other is.", async () => {
    const world = await open();
    const { ports, clock } = world;
    const user = await makeUser(ports, 1);
    const other = await create(ports, { userId: "jane-doe-10", name: "laptop of jane-doe-10" });
    const before = await Promise.all(user.keyIds.map((keyId) => stored(ports, keyId)));
    clock.now += 1_000;
    const { keyCount } = await erase(world, user.userId);
    expect(keyCount).toBe(user.keyIds.length);
    for (const apiKey of user.apiKeys) expect(await verdictOf(ports, apiKey)).toMatch(/^(revoked|unknown)$/);
    for (const key of before) {
      const { userId: _, ...owner } = key.owner;
      const { metadata: __, ...kept } = key;
      expect(await stored(ports, key.keyId)).toEqual({
        ...kept,
        owner,
        name: "",
        description: "",
        allowedCidrs: [],
        ...(key.revocation && { revocation: { ...key.revocation, reason: "" } }),
        updateTime: clock.now,
        revision: key.revision + 1,
      });
      const { view, lastUse } = await getKey(ports, ROOT, key.keyId);
      expect([revocationOf(view)?.reason, lastUse]).toEqual(["", undefined]);
    }
    expect((await listKeys(ports, ROOT, listInput({ userId: user.userId }))).keys).toEqual([]);
    expect(await verdictOf(ports, other.apiKey)).toBe("valid");
    expect(await stored(ports, other.key.keyId)).toEqual(other.key);
  });

  it("The trail stays: the same events in order, without what is personal, one for each key.", async () => {
    const world = await open();
    const { ports, clock } = world;
    const user = await makeUser(ports, 1);
    await create(ports, { userId: "jane-doe-10" });
    const before = await feedOf(ports);
    clock.now += 1_000;
    const { eventCount } = await erase(world, user.userId, "request-1");
    const after = await feedOf(ports);
    const former = after.slice(0, before.length);
    for (const [index, event] of before.entries()) {
      const { userId, ...owner } = event.owner;
      if (userId !== user.userId) expect(former[index]).toEqual(event);
      else {
        const { address: _, reason: __, url: ___, changes: ____, ...kept } = event;
        expect(former[index]).toEqual({ ...kept, owner });
      }
    }
    const added = after.slice(before.length);
    const kinds = Map.groupBy(added, ({ kind }) => kind);
    expect([...kinds.keys()]).toEqual(["principal_revoked", "key_erased", "principal_erased"]);
    expect(kinds.get("principal_revoked")).toHaveLength(1);
    expect(
      kinds
        .get("key_erased")
        ?.map(({ keyId }) => keyId)
        .toSorted(),
    ).toEqual(user.keyIds.toSorted());
    // The user alone, and within each of two organizations.
    expect(kinds.get("principal_erased")).toHaveLength(3);
    for (const event of added) {
      expect(event).toMatchObject({ caller: OTHER_CALLER.id, requestId: "request-1", time: clock.now });
      expect(event.owner).not.toHaveProperty("userId");
      expect(event.changes ?? []).toEqual([]);
      expect(event.reason ?? "").toBe("");
    }
    const ofUser = before.filter(({ owner }) => owner.userId === user.userId);
    expect(eventCount).toBe(ofUser.length + 1);
  });

  it("A repetition finds nothing left but its own raise, and ends what was created since.", async () => {
    const world = await open();
    const { ports, clock } = world;
    const { userId } = await makeUser(ports, 1);
    await erase(world, userId, "request-1");
    const { apiKey } = await create(ports, { userId });
    clock.now += 1_000;
    expect(await verdictOf(ports, apiKey)).toBe("valid");
    // Its creation and its raise.
    expect(await erase(world, userId, "request-1")).toEqual({ keyCount: 1, eventCount: 2 });
    expect(await verdictOf(ports, apiKey)).toBe("revoked");
    expect(await erase(world, userId, "request-1")).toEqual({ keyCount: 0, eventCount: 1 });
    expect(await erase(world, "nobody")).toEqual({ keyCount: 0, eventCount: 1 });
  });

  it("The dead stay dead; a later RevokeAllForUser of the same id works and tells the user.", async () => {
    const world = await open();
    const { ports, clock, store } = world;
    const { userId, keyIds } = await makeUser(ports, 1);
    clock.now += 1_000;
    await erase(world, userId);
    const again = await create(ports, { userId });
    const member = await create(ports, { userId, organizationId: "org-1" });
    clock.now += 1_000;
    expect(await revokeAllForUser(ports, ROOT, revokeUserInput({ userId, organizationId: "org-1" }))).toBe(1);
    expect(await verdictOf(ports, member.apiKey)).toBe("revoked");
    expect(await verdictOf(ports, again.apiKey)).toBe("valid");
    clock.now += 1;
    expect(await revokeAllForUser(ports, ROOT, revokeUserInput({ userId, reason: "left" }))).toBe(1);
    expect(await verdictOf(ports, again.apiKey)).toBe("revoked");
    for (const keyId of keyIds) expect(await stateNow(ports, keyId)).toBe("revoked");
    const [alone, within] = [{ userId }, { userId, organizationId: "org-1" }];
    const records = await store.principals.read([principalIdOf(alone), principalIdOf(within)]);
    expect(records.get(principalIdOf(alone))?.owner).toEqual(alone);
    expect(records.get(principalIdOf(within))?.owner).toEqual(within);
    expect((await feedOf(ports)).at(-1)).toMatchObject({
      kind: "principal_revoked",
      owner: alone,
      reason: "left",
    });
    expect((await erase(world, userId)).keyCount).toBe(2);
    expect(await store.principals.listOfUser(userId, 10)).toEqual([]);
  });

  it("A use that another node still had to write brings nothing back.", async () => {
    const world = await open();
    const { ports, store } = world;
    const { key } = await create(ports, { userId: "jane-doe" });
    const log = new UseLog(store.usage);
    log.record({
      keyId: key.keyId,
      time: ports.clock(),
      address: "192.0.2.7",
      userAgent: "browser of jane-doe",
    });
    await erase(world, "jane-doe");
    await log.flush();
    expect((await getKey(ports, ROOT, key.keyId)).lastUse).toBeUndefined();
    expect([...(await store.usage.readMany([key.keyId])).values()]).toMatchObject([
      { address: "", userAgent: "" },
    ]);
  });

  it("Two at once both succeed, and each key is told of once.", async () => {
    const world = await open();
    const { userId, keyIds } = await makeUser(world.ports, 1);
    const results = await Promise.all([erase(world, userId), erase(world, userId)]);
    expect(results.reduce((sum, { keyCount }) => sum + keyCount, 0)).toBe(keyIds.length);
    const erased = (await feedOf(world.ports)).filter(({ kind }) => kind === "key_erased");
    expect(erased.map(({ keyId }) => keyId).toSorted()).toEqual(keyIds.toSorted());
    expect(await world.store.principals.listOfUser(userId, 10)).toEqual([]);
    expect((await world.store.events.list({ owner: { userId }, after: 0, limit: 10 })).length).toBe(0);
  });
});

describe("EraseUser", () => {
  it("goes over more keys and principals than are read at a time", async () => {
    const world = await openWorld();
    const { ports, store } = world;
    const userId = "jane-doe";
    for (let made = 0; made < 501; made++) await create(ports, { userId });
    for (let made = 0; made < 101; made++) {
      await revokeAllForUser(ports, ROOT, revokeUserInput({ userId, organizationId: `org-${made}` }));
    }
    expect((await erase(world, userId)).keyCount).toBe(501);
    expect(await store.principals.listOfUser(userId, 10)).toEqual([]);
    expect((await listKeys(ports, ROOT, listInput({ userId }))).keys).toEqual([]);
  });

  it("A key that is removed meanwhile does not make it fail.", async () => {
    const world = await openWorld();
    const { ports, store } = world;
    const [gone, stays] = [
      await create(ports, { userId: "jane-doe" }),
      await create(ports, { userId: "jane-doe" }),
    ];
    const add = store.usage.add.bind(store.usage);
    vi.spyOn(store.usage, "add").mockImplementationOnce(async (uses) => {
      await add(uses);
      expect(await store.keys.remove(gone.key.keyId, 1)).toBe(true);
    });
    expect((await erase(world, "jane-doe")).keyCount).toBe(1);
    expect((await stored(ports, stays.key.keyId)).owner).toEqual({});
  });

  it.each([
    ["conflict", "aborted CONTENTION", 8],
    ["backlog", "unavailable EVENT_BACKLOG", 1],
  ] as const)("gives up after writes of a principal that meet a %s", async (outcome, expected, attempts) => {
    const world = await openWorld();
    const { ports, store } = world;
    await revokeAllForUser(ports, ROOT, revokeUserInput({ userId: "jane-doe" }));
    const actual = store.principals.write.bind(store.principals);
    const write = vi.spyOn(store.principals, "write");
    write.mockImplementation(async (next, event) =>
      event.kind === "principal_erased" ? outcome : actual(next, event),
    );
    expect(await codeOf(erase(world, "jane-doe"))).toBe(expected);
    expect(write.mock.calls.filter(([, { kind }]) => kind === "principal_erased")).toHaveLength(attempts);
  });

  it.each([
    [{ userId: "" }, ["user_id"]],
    [{ userId: "a".repeat(129) }, ["user_id"]],
    [{ userId: "\0", requestId: "r".repeat(129) }, ["user_id", "request_id"]],
  ])("is refused for %j", async (overrides, fields) => {
    const world = await openWorld();
    const input = { requestId: "", ...overrides };
    expect(await violatedFields(eraseUser(world.ports, ROOT, input))).toEqual(fields);
    expect(await feedOf(world.ports)).toEqual([]);
  });
});
