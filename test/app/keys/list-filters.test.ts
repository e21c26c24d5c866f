// Covers the filters of List that look at a key's name, end and use: each at its bound, together, and through
// pages, where they may make a page short but leave nothing out and repeat nothing.
import fc from "fast-check";
import { expect, it } from "vitest";
import { type ListKeysInput, listKeys } from "../../../src/app/keys/read-keys.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { stateOf } from "../../../src/domain/lifecycle.ts";
import { erasedUse } from "../../../src/domain/usage.ts";
import { buildView, propertyRuns, START } from "../../domain/build.ts";
import { creationOf, keyAt } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { violatedFields } from "../outcomes.ts";
import { byId, listInput, NEEDED, revokeInput } from "../requests.ts";
import { create, openWorld, ROOT, type World } from "../world.ts";

async function list({ ports }: World, filters: Partial<ListKeysInput>): Promise<readonly string[]> {
  const { keys, nextPageToken } = await listKeys(ports, ROOT, listInput(filters));
  expect(nextPageToken).toBe("");
  return keys.map(({ view }) => view.key.keyId);
}

/** Creates a key a millisecond after the one before. */
async function createAt(world: World, fields: Parameters<typeof create>[1]): Promise<string> {
  world.clock.now += 1;
  return (await create(world.ports, fields)).key.keyId;
}

/** Writes that a key was used at this time. */
async function use({ store }: World, keyId: string, time: number): Promise<void> {
  await store.usage.add([{ keyId, time, address: "192.0.2.1", userAgent: "agent", count: 1 }]);
}

onEachStore("List by name", (open) => {
  it("gives the keys of exactly this name, of every type", async () => {
    const world = await open();
    const named = [
      await createAt(world, { name: "laptop" }),
      await createAt(world, { ...NEEDED.service, name: "laptop" }),
    ];
    for (const name of ["Laptop", "laptop 2", "lap", "laptop$", ".*", ""]) await createAt(world, { name });
    expect(await list(world, { name: "laptop" })).toEqual(named);
    expect(await list(world, { name: "laptop", type: "service" })).toEqual(named.slice(1));
    expect(await list(world, { name: ".*" })).toHaveLength(1);
    expect(await list(world, { name: "lapto" })).toEqual([]);
    expect(await list(world, {})).toHaveLength(8);
  });
});

onEachStore("List by expiry", (open) => {
  it("gives the keys that end before this ms, and none without an end", async () => {
    const world = await open();
    const [end, early] = [START + 60_000, START + 50_000];
    const keyIds = {
      none: await createAt(world, {}),
      at: await createAt(world, { expireTime: end }),
      before: await createAt(world, { expireTime: end - 1 }),
      early: await createAt(world, { ...NEEDED.integration, expireTime: early }),
    };
    expect(await list(world, { expireBefore: end })).toEqual([keyIds.before, keyIds.early]);
    expect(await list(world, { expireBefore: end + 1 })).toEqual([keyIds.at, keyIds.before, keyIds.early]);
    expect(await list(world, { expireBefore: early })).toEqual([]);
    world.clock.now = early;
    expect(await list(world, { expireBefore: end, state: "active" })).toEqual([keyIds.before]);
    expect(await list(world, { expireBefore: end, state: "expired" })).toEqual([keyIds.early]);
  });
});

onEachStore("List by use", (open) => {
  it("gives the keys that are older than this ms and were not used from it on", async () => {
    const world = await open();
    const since = START + 1_000;
    const never = await createAt(world, {});
    const before = await createAt(world, {});
    const at = await createAt(world, {});
    const after = await createAt(world, {});
    world.clock.now = since - 2;
    const justOlder = await createAt(world, {});
    const asOld = await createAt(world, {});
    await use(world, before, since - 1);
    await use(world, at, since);
    await use(world, after, since + 1);
    expect(await list(world, { unusedSince: since })).toEqual([never, before, justOlder]);
    expect(await list(world, { unusedSince: since + 1 })).toEqual([never, before, at, justOlder, asOld]);
    await revokeKey(world.ports, ROOT, revokeInput(byId(never)));
    expect(await list(world, { unusedSince: since, state: "active" })).toEqual([before, justOlder]);
  });

  it("tells of each key its own last use, with any filter and without", async () => {
    const world = await open();
    const keyIds = [await createAt(world, {}), await createAt(world, {}), await createAt(world, {})];
    await use(world, keyIds[0] ?? "", START + 10);
    await use(world, keyIds[2] ?? "", START + 30);
    for (const filters of [{}, { state: "active" }, { unusedSince: START + 1_000 }]) {
      const { keys } = await listKeys(world.ports, ROOT, listInput(filters));
      expect(keys.map(({ lastUse }) => lastUse?.time)).toEqual([START + 10, undefined, START + 30]);
    }
  });

  it("takes a use that was erased for none", async () => {
    const world = await open();
    const keyId = await createAt(world, {});
    await use(world, keyId, START + 10);
    await world.store.usage.add([erasedUse(keyId)]);
    await use(world, keyId, START + 20);
    const { keys } = await listKeys(world.ports, ROOT, listInput({ unusedSince: START + 15 }));
    expect(keys.map(({ view, lastUse }) => [view.key.keyId, lastUse])).toEqual([[keyId, undefined]]);
  });
});

