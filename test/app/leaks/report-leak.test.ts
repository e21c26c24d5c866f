// Covers app/leaks/report-leak.ts: the key of an api_key that was found in public is revoked, whatever state
// it is in, and a publishable one is only recorded. The texts of a report are report-texts.test.ts's.
import { expect, it, vi } from "vitest";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { type ReportLeakInput, reportLeak } from "../../../src/app/leaks/report-leak.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { buildApiKey, buildPrefixes, START } from "../../domain/build.ts";
import { countOf } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { update } from "../keys/updates.ts";
import { codeOf } from "../outcomes.ts";
import { byId, NEEDED, refreshInput, revokeInput, revokeUserInput } from "../requests.ts";
import { create, feedOf, OTHER_CALLER, ROOT, stored, verdictOf, type World } from "../world.ts";

const URL_OF_FIND = "https://code.example/acme/app/blob/main/.env";
const NO_KEY = { revoked: false, keyId: "" };

const report = ({ ports }: World, apiKey: string, overrides: Partial<ReportLeakInput> = {}, caller = ROOT) =>
  reportLeak(ports, caller, { apiKey, source: "github", url: URL_OF_FIND, ...overrides });

const REVOKED_TYPES = KEY_TYPES.filter((type) => type !== "publishable");

onEachStore("A reported api_key", (open) => {
  it.each(REVOKED_TYPES)(
    "of the type %s ends its key at once, and an event tells who found it where",
    async (type) => {
      const world = await open();
      const { apiKey, key } = await create(world.ports, NEEDED[type]);
      expect(await report(world, apiKey, {}, OTHER_CALLER)).toEqual({ revoked: true, keyId: key.keyId });
      expect(await verdictOf(world.ports, apiKey)).toBe("revoked");
      expect((await stored(world.ports, key.keyId)).revocation).toEqual({ time: START, reason: "leaked" });
      const [, event, ...others] = await feedOf(world.ports);
      expect(others).toEqual([]);
      expect(event).toMatchObject({
        kind: "key_revoked",
        keyId: key.keyId,
        caller: OTHER_CALLER.id,
        address: OTHER_CALLER.address,
        reason: "leaked",
        source: "github",
        url: URL_OF_FIND,
      });
    },
  );

  it("ends its key by either of two secrets that work, and not by one that is over", async () => {
    const world = await open();
    const { apiKey: oldest, key } = await create(world.ports);
    const refresh = (graceMs: number) =>
      refreshKey(world.ports, ROOT, refreshInput(byId(key.keyId), { graceMs }));
    const { apiKey: former } = await refresh(0);
    const { apiKey: newest } = await refresh(60_000);
    expect(await report(world, oldest)).toEqual(NO_KEY);
    expect(await verdictOf(world.ports, newest)).toBe("valid");
    expect(await report(world, former)).toEqual({ revoked: true, keyId: key.keyId });
    expect(await verdictOf(world.ports, newest)).toBe("revoked");
    expect(await report(world, newest)).toEqual({ revoked: true, keyId: key.keyId });
  });

  it.each<[string, (world: World, keyId: string) => unknown]>([
    ["expired", ({ clock }) => Object.assign(clock, { now: START + 5_000 })],
    ["disabled", (world, keyId) => update(world, keyId, { paths: ["disabled"], disabled: true })],
    ["revoked with its user", ({ ports }) => revokeAllForUser(ports, ROOT, revokeUserInput())],
  ])("ends its key for good also when that is %s", async (_, arrange) => {
    const world = await open();
    const { apiKey, key } = await create(world.ports, { ttlMs: 5_000 });
    await arrange(world, key.keyId);
    expect(await report(world, apiKey)).toEqual({ revoked: true, keyId: key.keyId });
    expect((await stored(world.ports, key.keyId)).revocation?.reason).toBe("leaked");
  });

  it("of a key that is revoked already is confirmed by a write, and told as revoked", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports);
    await revokeKey(world.ports, ROOT, revokeInput(byId(key.keyId), "left"));
    const confirm = vi.spyOn(world.store.keys, "confirm");
    expect(await report(world, apiKey)).toEqual({ revoked: true, keyId: key.keyId });
    expect(confirm.mock.calls).toEqual([[key.keyId, 2]]);
    expect((await stored(world.ports, key.keyId)).revocation?.reason).toBe("left");
    expect(await feedOf(world.ports)).toHaveLength(2);
    confirm.mockRejectedValueOnce(storeUnavailable(new Error("no primary")));
    expect(await codeOf(report(world, apiKey))).toBe("unavailable STORE_UNAVAILABLE");
  });

  it.each([
    ["nothing at all", "x"],
    ["a text of a megabyte", "x".repeat(1_000_000)],
    ["well-formed and nobody's", buildApiKey("user", 99)],
    ["of another environment", buildApiKey("user", 99, { ...buildPrefixes(), user: "fl_user_dev" })],
    ["an object's name", "__proto__"],
  ])("that is %s is answered, and nothing is done", async (_, apiKey) => {
    const world = await open();
    await create(world.ports);
    expect(await report(world, apiKey)).toEqual(NO_KEY);
    expect(await feedOf(world.ports)).toHaveLength(1);
  });

  it("with a wrong secret does not touch the key that its lookup part names", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports);
    const { apiKey: newest } = await refreshKey(world.ports, ROOT, refreshInput(byId(key.keyId)));
    expect(await report(world, apiKey)).toEqual(NO_KEY);
    expect(await verdictOf(world.ports, newest)).toBe("valid");
  });

  it(`Reported ${countOf(8, 100)} times at once it is revoked once.`, async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports);
    const reports = Array.from({ length: countOf(8, 100) }, () => report(world, apiKey));
    for (const result of await Promise.all(reports))
      expect(result).toEqual({ revoked: true, keyId: key.keyId });
    expect(await feedOf(world.ports)).toHaveLength(2);
  });

  it("whose key was removed meanwhile is none", async () => {
    const world = await open();
    const { apiKey } = await create(world.ports);
    const read = world.store.keys.read.bind(world.store.keys);
    vi.spyOn(world.store.keys, "read").mockImplementationOnce(read).mockResolvedValueOnce(undefined);
    expect(await report(world, apiKey)).toEqual(NO_KEY);
  });
});

