// Covers app/keys/update-key.ts: what an Update changes and tells, and of which keys. Repetitions and etags,
// values out of bounds, and the end of a former secret have files of their own.
import { describe, expect, it } from "vitest";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { START } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf } from "../outcomes.ts";
import { byId, revokeInput, revokeUserInput } from "../requests.ts";
import {
  create,
  feedOf,
  NOBODY,
  OTHER_CALLER,
  openWorld,
  ROOT,
  stateNow,
  stored,
  verdictOf,
  type World,
} from "../world.ts";
import { BEFORE, CLEARED, UPDATES, update } from "./updates.ts";

onEachStore("Update", (open) => {
  it.each(UPDATES)(
    "of %s changes that, the revision and the time, and tells of it",
    async (path, input, after) => {
      const world = await open();
      const { key } = await create(world.ports, BEFORE);
      world.clock.now += 1_000;
      // Whatever the mask does not name is not looked at, however wrong it is.
      const unnamed = { name: "\0", scopes: ["BAD SCOPE"], roles: ["none"], expireTime: Number.NaN };
      const { key: changed } = await update(world, key.keyId, { ...unnamed, ...input, paths: [path] });
      const expected = { ...key, ...after, revision: 2, updateTime: START + 1_000 };
      expect(changed).toEqual(expected);
      expect(await stored(world.ports, key.keyId)).toEqual(expected);
      const [, event, ...others] = await feedOf(world.ports);
      expect(others).toEqual([]);
      expect(event).toMatchObject({
        kind: "key_updated",
        time: START + 1_000,
        caller: "root",
        address: "192.0.2.1",
        keyId: key.keyId,
        keyType: "user",
        owner: { userId: "user-1", organizationId: "org-1" },
        changes: [{ field: path }],
      });
    },
  );

  it.each(CLEARED)("clears %s when it is named and left empty", async (path, after) => {
    const world = await open();
    const { key } = await create(world.ports, BEFORE);
    await update(world, key.keyId, { paths: [path] });
    const expected = { ...key, ...after, revision: 2 };
    expect(await stored(world.ports, key.keyId)).toEqual(expected);
  });

  it("changes all that it names at once, whatever is named twice", async () => {
    const world = await open();
    const { key } = await create(world.ports, BEFORE);
    const paths = [...UPDATES.map(([path]) => path), "name"];
    const input = Object.assign({}, ...UPDATES.map(([, each]) => each));
    await update(world, key.keyId, { ...input, paths });
    const after = Object.assign({}, ...UPDATES.map(([, , each]) => each));
    const disablement = { time: START, caller: "root", isByOperator: true };
    expect(await stored(world.ports, key.keyId)).toEqual({ ...key, ...after, disablement, revision: 2 });
    const [, event] = await feedOf(world.ports);
    expect(event?.changes).toHaveLength(UPDATES.length);
  });

  it("tells both values of what it changes", async () => {
    const world = await open();
    const { key } = await create(world.ports, BEFORE);
    await update(world, key.keyId, { paths: ["name"], name: "after" });
    const [, event] = await feedOf(world.ports);
    expect(event?.changes).toEqual([{ field: "name", before: '"before"', after: '"after"' }]);
  });

  it("holds for the next Verify: off and on again, its end, its secret untouched", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports);
    await update(world, key.keyId, { paths: ["disabled"], disabled: true });
    expect(await verdictOf(world.ports, apiKey)).toBe("disabled");
    await update(world, key.keyId, { paths: ["disabled"] });
    expect(await verdictOf(world.ports, apiKey)).toBe("valid");
    await update(world, key.keyId, { paths: ["expire_time"], expireTime: START + 1 });
    world.clock.now = START + 1;
    expect(await verdictOf(world.ports, apiKey)).toBe("expired");
    await update(world, key.keyId, { paths: ["expire_time"] });
    expect(await verdictOf(world.ports, apiKey)).toBe("valid");
  });

  it("leaves who switched a key off as it was, when it is switched off again", async () => {
    const world = await open();
    const { key } = await create(world.ports);
    const off = { paths: ["disabled"], disabled: true };
    await update(world, key.keyId, off, OTHER_CALLER);
    world.clock.now += 1_000;
    const { key: again } = await update(world, key.keyId, off);
    expect(again.disablement).toEqual({ time: START, caller: OTHER_CALLER.id, isByOperator: true });
  });
});

onEachStore("Metadata is kept as an Update gave it", (open) => {
  it.each([
    "{}",
    '{"__proto__":{"admin":true},"constructor":{"prototype":1}}',
    '{"$where":"1","$set":{"a.b":1},"a.b":2,"_id":3,"":[[[{"a":[]}]]]}',
    '{"a":"\\u0000 \\" \\\\ é 😀 𝄞","😀":"\\u0000"}',
    '{"n":[1,-1.5,1e300,null,false,[],{}]}',
  ])("%s", async (text) => {
    const world = await open();
    const { key } = await create(world.ports, { metadata: { a: 1 } });
    const metadata = JSON.parse(text) as unknown;
    await update(world, key.keyId, { paths: ["metadata"], metadata });
    expect((await stored(world.ports, key.keyId)).metadata).toBe(JSON.stringify(metadata));
    const [, event] = await feedOf(world.ports);
    expect(event?.changes?.[0]?.after).toBe(JSON.stringify(metadata));
  });
});

onEachStore("An Update of a dead key", (open) => {
  const ENDS: readonly (readonly [string, (world: World, keyId: string) => Promise<unknown>])[] = [
    ["revoked", ({ ports }, keyId) => revokeKey(ports, ROOT, revokeInput(byId(keyId)))],
    ["revoked with its user", ({ ports }) => revokeAllForUser(ports, ROOT, revokeUserInput())],
  ];

  it.each(ENDS)("is refused once it is %s, also when it would change nothing", async (_, end) => {
    const world = await open();
    const { key } = await create(world.ports, BEFORE);
    await end(world, key.keyId);
    const before = await stored(world.ports, key.keyId);
    for (const [path, input] of [...UPDATES, ["name", { name: "before" }] as const]) {
      const refused = codeOf(update(world, key.keyId, { ...input, paths: [path] }));
      expect(await refused).toBe("failed_precondition KEY_REVOKED");
    }
    expect(await stored(world.ports, key.keyId)).toEqual(before);
  });

  it("that has expired lets it live again, or changes it otherwise and leaves it dead", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports, { ttlMs: 5_000 });
    world.clock.now = START + 5_000;
    await update(world, key.keyId, { paths: ["name"], name: "after" });
    expect(await stateNow(world.ports, key.keyId)).toBe("expired");
    await update(world, key.keyId, { paths: ["expire_time"], expireTime: START + 5_001 });
    expect(await verdictOf(world.ports, apiKey)).toBe("valid");
  });

  it("is none when there is no such key", async () => {
    const world = await open();
    const refused = codeOf(update(world, "flk_u0000000000a", { paths: ["name"] }));
    expect(await refused).toBe("not_found KEY_NOT_FOUND");
  });
});

describe("An Update by nobody", () => {
  it("is a bug, not a change", async () => {
    const world = await openWorld();
    const { key } = await create(world.ports, BEFORE);
    const call = update(world, key.keyId, { paths: ["name"] }, NOBODY);
    await expect(call).rejects.toThrow("without a credential");
    expect(await stored(world.ports, key.keyId)).toEqual(key);
  });
});
