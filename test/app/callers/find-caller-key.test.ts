// Covers app/callers/find-caller-key.ts: whether a start has to warn that everybody who calls holds the root
// credential. It looks at the oldest keys only, so that a start does not read them all.
import { expect, it } from "vitest";
import { hasCallerKey } from "../../../src/app/callers/find-caller-key.ts";
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { START } from "../../domain/build.ts";
import { creationOf, keyAt } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { update } from "../keys/updates.ts";
import { byId, NEEDED, revokeInput, revokeUserInput } from "../requests.ts";
import { create, openWorld, ROOT, type World } from "../world.ts";

const CALLS = { scopes: ["fleetkey:verify"] };

onEachStore("There is a key for callers", (open) => {
  it.each<[string, Partial<CreateKeyInput>, boolean]>([
    ["a key with a scope of Fleetkey's own", CALLS, true],
    ["one whose last scope is that", { scopes: ["orders:*", "fleetkey:*"] }, true],
    ["one of another type", { ...NEEDED.integration, ...CALLS }, true],
    ["a key with every other scope", { scopes: ["*"] }, false],
    ["a key whose scope only looks so", { scopes: ["fleetkey2:verify"] }, false],
    ["a key without scopes", {}, false],
  ])("%s", async (_, asked, isThere) => {
    const { ports } = await open();
    await create(ports, { scopes: ["orders:read"] });
    await create(ports, asked);
    await create(ports);
    expect(await hasCallerKey(ports)).toBe(isThere);
  });

  it.each<[string, (world: World, keyId: string) => Promise<unknown>, boolean]>([
    ["was revoked", ({ ports }, keyId) => revokeKey(ports, ROOT, revokeInput(byId(keyId))), false],
    ["has a revoked user", ({ ports }) => revokeAllForUser(ports, ROOT, revokeUserInput()), false],
    ["has expired", async ({ clock }) => Object.assign(clock, { now: START + 60_000 }), false],
    [
      "is disabled, which can be lifted",
      (world, keyId) => update(world, keyId, { paths: ["disabled"], disabled: true }),
      true,
    ],
  ])("unless it has ended: one that %s", async (_, end, isThere) => {
    const world = await open();
    const { key } = await create(world.ports, { ...CALLS, ttlMs: 60_000 });
    expect(await hasCallerKey(world.ports)).toBe(true);
    await end(world, key.keyId);
    expect(await hasCallerKey(world.ports)).toBe(isThere);
  });

  it("not when there is no key at all", async () => {
    expect(await hasCallerKey((await open()).ports)).toBe(false);
  });
});

it.each([
  [999, true],
  [1_000, false],
])("Behind %i older keys it is found: %s.", async (older, isThere) => {
  const { ports, store, clock } = await openWorld();
  for (let seed = 1; seed <= older; seed++) {
    const key = keyAt(seed, { epochs: [], createTime: START - 1 });
    await store.keys.insert(key, creationOf(key));
  }
  clock.now = START;
  await create(ports, CALLS);
  expect(await hasCallerKey(ports)).toBe(isThere);
});