onEachStore("A reported api_key of a publishable key", (open) => {
  it("leaves it as it is, is recorded once, and confirmed after that", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports, NEEDED.publishable);
    expect(await report(world, apiKey)).toEqual({ revoked: false, keyId: key.keyId });
    expect(await verdictOf(world.ports, apiKey)).toBe("valid");
    expect((await stored(world.ports, key.keyId)).leakReportTime).toBe(START);
    const [, event] = await feedOf(world.ports);
    expect(event).toMatchObject({
      kind: "key_leak_reported",
      source: "github",
      url: URL_OF_FIND,
      changes: [],
    });
    expect(event?.reason).toBeUndefined();
    world.clock.now += 1_000;
    const confirm = vi.spyOn(world.store.keys, "confirm");
    expect(await report(world, apiKey, { url: "https://elsewhere.example" })).toEqual({
      revoked: false,
      keyId: key.keyId,
    });
    expect(confirm.mock.calls).toEqual([[key.keyId, 2]]);
    expect(await feedOf(world.ports)).toHaveLength(2);
  });

  it("that is revoked is told as revoked, and not recorded", async () => {
    const world = await open();
    const { apiKey, key } = await create(world.ports, NEEDED.publishable);
    await revokeKey(world.ports, ROOT, revokeInput(byId(key.keyId)));
    expect(await report(world, apiKey)).toEqual({ revoked: true, keyId: key.keyId });
    expect((await stored(world.ports, key.keyId)).leakReportTime).toBeUndefined();
    expect(await feedOf(world.ports)).toHaveLength(2);
  });
});
