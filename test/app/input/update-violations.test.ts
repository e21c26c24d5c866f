// Covers what an Update is refused for: its mask, and each field at its bound and one past it. What is
// refused is told by the path of its field; what the field or the mask holds is never repeated.
import { describe, expect, it } from "vitest";
import type { UpdateKeyInput } from "../../../src/app/input/update-command.ts";
import { updateKey } from "../../../src/app/keys/update-key.ts";
import type { KeyPolicy } from "../../../src/app/ports.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { buildApiKey, START } from "../../domain/build.ts";
import { codeOf, errorOf, violatedFields, violationsOf } from "../outcomes.ts";
import { NEEDED, updateInput } from "../requests.ts";
import { create, openWorld, ROOT, stored } from "../world.ts";

const PATHS =
  "name, description, metadata, scopes, roles, expire_time, allowed_cidrs, rate_limit, quota, disabled, " +
  "previous_expire_time";
const UNKNOWN = { field: "update_mask", description: `must hold nothing but ${PATHS}` };
const YEAR_10000 = 253_402_300_800_000;

/** A user key without anything, and an Update of it that can be tried again and again. */
async function open(policy: Partial<KeyPolicy> = {}) {
  const { ports } = await openWorld({ policy });
  const { key } = await create(ports);
  return {
    ports,
    key,
    update: (input: Partial<UpdateKeyInput>) => updateKey(ports, ROOT, updateInput(key.keyId, input)),
  };
}

describe("The mask of an Update", () => {
  it("must name something", async () => {
    const { update } = await open();
    expect(await violationsOf(update({ name: "new" }))).toEqual([
      { field: "update_mask", description: "is required" },
    ]);
  });

  it.each([
    ["*"],
    [""],
    ["Name"],
    ["expireTime"],
    ["key.name"],
    ["metadata.team"],
    ["name,description"],
    [" name"],
    ["user_id"],
    ["type"],
    ["revoke_time"],
    ["etag"],
    ["exclusive"],
    ["provider"],
    ["__proto__"],
    ["constructor"],
    ["toString"],
  ])("must name nothing that cannot be set: %j", async (path) => {
    const { ports, key, update } = await open();
    expect(await violationsOf(update({ paths: [path], name: "new" }))).toEqual([UNKNOWN]);
    expect(await violationsOf(update({ paths: ["name", path, path], name: "new" }))).toEqual([UNKNOWN]);
    expect(await stored(ports, key.keyId)).toEqual(key);
  });

  it("A secret in it is not repeated in the refusal.", async () => {
    const { update } = await open();
    const apiKey = buildApiKey();
    const { message, details } = await errorOf(update({ paths: [apiKey] }));
    expect(message + JSON.stringify(details)).not.toContain(apiKey);
  });
});

const times = (count: number, text = "a") => Array.from({ length: count }, (_, index) => `${text}${index}`);

/** A path, its value at the bound, one past it, and the field that is told. */
const BOUNDS: readonly (readonly [string, Partial<UpdateKeyInput>, Partial<UpdateKeyInput>, string])[] = [
  ["name", { name: "a".repeat(256) }, { name: "a".repeat(257) }, "key.name"],
  ["name", { name: "😀".repeat(64) }, { name: `${"😀".repeat(64)}a` }, "key.name"],
  ["name", { name: "a b" }, { name: "a\nb" }, "key.name"],
  ["name", { name: "\u{1d11e}" }, { name: "\ud800" }, "key.name"],
  ["description", { description: "a".repeat(1_024) }, { description: "a".repeat(1_025) }, "key.description"],
  [
    "metadata",
    { metadata: { a: "x".repeat(8_184) } },
    { metadata: { a: "x".repeat(8_185) } },
    "key.metadata",
  ],
  ["metadata", { metadata: { a: 1e308 } }, { metadata: { a: Number.POSITIVE_INFINITY } }, "key.metadata"],
  ["scopes", { scopes: times(64) }, { scopes: times(65) }, "key.scopes"],
  ["scopes", { scopes: ["a".repeat(128)] }, { scopes: ["a".repeat(129)] }, "key.scopes[0]"],
  ["scopes", { scopes: ["a:*"] }, { scopes: ["b", "a*"] }, "key.scopes[1]"],
  ["roles", { roles: ["reader"] }, { roles: ["reader", "writer"] }, "key.roles[1]"],
  [
    "allowed_cidrs",
    { allowedCidrs: Array(64).fill("::1") },
    { allowedCidrs: Array(65).fill("::1") },
    "key.allowed_cidrs",
  ],
  [
    "allowed_cidrs",
    { allowedCidrs: ["10.0.0.0/32"] },
    { allowedCidrs: ["10.0.0.0/33"] },
    "key.allowed_cidrs[0]",
  ],
  [
    "rate_limit",
    { rateLimit: { limit: 1_000_000, windowMs: 86_400_000 } },
    { rateLimit: { limit: 1_000_001, windowMs: 86_400_000 } },
    "key.rate_limit.limit",
  ],
  [
    "rate_limit",
    { rateLimit: { limit: 1, windowMs: 1_000 } },
    { rateLimit: { limit: 1, windowMs: 999 } },
    "key.rate_limit.window",
  ],
  [
    "quota",
    { quota: { limit: 1, period: "month" } },
    { quota: { limit: 0, period: "month" } },
    "key.quota.limit",
  ],
  [
    "quota",
    { quota: { limit: 1, period: "none" } },
    { quota: { limit: 1, period: undefined } },
    "key.quota.period",
  ],
  ["expire_time", { expireTime: START + 1 }, { expireTime: START }, "key.expire_time"],
  ["expire_time", { expireTime: YEAR_10000 - 1 }, { expireTime: YEAR_10000 }, "key.expire_time"],
  ["expire_time", { expireTime: undefined }, { expireTime: Number.NaN }, "key.expire_time"],
  [
    "previous_expire_time",
    { previousExpireTime: START },
    { previousExpireTime: Number.NaN },
    "key.previous_expire_time",
  ],
];

