// Covers Create with a request_id: a repetition finds the key of the first call, whatever happened to it or
// to the first answer, and never makes a second one nor shows a secret again.
import { expect, it, vi } from "vitest";
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import { createKey } from "../../../src/app/keys/create-key.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import type { AppPorts, KeyPolicy } from "../../../src/app/ports.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { START } from "../../domain/build.ts";
import { countOf } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, violatedFields, violationsOf } from "../outcomes.ts";
import { byId, createInput, NEEDED, refreshInput, revokeInput } from "../requests.ts";
import { create, feedOf, OTHER_CALLER, ROOT, stored, type World } from "../world.ts";

const FIRST: Partial<CreateKeyInput> = {
  organizationId: "org-1",
  name: "first",
  metadata: { b: 1, a: { d: [1, 2], c: "x" } },
  requestId: "request-1",
};
const REUSED = [{ field: "request_id", description: "was used by the same caller for another request" }];

const withPolicy = (ports: AppPorts, policy: Partial<KeyPolicy>): AppPorts => ({
  ...ports,
  policy: { ...ports.policy, ...policy },
});

onEachStore("A repeated Create", (open) => {
  it("answers with the same key and without an api_key", async () => {
    const { ports, clock, hash } = await open();
    const { key } = await create(ports, FIRST);
    clock.now += 5_000;
    const again = await createKey(ports, ROOT, createInput(FIRST));
    expect(again).toEqual({ isReplayed: true, view: { key, principals: new Map() } });
    expect(hash.hashes).toBe(1);
    expect(await feedOf(ports)).toHaveLength(1);
  });

  it("is the same with the entries of its metadata in another order", async () => {
    const { ports } = await open();
    await create(ports, FIRST);
    const metadata = { a: { c: "x", d: [1, 2] }, b: 1 };
    const again = await createKey(ports, ROOT, createInput({ ...FIRST, metadata }));
    expect(again.isReplayed).toBe(true);
  });

  it("is the same with the same ttl, though that means another end by now", async () => {
    const { ports, clock } = await open();
    const { key } = await create(ports, { ...FIRST, ttlMs: 60_000 });
    clock.now += 30_000;
    const again = await createKey(ports, ROOT, createInput({ ...FIRST, ttlMs: 60_000 }));
    expect(again.isReplayed).toBe(true);
    expect(again.view.key.expireTime).toBe(key.expireTime);
  });

  it.each<[string, Partial<CreateKeyInput>]>([
    ["name", { name: "other" }],
    ["description", { description: "other" }],
    ["scopes", { scopes: ["read"] }],
    ["roles", { roles: ["reader"] }],
    ["addresses", { allowedCidrs: ["192.0.2.0/24"] }],
    ["provider of another type", { ...NEEDED.integration }],
    ["user", { userId: "user-2" }],
    ["organization", { organizationId: "" }],
    ["type", { ...NEEDED.organization, organizationId: "org-1" }],
    ["exclusive", { exclusive: true }],
    ["ttl", { ttlMs: 60_000 }],
    ["expire_time", { expireTime: START + 60_000 }],
    ["missing metadata", { metadata: undefined }],
    ["other metadata", { metadata: { b: 2, a: { d: [1, 2], c: "x" } } }],
    ["order of a list in the metadata", { metadata: { b: 1, a: { d: [2, 1], c: "x" } } }],
    ["number as text in the metadata", { metadata: { b: "1", a: { d: [1, 2], c: "x" } } }],
    [
      "map as a list of pairs in the metadata",
      {
        metadata: {
          b: 1,
          a: [
            ["c", "x"],
            ["d", [1, 2]],
          ],
        },
      },
    ],
  ])("A request_id that was used for another request is refused: %s.", async (_, change) => {
    const { ports } = await open();
    const { key } = await create(ports, FIRST);
    expect(await violationsOf(createKey(ports, ROOT, createInput({ ...FIRST, ...change })))).toEqual(REUSED);
    expect(await feedOf(ports)).toHaveLength(1);
    expect(await stored(ports, key.keyId)).toEqual(key);
  });

  it("A caller never finds the key of another caller by its request_id.", async () => {
    const { ports } = await open();
    const first = await create(ports, FIRST);
    const second = await create(ports, FIRST, OTHER_CALLER);
    expect(second.key.keyId).not.toBe(first.key.keyId);
    expect(second.key.createdBy).toBe(OTHER_CALLER.id);
  });

  it("gives the key as it is now, revoked or refreshed meanwhile", async () => {
    const { ports } = await open();
    const { key } = await create(ports, FIRST);
    await refreshKey(ports, ROOT, refreshInput(byId(key.keyId)));
    await revokeKey(ports, ROOT, revokeInput(byId(key.keyId), "leaked"));
    const again = await createKey(ports, ROOT, createInput(FIRST));
    expect(again.isReplayed).toBe(true);
    expect(again.view.key.generations[0].number).toBe(2);
    expect(again.view.key.revocation).toEqual({ time: START, reason: "leaked" });
  });

  it(`Of ${countOf(10, 50)} equal ones at once one makes the key and the others find it.`, async () => {
    const { ports } = await open();
    const calls = Array.from({ length: countOf(10, 50) }, () => createKey(ports, ROOT, createInput(FIRST)));
    const results = await Promise.all(calls);
    expect(results.filter(({ isReplayed }) => !isReplayed)).toHaveLength(1);
    expect(new Set(results.map(({ view }) => view.key.keyId)).size).toBe(1);
    expect(await feedOf(ports)).toHaveLength(1);
  });
});