it.each<[Partial<ListKeysInput>, readonly string[]]>([
  [{ name: "n".repeat(257) }, ["name"]],
  [{ name: "a\nb" }, ["name"]],
  [{ expireBefore: Number.NaN }, ["expire_before"]],
  [{ unusedSince: Number.NaN }, ["unused_since"]],
  [
    { name: "\0", expireBefore: Number.NaN, unusedSince: Number.NaN, pageToken: "x" },
    ["name", "expire_before", "unused_since", "page_token"],
  ],
])("List is refused with %j", async (filters, fields) => {
  const world = await openWorld();
  expect(await violatedFields(list(world, filters))).toEqual(fields);
});

it.each([
  { name: "n".repeat(256) },
  { expireBefore: -62_135_596_800_000 },
  { unusedSince: 253_402_300_799_999 },
])("List takes %j", async (filters) => {
  expect(await list(await openWorld(), filters)).toEqual([]);
});

const NOW = START + 1_000;
const anyTime = fc.constantFrom(NOW - 2, NOW - 1, NOW, NOW + 1, NOW + 2);
const anyKey = fc.record({
  type: fc.constantFrom(...KEY_TYPES),
  name: fc.constantFrom("", "a", "b"),
  createTime: fc.constantFrom(START, START + 1, NOW - 1, NOW),
  expireTime: fc.option(anyTime, { nil: undefined }),
  useTime: fc.option(anyTime, { nil: undefined }),
  isRevoked: fc.boolean(),
});
const anyFilters = fc.record({
  type: fc.constantFrom(undefined, undefined, "user", "service"),
  state: fc.constantFrom(undefined, "active", "expired", "revoked"),
  name: fc.constantFrom("", "a"),
  expireBefore: fc.option(anyTime, { nil: undefined }),
  unusedSince: fc.option(anyTime, { nil: undefined }),
  pageSize: fc.integer({ min: 1, max: 9 }),
});

onEachStore("A walk through List with filters", (open) => {
  it("gives what fits and nothing else, once and in order, by pages of any size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyKey, { minLength: 1, maxLength: 30 }),
        fc.array(anyFilters, { maxLength: 5 }),
        async (made, asked) => {
          const world = await open();
          world.clock.now = NOW;
          const keys: (readonly [KeyRecord, number | undefined])[] = [];
          for (const [seed, { useTime, isRevoked, ...fields }] of made.entries()) {
            const revocation = isRevoked ? { time: START, reason: "" } : undefined;
            const key = keyAt(seed, { ...fields, owner: {}, epochs: [], revocation });
            await world.store.keys.insert(key, creationOf(key));
            if (useTime !== undefined) await use(world, key.keyId, useTime);
            keys.push([key, useTime]);
          }
          for (const filters of asked) {
            expect(await walk(world, filters)).toEqual(expectedOf(keys, filters));
          }
        },
      ),
      { numRuns: propertyRuns(10) },
    );
  });
});

/** All key_ids, page by page. */
async function walk({ ports }: World, filters: Partial<ListKeysInput>): Promise<readonly string[]> {
  const keyIds: string[] = [];
  let pageToken = "";
  do {
    const page = await listKeys(ports, ROOT, listInput({ ...filters, pageToken }));
    expect(page.keys.length).toBeLessThanOrEqual(filters.pageSize ?? 0);
    keyIds.push(...page.keys.map(({ view }) => view.key.keyId));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return keyIds;
}

function expectedOf(
  keys: readonly (readonly [KeyRecord, number | undefined])[],
  { type, state, name, expireBefore, unusedSince }: Partial<ListKeysInput>,
): readonly string[] {
  return keys
    .filter(([key]) => type === undefined || key.type === type)
    .filter(([key]) => state === undefined || stateOf(buildView(key), NOW) === state)
    .filter(([key]) => name === "" || key.name === name)
    .filter(
      ([key]) => expireBefore === undefined || (key.expireTime ?? Number.POSITIVE_INFINITY) < expireBefore,
    )
    .filter(
      ([key, useTime = 0]) => unusedSince === undefined || Math.max(key.createTime, useTime) < unusedSince,
    )
    .map(([key]) => key)
    .toSorted((a, b) => a.createTime - b.createTime || (a.keyId < b.keyId ? -1 : 1))
    .map(({ keyId }) => keyId);
}
