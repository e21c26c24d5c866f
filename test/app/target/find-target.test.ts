// Covers app/target/find-target.ts: which key a Refresh or a Revoke means when it names an owner, and which
// targets are malformed.
import { describe, expect, it } from "vitest";
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import type { OwnerInput, TargetInput } from "../../../src/app/input/key-fields.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { keyEvent } from "../../../src/domain/audit/event.ts";
import { DISABLEMENT, START } from "../../domain/build.ts";
import { creationOf, keyAt } from "../../store/build.ts";
import { codeOf, errorOf, violatedFields } from "../outcomes.ts";
import { byId, byOwner, NEEDED, refreshInput, revokeInput, revokeUserInput } from "../requests.ts";
import { create, openWorld, ROOT, stateNow, type World } from "../world.ts";

const NOT_FOUND = "not_found KEY_NOT_FOUND";
const FOR_USER = byOwner({ userId: "user-1" });

const revoke = ({ ports }: World, target: TargetInput) => revokeKey(ports, ROOT, revokeInput(target));

describe("The key of an owner", () => {
  it.each<[string, Partial<CreateKeyInput>, Partial<OwnerInput>, string]>([
    ["its user", {}, { userId: "user-1" }, "user"],
    ["its organization", NEEDED.organization, { organizationId: "org-1" }, "organization"],
    ["its service account", NEEDED.service, { serviceAccountId: "account-1" }, "service"],
    ["a part of its owner", { organizationId: "org-1" }, { organizationId: "org-1" }, "user"],
    ["all of its owner", { organizationId: "org-1" }, { userId: "user-1", organizationId: "org-1" }, "user"],
  ])("is found by %s", async (_, asked, owner, type) => {
    const world = await openWorld();
    const { key } = await create(world.ports, asked);
    expect((await revoke(world, byOwner(owner, type))).key.keyId).toBe(key.keyId);
  });

  it.each<[string, Partial<CreateKeyInput>]>([
    ["another user", { userId: "user-2" }],
    ["another type", { ...NEEDED.publishable, userId: "user-1" }],
  ])("is not the key of %s", async (_, asked) => {
    const world = await openWorld();
    const { key } = await create(world.ports, asked);
    expect(await codeOf(revoke(world, FOR_USER))).toBe(NOT_FOUND);
    expect(await stateNow(world.ports, key.keyId)).toBe("active");
  });

  it("is the live one among dead ones", async () => {
    const world = await openWorld();
    const { ports, clock } = world;
    await create(ports, { ttlMs: 1_000 });
    await revoke(world, byId((await create(ports)).key.keyId));
    await create(ports);
    await revokeAllForUser(ports, ROOT, revokeUserInput());
    clock.now += 1_000;
    expect(await codeOf(revoke(world, FOR_USER))).toBe(NOT_FOUND);
    const { key } = await create(ports);
    expect((await revoke(world, FOR_USER)).key.keyId).toBe(key.keyId);
    expect(await codeOf(revoke(world, FOR_USER))).toBe(NOT_FOUND);
  });

  it("can be a disabled one, which is live", async () => {
    const world = await openWorld();
    const { key } = await create(world.ports);
    const next = { ...key, disablement: DISABLEMENT, revision: 2 };
    const at = { now: START, randomBytes: world.ports.randomBytes };
    await world.store.keys.update(next, keyEvent("key_refreshed", { after: next }, { caller: "root" }, at));
    await create(world.ports, { organizationId: "org-1" });
    expect((await errorOf(revoke(world, FOR_USER))).details.reason).toBe("SEVERAL_KEYS");
  });

  it("None of several is touched: they are named instead, by Refresh and by Revoke.", async () => {
    const world = await openWorld();
    const { ports, hash } = world;
    const keys = [await create(ports), await create(ports, { organizationId: "org-1" })];
    const keyIds = keys.map(({ key }) => key.keyId);
    for (const call of [revoke(world, FOR_USER), refreshKey(ports, ROOT, refreshInput(FOR_USER))]) {
      const { code, message, details } = await errorOf(call);
      expect([code, details.reason]).toEqual(["failed_precondition", "SEVERAL_KEYS"]);
      expect(details.metadata?.["key_ids"]?.split(",").toSorted()).toEqual(keyIds.toSorted());
      for (const keyId of keyIds) expect(message).toContain(keyId);
    }
    expect(hash.hashes).toBe(2);
    for (const keyId of keyIds) expect(await stateNow(ports, keyId)).toBe("active");
  });

  it("is the exclusive one, when it is among others", async () => {
    const world = await openWorld();
    await create(world.ports);
    const { key } = await create(world.ports, { exclusive: true });
    await create(world.ports);
    expect((await revoke(world, FOR_USER)).key.keyId).toBe(key.keyId);
  });

  it("is not one of two exclusive ones", async () => {
    const world = await openWorld();
    await create(world.ports, { exclusive: true });
    await create(world.ports, { exclusive: true, organizationId: "org-1" });
    await create(world.ports);
    const { details } = await errorOf(revoke(world, FOR_USER));
    expect(details.metadata?.["key_ids"]?.split(",")).toHaveLength(2);
  });

  it("is found behind more dead keys than are read at a time, and at most 20 are named", async () => {
    const world = await openWorld();
    for (let seed = 1; seed <= 450; seed++) {
      const key = keyAt(seed, { owner: { userId: "user-1" }, epochs: [], createTime: START + seed });
      const dead = seed <= 420 ? { ...key, expireTime: START } : key;
      await world.store.keys.insert(dead, creationOf(dead));
    }
    const { message, details } = await errorOf(revoke(world, FOR_USER));
    expect(details.metadata?.["key_ids"]?.split(",")).toHaveLength(20);
    expect(message).toContain("and more");
  });
});

describe("A target is refused as malformed", () => {
  it.each<[string, TargetInput, readonly string[]]>([
    ["none", undefined, ["target"]],
    ["an empty key_id", byId(""), ["key_id"]],
    ["a key_id that is too short", byId("flk_u0000000000"), ["key_id"]],
    ["a key_id that is too long", byId("flk_u000000000000"), ["key_id"]],
    ["a key_id of no type", byId("flk_x00000000000"), ["key_id"]],
    ["a key_id with a line feed behind it", byId("flk_u00000000000\n"), ["key_id"]],
    ["a key_id that is an object name", byId("__proto__"), ["key_id"]],
    ["an empty api_key", { by: "api_key", apiKey: "" }, ["api_key"]],
    ["an owner without a type", { by: "owner", type: undefined, owner: ownerOf("user-1") }, ["owner.type"]],
    ["an owner of an unknown type", byOwner({ userId: "user-1" }, "7"), ["owner.type"]],
    ["an owner that is nobody", byOwner({}), ["owner"]],
    ["an owner with a control character", byOwner({ userId: "a\n" }), ["owner.user_id"]],
    ["an owner that is too long", byOwner({ organizationId: "a".repeat(129) }), ["owner.organization_id"]],
    ["an owner with all of it", { by: "owner", type: "7", owner: ownerOf("") }, ["owner.type", "owner"]],
  ])("%s", async (_, target, fields) => {
    const world = await openWorld();
    expect(await violatedFields(revoke(world, target))).toEqual(fields);
    expect(await violatedFields(refreshKey(world.ports, ROOT, refreshInput(target)))).toEqual(fields);
  });
});

function ownerOf(userId: string): OwnerInput {
  return { userId, organizationId: "", serviceAccountId: "" };
}
