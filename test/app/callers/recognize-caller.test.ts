// Covers Authentication.recognize: a caller that is known from memory is the very one that authenticate lets
// in, and whoever it would refuse or count is not recognized.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { updateKey } from "../../../src/app/keys/update-key.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { pepperSet } from "../../../src/domain/api-key/digests.ts";
import { buildPepper, propertyRuns } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { heldNode, LEASE_MS } from "../held-node.ts";
import { byId, NEEDED, refreshInput, revokeInput, revokeUserInput, updateInput } from "../requests.ts";
import { type CreatedKey, create, openWorld, ROOT } from "../world.ts";
import { ADDRESS, doorOf, ownedBy, ROOT_KEYS } from "./callers.ts";

const one = (secret: string) => ({ kind: "one", secret }) as const;
const SCOPES = ["fleetkey:verify"];

/** Shows an api_key to a node that holds its key, as far as it can be held. */
async function shown(ports: AppPorts, apiKey: string) {
  const door = doorOf(ports);
  const presented = { credential: one(apiKey), address: ADDRESS };
  const authenticated = await door.authenticate({ ...presented, isRepeated: true }).catch(() => undefined);
  return { authenticated, recognize: () => door.recognize(presented), attempts: door.attempts };
}

const ENDS: readonly (readonly [
  what: string,
  end: (ports: AppPorts, created: CreatedKey) => Promise<unknown>,
])[] = [
  ["revoked", (ports, { key }) => revokeKey(ports, ROOT, revokeInput(byId(key.keyId)))],
  ["ended with its user", (ports) => revokeAllForUser(ports, ROOT, revokeUserInput())],
  ["refreshed", (ports, { key }) => refreshKey(ports, ROOT, refreshInput(byId(key.keyId)))],
  [
    "disabled",
    (ports, { key }) =>
      updateKey(ports, ROOT, updateInput(key.keyId, { paths: ["disabled"], disabled: true })),
  ],
];

onEachStore("A caller whose key is held", (open) => {
  it("is recognized without the store, as it is let in, and uses its key when told", async () => {
    const { ports, uses } = await open();
    const { apiKey } = await create(ports, { scopes: SCOPES });
    const node = await heldNode(ports);
    const { authenticated, recognize } = await shown(node.ports, apiKey);
    node.calls.length = 0;
    expect(recognize()).toEqual(authenticated);
    expect(recognize()).toMatchObject({ scopes: SCOPES, bounds: { userId: "user-1" }, address: ADDRESS });
    expect(node.calls).toEqual([]);
    expect(uses).toEqual([]);
    doorOf(node.ports).rememberUse(recognize() ?? ROOT);
    expect(uses).toMatchObject([{ keyId: authenticated?.id, address: ADDRESS }]);
  });

  it("is not recognized before it is held, nor when the lease has ended", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports, { scopes: SCOPES });
    const node = await heldNode(ports);
    expect(doorOf(node.ports).recognize({ credential: one(apiKey), address: ADDRESS })).toBeUndefined();
    const { recognize } = await shown(node.ports, apiKey);
    node.stopwatch.pass(LEASE_MS);
    expect(recognize()).toBeUndefined();
  });

  it.each(ENDS)("is not recognized any more once it is %s on this node", async (_, end) => {
    const { ports } = await open();
    const created = await create(ports, { scopes: SCOPES });
    const node = await heldNode(ports);
    const { recognize } = await shown(node.ports, created.apiKey);
    expect(recognize()).toBeDefined();
    await end(node.ports, created);
    expect(recognize()).toBeUndefined();
    // Nor when what it is now is held.
    expect((await shown(node.ports, created.apiKey)).recognize()).toBeUndefined();
  });

  it.each(ENDS)("is not recognized any more once this node hears that it is %s", async (_, end) => {
    const { ports } = await open();
    const created = await create(ports, { scopes: SCOPES });
    const node = await heldNode(ports);
    const { recognize } = await shown(node.ports, created.apiKey);
    await end(ports, created);
    expect(recognize()).toBeDefined();
    await node.look();
    expect(recognize()).toBeUndefined();
  });

  it("is not recognized from its end on", async () => {
    const { ports, clock } = await open();
    const { apiKey } = await create(ports, { scopes: SCOPES, ttlMs: 10_000 });
    const { recognize } = await shown((await heldNode(ports)).ports, apiKey);
    clock.now += 9_999;
    expect(recognize()).toBeDefined();
    clock.now += 1;
    expect(recognize()).toBeUndefined();
  });

  it("is not recognized from an address that its key does not work from", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports, { scopes: SCOPES, allowedCidrs: ["192.0.2.0/24"] });
    const node = await heldNode(ports);
    const { recognize } = await shown(node.ports, apiKey);
    expect(recognize()).toBeDefined();
    const door = doorOf(node.ports);
    for (const address of ["198.51.100.7", undefined]) {
      expect(door.recognize({ credential: one(apiKey), address })).toBeUndefined();
    }
  });

  it.each([
    ["a rate limit", { rateLimit: { limit: 9, windowMs: 60_000 } }],
    ["a quota", { quota: { limit: 9, period: "day" } }],
  ])("is not recognized when its key has %s: that is counted where it is let in", async (_, limit) => {
    const { ports, uses } = await open();
    const { apiKey } = await create(ports, { scopes: SCOPES, ...limit });
    const { authenticated, recognize } = await shown((await heldNode(ports)).ports, apiKey);
    expect(authenticated).toBeDefined();
    expect(recognize()).toBeUndefined();
    expect(uses).toEqual([]);
  });

  it("is not recognized by a publishable key", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports, { ...NEEDED.publishable, scopes: SCOPES });
    const { authenticated, recognize } = await shown((await heldNode(ports)).ports, apiKey);
    expect([authenticated, recognize()]).toEqual([undefined, undefined]);
  });

  it("is not recognized as long as its MAC is to be renewed", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports, { scopes: SCOPES });
    const node = await heldNode(ports);
    await shown(node.ports, apiKey);
    const rotated = { ...node.ports, peppers: pepperSet([buildPepper(2), buildPepper(1)]) };
    expect(doorOf(rotated).recognize({ credential: one(apiKey), address: ADDRESS })).toBeUndefined();
    await shown(rotated, apiKey);
    expect((await shown(rotated, apiKey)).recognize()).toBeDefined();
  });
});