onEachStore("A repeated Create that would be refused by now", (open) => {
  const ENDING = { ...FIRST, expireTime: START + 5_000, roles: ["reader"] };

  it.each<[string, (world: World) => AppPorts]>([
    ["its expire_time has come", ({ ports }) => ({ ...ports, clock: () => START + 5_000 })],
    ["keys may not live so long any more", ({ ports }) => withPolicy(ports, { ttlMaxMs: { user: 4_999 } })],
    ["there is no such role any more", ({ ports }) => withPolicy(ports, { roles: new Map() })],
  ])("finds the same key though %s", async (_, change) => {
    const world = await open();
    const { key } = await create(world.ports, ENDING);
    const ports = change(world);
    const again = await createKey(ports, ROOT, createInput(ENDING));
    expect([again.isReplayed, again.view.key]).toEqual([true, key]);
    expect(await feedOf(ports)).toHaveLength(1);
  });

  it.each<[string, Partial<CreateKeyInput>, string[]]>([
    ["of another name", { requestId: "request-2" }, ["expire_time"]],
    ["of another body", { name: "other" }, ["expire_time"]],
    ["with more that is wrong", { name: "a\n" }, ["name", "expire_time"]],
    ["without a name", { requestId: "" }, ["expire_time"]],
  ])("is refused when there was none %s", async (_, change, fields) => {
    const { ports, clock } = await open();
    await create(ports, ENDING);
    clock.now = START + 5_000;
    expect(await violatedFields(createKey(ports, ROOT, createInput({ ...ENDING, ...change })))).toEqual(
      fields,
    );
  });

  it("A caller never finds the key of another caller so.", async () => {
    const { ports, clock } = await open();
    await create(ports, ENDING);
    clock.now = START + 5_000;
    const refused = violatedFields(createKey(ports, OTHER_CALLER, createInput(ENDING)));
    expect(await refused).toEqual(["expire_time"]);
  });
});

onEachStore("A Create that is repeated because its answer was lost", (open) => {
  it("finds the key when the insert happened but was not answered", async () => {
    const { ports, store } = await open();
    const insert = store.keys.insert.bind(store.keys);
    vi.spyOn(store.keys, "insert").mockImplementationOnce(async (key, event) => {
      await insert(key, event);
      throw storeUnavailable(new Error("the connection broke"));
    });
    expect(await codeOf(createKey(ports, ROOT, createInput(FIRST)))).toBe("unavailable STORE_UNAVAILABLE");
    expect((await createKey(ports, ROOT, createInput(FIRST))).isReplayed).toBe(true);
    expect(await feedOf(ports)).toHaveLength(1);
  });

  it("No success from a read: a replay is confirmed by a write.", async () => {
    const { ports, store } = await open();
    const { key } = await create(ports, FIRST);
    const confirm = vi.spyOn(store.keys, "confirm");
    await createKey(ports, ROOT, createInput(FIRST));
    expect(confirm.mock.calls).toEqual([[key.keyId, 1]]);
    confirm.mockRejectedValueOnce(storeUnavailable(new Error("no primary")));
    expect(await codeOf(createKey(ports, ROOT, createInput(FIRST)))).toBe("unavailable STORE_UNAVAILABLE");
  });

  it("is confirmed at the revision that it answers with, when the key changes meanwhile", async () => {
    const { ports, store } = await open();
    const { key } = await create(ports, FIRST);
    const confirm = store.keys.confirm.bind(store.keys);
    vi.spyOn(store.keys, "confirm").mockImplementationOnce(async (keyId, revision) => {
      await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
      return confirm(keyId, revision);
    });
    const again = await createKey(ports, ROOT, createInput(FIRST));
    expect(again.view.key).toEqual(await stored(ports, key.keyId));
    expect(again.view.key.revision).toBe(2);
  });

  it("gives up when the key changes each time", async () => {
    const { ports, store } = await open();
    await create(ports, FIRST);
    const confirm = vi.spyOn(store.keys, "confirm").mockResolvedValue(false);
    expect(await codeOf(createKey(ports, ROOT, createInput(FIRST)))).toBe("aborted CONTENTION");
    expect(confirm).toHaveBeenCalledTimes(8);
  });
});
