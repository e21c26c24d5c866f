// Covers the end of a former secret: seen by Get and List while it works, brought forward or to now by an
// Update, never put off, and overtaken by a Revoke, which ends both secrets.
import { expect, it } from "vitest";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { newestGeneration } from "../../../src/domain/key.ts";
import { graceEndOf } from "../../../src/domain/lifecycle.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { START } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, violationsOf } from "../outcomes.ts";
import { byId, refreshInput, revokeInput } from "../requests.ts";
import { create, feedOf, ROOT, stored, verdictOf, type World } from "../world.ts";
import { update } from "./updates.ts";

const GRACE_MS = 60_000;
const END = START + GRACE_MS;
const PATH = "previous_expire_time";
const NO_GRACE = "failed_precondition NO_GRACE";

/** A key in its grace window, and its two api_keys. */
async function inGrace({ ports }: World, graceMs = GRACE_MS) {
  const { apiKey: former, key } = await create(ports);
  const refreshed = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { graceMs }));
  const verdicts = async () => [await verdictOf(ports, former), await verdictOf(ports, refreshed.apiKey)];
  return { former, newest: refreshed.apiKey, keyId: key.keyId, key: refreshed.view.key, verdicts };
}

const setEnd = (world: World, keyId: string, previousExpireTime: number | undefined) =>
  update(world, keyId, { paths: [PATH], previousExpireTime });

onEachStore("The end of a former secret", (open) => {
  it.each([
    ["now", START],
    ["past", START - DAY_MS],
    ["the beginning of time", -62_135_596_800_000],
    ["cleared", undefined],
  ])("ends it at once when it is set to what is %s", async (_, end) => {
    const world = await open();
    const { keyId, key, verdicts } = await inGrace(world);
    expect(await verdicts()).toEqual(["valid", "valid"]);
    const { key: changed } = await setEnd(world, keyId, end);
    expect(await verdicts()).toEqual(["unknown", "valid"]);
    expect(graceEndOf(changed, START)).toBeUndefined();
    expect(newestGeneration(changed)).toEqual(newestGeneration(key));
    const event = (await feedOf(world.ports)).at(-1);
    expect(event).toMatchObject({
      kind: "key_updated",
      changes: [{ field: PATH, before: expect.any(String) }],
    });
    expect(event?.changes?.[0]).not.toHaveProperty("after");
  });

  it.each([1, GRACE_MS - 1])("can come sooner: %i ms from now, and not a ms later", async (ms) => {
    const world = await open();
    const { keyId, verdicts } = await inGrace(world);
    const { key } = await setEnd(world, keyId, START + ms);
    expect(graceEndOf(key, START)).toBe(START + ms);
    world.clock.now = START + ms - 1;
    expect(await verdicts()).toEqual(["valid", "valid"]);
    world.clock.now = START + ms;
    expect(await verdicts()).toEqual(["unknown", "valid"]);
  });

  it("cannot come later, not by a millisecond, and who wants it so changes nothing at all", async () => {
    const world = await open();
    const { keyId, key } = await inGrace(world);
    const input = { paths: [PATH, "name"], name: "new", previousExpireTime: END + 1 };
    expect(await violationsOf(update(world, keyId, input))).toEqual([
      { field: `key.${PATH}`, description: "can only come sooner than it is" },
    ]);
    expect(await stored(world.ports, keyId)).toEqual(key);
  });

  it("that was brought forward cannot be put back", async () => {
    const world = await open();
    const { keyId } = await inGrace(world);
    await setEnd(world, keyId, START + 10);
    expect(await codeOf(setEnd(world, keyId, END))).toBe("invalid_argument INVALID_ARGUMENT");
    await setEnd(world, keyId, undefined);
    expect(await codeOf(setEnd(world, keyId, START + 10))).toBe(NO_GRACE);
  });

  it("is told with what else is wrong for the key as it is", async () => {
    const world = await open();
    const { keyId } = await inGrace(world);
    const input = { paths: [PATH, "expire_time"], previousExpireTime: END + 1, expireTime: START };
    const fields = (await violationsOf(update(world, keyId, input))).map(({ field }) => field);
    expect(fields).toEqual(["key.expire_time", `key.${PATH}`]);
  });

  it.each<[string, (world: World) => Promise<string>]>([
    ["never was", async ({ ports }) => (await create(ports)).key.keyId],
    ["ended with its Refresh", async (world) => (await inGrace(world, 0)).keyId],
    [
      "ended by itself",
      async (world) => {
        const { keyId } = await inGrace(world);
        world.clock.now = END;
        return keyId;
      },
    ],
    [
      "was ended before",
      async (world) => {
        const { keyId } = await inGrace(world);
        await setEnd(world, keyId, undefined);
        return keyId;
      },
    ],
  ])("of one that %s is there to be repeated, not to be set", async (_, arrange) => {
    const world = await open();
    const keyId = await arrange(world);
    const { now } = world.clock;
    const before = await stored(world.ports, keyId);
    for (const end of [undefined, now, now - 1, START - DAY_MS]) {
      expect((await setEnd(world, keyId, end)).key).toEqual(before);
    }
    expect(await codeOf(setEnd(world, keyId, now + 1))).toBe(NO_GRACE);
    expect(await stored(world.ports, keyId)).toEqual(before);
  });

  it("is answered again when the same end is set again, before it and after it has come", async () => {
    const world = await open();
    const { keyId } = await inGrace(world);
    const { key } = await setEnd(world, keyId, START + 10);
    expect((await setEnd(world, keyId, START + 10)).key).toEqual(key);
    world.clock.now = START + 10;
    expect((await setEnd(world, keyId, START + 10)).key).toEqual(key);
  });

  it("A secret that is over takes no part in a later grace.", async () => {
    const world = await open();
    const { former, newest, keyId } = await inGrace(world);
    await setEnd(world, keyId, undefined);
    await refreshKey(world.ports, ROOT, refreshInput(byId(keyId), { graceMs: GRACE_MS }));
    expect(await verdictOf(world.ports, former)).toBe("unknown");
    expect(await verdictOf(world.ports, newest)).toBe("valid");
  });

  it("A Revoke ends both secrets in the midst of the grace.", async () => {
    const world = await open();
    const { keyId, verdicts } = await inGrace(world);
    await revokeKey(world.ports, ROOT, revokeInput(byId(keyId)));
    expect(await verdicts()).toEqual(["revoked", "revoked"]);
    expect(await codeOf(setEnd(world, keyId, undefined))).toBe("failed_precondition KEY_REVOKED");
  });
});