describe("Recognized at once", () => {
  it.each(ROOT_KEYS)("is a root credential", async (secret) => {
    const { ports } = await openWorld();
    const door = doorOf(ports);
    const presented = { credential: one(secret), address: ADDRESS };
    expect(door.recognize(presented)).toEqual(await door.authenticate(presented));
  });

  it("is a certificate, and whoever shows nothing", async () => {
    const { ports } = await openWorld();
    const door = doorOf(ports);
    const certificate = { name: "spiffe://fleet/checkout", scopes: SCOPES };
    for (const shows of [{ certificate }, {}]) {
      const presented = { credential: { kind: "none" } as const, address: ADDRESS, ...shows };
      expect(door.recognize(presented)).toEqual(await door.authenticate(presented));
    }
  });

  it("is nobody whose credential is wrong, and no failure is counted for it", async () => {
    const { ports } = await openWorld();
    const door = doorOf(ports);
    const certificate = { name: "spiffe://fleet/checkout", scopes: SCOPES };
    for (const credential of [one("wrong"), { kind: "invalid" } as const]) {
      expect(door.recognize({ credential, address: ADDRESS, certificate })).toBeUndefined();
    }
    expect(door.attempts.count).toBe(0);
  });
});

const id = (name: string) => fc.option(fc.constantFrom(`${name}-1`, `${name}-2`), { nil: undefined });
const owner = fc.record({ userId: id("user"), organizationId: id("org"), serviceAccountId: id("account") });
const key = fc.record({
  scopes: fc.uniqueArray(fc.constantFrom("fleetkey:verify", "fleetkey:read", "orders:*")),
  roles: fc.constantFrom([], ["reader"]),
  allowedCidrs: fc.constantFrom([], [], ["192.0.2.0/24"], ["198.51.100.0/24"]),
  ttlMs: fc.constantFrom(undefined, undefined, 1_000, 5_000),
  rateLimit: fc.constantFrom(undefined, undefined, { limit: 5, windowMs: 60_000 }),
});
const end = fc.constantFrom(undefined, undefined, ...ENDS.map(([, run]) => run));

it("Whoever is recognized is who is let in, and so are all who are let in and not limited.", async () => {
  const { ports, clock } = await openWorld();
  const start = clock.now;
  let recognizedCount = 0;
  const address = fc.constantFrom(ADDRESS, "198.51.100.7", undefined);
  const arbitraries = [owner, key, end, address, fc.constantFrom(0, 2_000)] as const;
  const holds = fc.asyncProperty(...arbitraries, async (owner, fields, end, address, laterMs) => {
    clock.now = start;
    const created = await create(ports, { ...ownedBy(owner), ...fields });
    const node = await heldNode(ports);
    await end?.(node.ports, created);
    const door = doorOf(node.ports, 1_000_000);
    const presented = { credential: one(created.apiKey), address };
    await door.authenticate({ ...presented, isRepeated: true }).catch(() => {});
    clock.now += laterMs;
    const recognized = door.recognize(presented);
    const letIn = await door.authenticate({ ...presented, isRepeated: true }).catch(() => undefined);
    expect(recognized).toEqual(fields.rateLimit === undefined ? letIn : undefined);
    if (recognized !== undefined) recognizedCount += 1;
  });
  await fc.assert(holds, { numRuns: propertyRuns(200) });
  expect(recognizedCount).toBeGreaterThan(20);
});
