// Covers app/secret/bcrypt-hash.ts on the real bcrypt at its lowest cost, and the whole way of a key
// through it.
import bcrypt from "bcrypt";
import { describe, expect, it } from "vitest";
import { bcryptHash } from "../../../src/app/secret/bcrypt-hash.ts";
import { SlowDigestCheck } from "../../../src/app/secret/slow-digest-check.ts";
import { newSecret } from "../../../src/domain/api-key/key-format.ts";
import { buildPepper, seededBytes } from "../../domain/build.ts";
import { codeOf } from "../outcomes.ts";
import { create, openWorld, restarted, stored, verdictOf } from "../world.ts";

const COST = 4;
const SECRET = newSecret(seededBytes(1));
/** Two run and 2,000 wait. */
const QUEUED_MAX = 2_002;

describe("bcryptHash", () => {
  it("makes a digest of the given cost that only the secret matches", async () => {
    const slowHash = bcryptHash(COST);
    const digest = await slowHash.hash(SECRET);
    expect(digest).toMatch(/^\$2b\$04\$.{53}$/);
    expect(await slowHash.matches(SECRET, digest)).toBe(true);
    expect(await slowHash.matches(newSecret(seededBytes(2)), digest)).toBe(false);
    expect(await slowHash.hash(SECRET)).not.toBe(digest);
  });

  it.each([
    ["nothing", ""],
    ["a character less", SECRET.slice(1)],
    ["a character more", `${SECRET}0`],
    ["30 characters of two bytes", "é".repeat(30)],
  ])("Nothing but a secret is ever hashed: not %s.", async (_, text) => {
    await expect((async () => bcryptHash(COST).hash(text))()).rejects.toThrow(RangeError);
  });

  it.each([
    ["nothing", ""],
    ["the 73 bytes of which bcrypt ignores the last", "a".repeat(73)],
    ["37 characters of two bytes", "é".repeat(37)],
    ["a NUL, where some implementations end", "a\0b"],
  ])("Nothing is ever compared that bcrypt does not look at as a whole: not %s.", async (_, text) => {
    const slowHash = bcryptHash(COST);
    const digest = await slowHash.hash(SECRET);
    await expect((async () => slowHash.matches(text, digest))()).rejects.toThrow(RangeError);
  });

  it("tells the 72nd byte, and knows the versions 2a and 2b", async () => {
    const slowHash = bcryptHash(COST);
    const text = "b".repeat(71);
    const digest = await bcrypt.hash(`${text}b`, COST);
    for (const version of ["$2a", "$2b"]) {
      expect(await slowHash.matches(`${text}b`, version + digest.slice(3))).toBe(true);
      expect(await slowHash.matches(`${text}c`, version + digest.slice(3))).toBe(false);
    }
  });

  it("turns away what is too much, and works on", async () => {
    const slowHash = bcryptHash(COST);
    const running = Array.from({ length: QUEUED_MAX }, () => slowHash.matches(SECRET, "not a digest"));
    expect(await codeOf(slowHash.hash(SECRET))).toBe("resource_exhausted HASHING_BUSY");
    expect(await codeOf(slowHash.matches(SECRET, ""))).toBe("resource_exhausted HASHING_BUSY");
    await Promise.allSettled(running);
    expect(await slowHash.hash(SECRET)).toMatch(/^\$2b\$/);
  });
});

describe("A key that is made with bcrypt", () => {
  it("survives the loss of its pepper", async () => {
    const world = await openWorld();
    const slowHash = bcryptHash(COST);
    const { apiKey, key } = await create({ ...world.ports, slowHash });
    const slowCheck = new SlowDigestCheck(slowHash);
    const without = { ...restarted(world, [buildPepper(2)], [1]), slowHash, slowCheck };
    expect(await verdictOf(without, apiKey)).toBe("valid");
    expect((await stored(without, key.keyId)).generations[0].mac?.version).toBe(2);
  });
});
