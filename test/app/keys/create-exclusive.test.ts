// Covers Create of an exclusive key: of one type, owner and provider there is at most one that lives,
// whoever asks at the same time and whatever became of those before it.
import { expect, it, vi } from "vitest";
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import { createKey } from "../../../src/app/keys/create-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { keyPrefixes } from "../../../src/domain/api-key/key-format.ts";
import { keyEvent } from "../../../src/domain/audit/event.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { DISABLEMENT, START } from "../../domain/build.ts";
import { countOf } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, errorOf, settle } from "../outcomes.ts";
import { byId, createInput, NEEDED, revokeInput, revokeUserInput } from "../requests.ts";
import { create, feedOf, POLICY, ROOT, stored, verdictOf, type World } from "../world.ts";

const EXCLUSIVE: Partial<CreateKeyInput> = { organizationId: "org-1", exclusive: true };
/** How many callers want the same place at once. */
const count = countOf(20, 200);
const TAKEN = "already_exists EXCLUSIVE_KEY_EXISTS";

async function disable({ ports, store }: World, keyId: string): Promise<void> {
  const key = await stored(ports, keyId);
  const next = { ...key, disablement: DISABLEMENT, revision: key.revision + 1 };
  const at = { now: ports.clock(), randomBytes: ports.randomBytes };
  await store.keys.update(next, keyEvent("key_refreshed", { after: next }, { caller: "root" }, at));
}

onEachStore("An exclusive place", (open) => {
  it("A second live key in it is refused, naming the first.", async () => {
    const { ports, hash } = await open();
    const { key } = await create(ports, EXCLUSIVE);
    const error = await errorOf(createKey(ports, ROOT, createInput(EXCLUSIVE)));
    expect([error.code, error.details.metadata]).toEqual(["already_exists", { key_id: key.keyId }]);
    expect(hash.hashes).toBe(1);
  });

  it.each<[string, (world: World, keyId: string) => unknown]>([
    ["revoked", ({ ports }, keyId) => revokeKey(ports, ROOT, revokeInput(byId(keyId)))],
    ["ended with its user", ({ ports }) => revokeAllForUser(ports, ROOT, revokeUserInput())],
    ["expired at this very ms", ({ clock }) => Object.assign(clock, { now: clock.now + 5_000 })],
  ])("is free again when its holder is %s, time after time", async (_, end) => {
    const world = await open();
    const keyIds = new Set<string>();
    for (let number = 1; number <= 3; number++) {
      const { key } = await create(world.ports, { ...EXCLUSIVE, ttlMs: 5_000 });
      expect(key.slot?.number).toBe(number);
      keyIds.add(key.keyId);
      await end(world, key.keyId);
    }
    expect(keyIds.size).toBe(3);
  });

  it("A holder that is disabled still holds it: it can be switched on again.", async () => {
    const world = await open();
    const { key } = await create(world.ports, EXCLUSIVE);
    await disable(world, key.keyId);
    expect(await codeOf(create(world.ports, EXCLUSIVE))).toBe(TAKEN);
  });

  it("is held until the last ms of its holder", async () => {
    const { ports, clock } = await open();
    await create(ports, { ...EXCLUSIVE, expireTime: START + 5_000 });
    clock.now = START + 4_999;
    expect(await codeOf(create(ports, EXCLUSIVE))).toBe(TAKEN);
  });

  it.each<[string, Partial<CreateKeyInput>]>([
    ["user", { userId: "user-2" }],
    ["organization", { organizationId: "" }],
    ["type", { ...NEEDED.publishable, userId: "user-1" }],
    ["split of the same ids", { userId: "user-1org-1", organizationId: "" }],
  ])("is another one for another %s", async (_, change) => {
    const { ports } = await open();
    await create(ports, EXCLUSIVE);
    await create(ports, { ...EXCLUSIVE, ...change });
    expect(await codeOf(create(ports, { ...EXCLUSIVE, ...change }))).toBe(TAKEN);
  });

  it("is another one for another provider", async () => {
    const { ports } = await open();
    const first = { ...NEEDED.integration, exclusive: true };
    await create(ports, first);
    await create(ports, { ...first, provider: "github" });
    expect(await codeOf(create(ports, first))).toBe(TAKEN);
  });

  it("is another one for another environment on the same store", async () => {
    const { ports } = await open();
    await create(ports, EXCLUSIVE);
    const policy = { ...POLICY, environment: "dev", prefixes: keyPrefixes("dev") };
    await create({ ...ports, policy }, EXCLUSIVE);
  });

  it("does not keep keys out that are not exclusive", async () => {
    const { ports } = await open();
    await create(ports, EXCLUSIVE);
    await create(ports, { ...EXCLUSIVE, exclusive: false });
  });
});