describe("A field of an Update", () => {
  it.each(BOUNDS)("%s may be %j and not %j", async (path, most, tooMuch, field) => {
    const { ports, key, update } = await open();
    await update({ paths: [path], ...most });
    const before = await stored(ports, key.keyId);
    expect(await violatedFields(update({ paths: [path], ...tooMuch }))).toEqual([field]);
    expect(await stored(ports, key.keyId)).toEqual(before);
  });

  it("is told with all the others that are wrong, at once", async () => {
    const { update } = await open();
    const fields = await violatedFields(
      update({
        keyId: "flk_x",
        paths: ["name", "scopes", "expire_time", "quota", "nothing"],
        name: "\0",
        scopes: ["A"],
        expireTime: 0,
        quota: { limit: 0, period: "year" },
        etag: "a".repeat(65),
      }),
    );
    const ofKey = ["key_id", "name", "scopes[0]", "quota.period", "quota.limit", "expire_time"];
    expect(fields.toSorted()).toEqual(
      [...ofKey.map((name) => `key.${name}`), "update_mask", "etag"].toSorted(),
    );
  });

  it("an etag may be as long as its bound and not a byte longer", async () => {
    const { update } = await open();
    const etag = (bytes: number) => update({ paths: ["name"], name: "new", etag: "a".repeat(bytes) });
    expect(await codeOf(etag(64))).toBe("aborted ETAG_MISMATCH");
    expect(await violatedFields(etag(65))).toEqual(["etag"]);
  });

  it.each(["", "flk_u0000000000", "flk_u000000000000", "flk_x00000000000"])(
    "a key_id is not %j",
    async (keyId) => {
      const { update } = await open();
      expect(await violatedFields(update({ keyId, paths: ["name"] }))).toEqual(["key.key_id"]);
    },
  );
});

describe("The longest life of the key's type", () => {
  const bounded = { ttlMaxMs: { user: 5 * DAY_MS } };
  const TOO_FAR = {
    field: "key.expire_time",
    description: "must be at most 432000 seconds from now for this key type",
  };

  it("is counted from now, to the millisecond", async () => {
    const { ports } = await openWorld({ policy: bounded });
    const { key } = await create(ports);
    const late = { ...ports, clock: () => START + DAY_MS };
    const extend = (expireTime: number) =>
      updateKey(late, ROOT, updateInput(key.keyId, { paths: ["expire_time"], expireTime }));
    expect((await extend(START + 6 * DAY_MS)).key.expireTime).toBe(START + 6 * DAY_MS);
    expect(await violationsOf(extend(START + 6 * DAY_MS + 1))).toEqual([TOO_FAR]);
  });

  it("An end cannot be cleared where there is one, and stays cleared where it was.", async () => {
    const { ports } = await openWorld();
    const [endless, ending] = [await create(ports), await create(ports, { ttlMs: 5_000 })];
    const strict = { ...ports, policy: { ...ports.policy, ...bounded } };
    const clear = (keyId: string) => updateKey(strict, ROOT, updateInput(keyId, { paths: ["expire_time"] }));
    expect(await violationsOf(clear(ending.key.keyId))).toEqual([TOO_FAR]);
    expect((await clear(endless.key.keyId)).key).toEqual(endless.key);
  });

  it("does not bind another type", async () => {
    const { ports } = await openWorld({ policy: bounded });
    const { key } = await create(ports, NEEDED.organization);
    const input = { paths: ["expire_time"], expireTime: START + 900 * DAY_MS };
    expect((await updateKey(ports, ROOT, updateInput(key.keyId, input))).key.expireTime).toBe(
      input.expireTime,
    );
  });
});