onEachStore("Exclusive keys that are created at once", (open) => {
  it(`Exactly one of ${count} gets the place.`, async () => {
    const { ports } = await open();
    const { done, refused } = await settle(Array.from({ length: count }, () => create(ports, EXCLUSIVE)));
    expect(done).toHaveLength(1);
    expect(refused).toEqual(Array.from({ length: count - 1 }, () => TAKEN));
    expect(await feedOf(ports)).toHaveLength(1);
  });

  it(`Exactly one of ${count} gets the place of a dead holder.`, async () => {
    const { ports } = await open();
    const { key } = await create(ports, EXCLUSIVE);
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
    const { done, refused } = await settle(Array.from({ length: count }, () => create(ports, EXCLUSIVE)));
    expect(done.map((created) => created.key.slot?.number)).toEqual([2]);
    expect(refused).toEqual(Array.from({ length: count - 1 }, () => TAKEN));
  });

  it("Two that saw the same free place meet at the same key_id.", async () => {
    const { ports, store } = await open();
    await create(ports, EXCLUSIVE);
    vi.spyOn(store.keys, "readSlotHolder").mockResolvedValueOnce(undefined);
    expect(await codeOf(create(ports, EXCLUSIVE))).toBe(TAKEN);
  });
});

onEachStore("An exclusive key with a request_id", (open) => {
  const asked = { ...EXCLUSIVE, requestId: "request-1" };

  it("is found again by its request, live or revoked", async () => {
    const { ports } = await open();
    const { key } = await create(ports, asked);
    expect((await createKey(ports, ROOT, createInput(asked))).view.key).toEqual(key);
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
    const again = await createKey(ports, ROOT, createInput(asked));
    expect([again.isReplayed, again.view.key.keyId]).toEqual([true, key.keyId]);
  });

  it("is found again when its insert happened but was not answered", async () => {
    const { ports, store } = await open();
    const insert = store.keys.insert.bind(store.keys);
    vi.spyOn(store.keys, "insert").mockImplementationOnce(async (key, event) => {
      await insert(key, event);
      throw storeUnavailable(new Error("the connection broke"));
    });
    expect(await codeOf(createKey(ports, ROOT, createInput(asked)))).toBe("unavailable STORE_UNAVAILABLE");
    expect((await createKey(ports, ROOT, createInput(asked))).isReplayed).toBe(true);
    expect(await codeOf(create(ports, { ...asked, requestId: "request-2" }))).toBe(TAKEN);
  });

  it("Of equal ones at once one makes the key and the others find it.", async () => {
    const { ports } = await open();
    const calls = Array.from({ length: count }, () => createKey(ports, ROOT, createInput(asked)));
    const results = await Promise.all(calls);
    expect(new Set(results.map(({ view }) => view.key.keyId)).size).toBe(1);
    expect(results.filter(({ isReplayed }) => !isReplayed)).toHaveLength(1);
  });

  it("is found by an equal one that read the request before its insert and the holder after", async () => {
    const { ports, store } = await open();
    vi.spyOn(store.keys, "readRequest").mockImplementationOnce(async () => {
      await create(ports, asked);
      return undefined;
    });
    expect((await createKey(ports, ROOT, createInput(asked))).isReplayed).toBe(true);
    expect(await feedOf(ports)).toHaveLength(1);
  });

  it("is live after a place was freed, though an earlier request made its predecessor", async () => {
    const { ports } = await open();
    const { key } = await create(ports, asked);
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
    const { apiKey } = await create(ports, { ...asked, requestId: "request-2" });
    expect(await verdictOf(ports, apiKey)).toBe("valid");
  });
});
