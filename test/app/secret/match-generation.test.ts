// Covers app/secret/match-generation.ts: which digest speaks for a generation, under every pepper that it can
// be under; and that a text of one kind never opens a generation of another.
import { describe, expect, it } from "vitest";
import { matchGeneration, type Presented } from "../../../src/app/secret/match-generation.ts";
import { SlowDigestCheck } from "../../../src/app/secret/slow-digest-check.ts";
import { type Mac, macOf, pepperSet, sha256Of } from "../../../src/domain/api-key/digests.ts";
import { formatApiKey, newSecret } from "../../../src/domain/api-key/key-format.ts";
import { lookupOf } from "../../../src/domain/api-key/key-id.ts";
import type { Generation, ImportedDigest } from "../../../src/domain/key.ts";
import { buildGeneration, buildKey, buildPepper, buildPrefixes, seededBytes } from "../../domain/build.ts";
import { CountingHash } from "../world.ts";

const LOST = buildPepper(1);
const ACCEPTED = buildPepper(2);
const CURRENT = buildPepper(3);
const MISSING = buildPepper(4);
const PEPPERS = pepperSet([CURRENT, ACCEPTED], [1]);
const KEY = buildKey();
const LOOKUP = lookupOf(KEY.keyId) ?? "";
const SECRET = newSecret(seededBytes(5));
const API_KEY = formatApiKey(KEY.prefix, LOOKUP, SECRET);
const FOREIGN = "lk_0123456789";

const native = (apiKey = API_KEY, secret = SECRET): Presented => ({ apiKey, secret });
const foreign = (apiKey = FOREIGN, ...formats: readonly string[]): Presented => ({
  apiKey,
  formats: new Set(formats.length === 0 ? ["legacy"] : formats),
});

async function open() {
  const hash = new CountingHash();
  const ports = { peppers: PEPPERS, slowCheck: new SlowDigestCheck(hash) };
  const matches = (generation: Generation, presented: Presented) =>
    matchGeneration(ports, KEY, generation, presented);
  return { hash, matches, bcrypt: await hash.hash(SECRET), foreignBcrypt: await hash.hash(FOREIGN) };
}

const imported = (digest: ImportedDigest, mac?: Mac): Generation => ({
  number: 1,
  createTime: 0,
  imported: digest,
  mac,
});
const SHA256: ImportedDigest = { format: "legacy", algorithm: "sha256", digest: sha256Of(FOREIGN) };

describe("The right secret in a text that is not the key's api_key is refused without bcrypt", () => {
  it.each([
    ["another type's prefix", formatApiKey(buildPrefixes().service, LOOKUP, SECRET)],
    ["another environment's prefix", formatApiKey("fl_user_dev", LOOKUP, SECRET)],
    ["another lookup part", formatApiKey(KEY.prefix, `u${LOOKUP.slice(1).toUpperCase()}`, SECRET)],
    ["another checksum", `${API_KEY.slice(0, -6)}000000`],
    ["something before it", `x${API_KEY}`],
    ["something behind it", `${API_KEY}x`],
    ["nothing around it", SECRET],
  ])("%s", async (_, apiKey) => {
    const { hash, matches, bcrypt } = await open();
    const generation = buildGeneration({ mac: macOf(API_KEY, LOST), bcrypt });
    expect(await matches(generation, native(apiKey))).toBe("mismatch");
    expect(hash.comparisons).toBe(0);
    expect(await matches(generation, native())).toBe("match");
  });
});

describe("A generation of this service's own", () => {
  it.each([
    ["the current pepper", CURRENT, "match", "mismatch", 0],
    ["an accepted pepper", ACCEPTED, "match", "mismatch", 0],
    ["a lost pepper", LOST, "match", "mismatch", 2],
    ["a pepper that is missing here", MISSING, "unknowable", "unknowable", 0],
  ] as const)("with a MAC under %s", async (_, pepper, right, wrong, runs) => {
    const { hash, matches, bcrypt } = await open();
    const generation = buildGeneration({ mac: macOf(API_KEY, pepper), bcrypt });
    const other = newSecret(seededBytes(6));
    expect(await matches(generation, native())).toBe(right);
    expect(await matches(generation, native(formatApiKey(KEY.prefix, LOOKUP, other), other))).toBe(wrong);
    expect(hash.comparisons).toBe(runs);
  });

  it("is never opened by a text of another form, even one that its MAC or bcrypt is of", async () => {
    const { hash, matches, foreignBcrypt } = await open();
    for (const pepper of [CURRENT, LOST, MISSING]) {
      const generation = buildGeneration({ mac: macOf(FOREIGN, pepper), bcrypt: foreignBcrypt });
      expect(await matches(generation, foreign())).toBe("mismatch");
    }
    expect(hash.comparisons).toBe(0);
  });
});

describe("An imported generation", () => {
  it.each([
    ["no MAC yet", undefined, "match", "mismatch"],
    ["a MAC under the current pepper", CURRENT, "match", "mismatch"],
    ["a MAC under an accepted pepper", ACCEPTED, "match", "mismatch"],
    ["a MAC under a lost pepper", LOST, "match", "mismatch"],
    ["a MAC under a pepper that is missing here", MISSING, "unknowable", "unknowable"],
  ] as const)("with a SHA-256 and %s", async (_, pepper, right, wrong) => {
    const { hash, matches } = await open();
    const generation = imported(SHA256, pepper && macOf(FOREIGN, pepper));
    expect(await matches(generation, foreign())).toBe(right);
    expect(await matches(generation, foreign(`${FOREIGN}x`))).toBe(wrong);
    expect(hash.comparisons).toBe(0);
  });

  it.each([
    ["no MAC yet", undefined, "match", "mismatch", 2],
    ["a MAC under the current pepper", CURRENT, "match", "mismatch", 0],
    ["a MAC under an accepted pepper", ACCEPTED, "match", "mismatch", 0],
    ["a MAC under a lost pepper", LOST, "match", "mismatch", 2],
    ["a MAC under a pepper that is missing here", MISSING, "unknowable", "unknowable", 0],
  ] as const)("with a bcrypt and %s", async (_, pepper, right, wrong, runs) => {
    const { hash, matches, foreignBcrypt } = await open();
    const digest: ImportedDigest = { format: "legacy", algorithm: "bcrypt", digest: foreignBcrypt };
    const generation = imported(digest, pepper && macOf(FOREIGN, pepper));
    expect(await matches(generation, foreign())).toBe(right);
    expect(await matches(generation, foreign(`${FOREIGN}x`))).toBe(wrong);
    expect(hash.comparisons).toBe(runs);
  });

  it("A MAC that can be compared is what counts: its digest opens nothing beside it.", async () => {
    const { matches } = await open();
    const generation = imported(SHA256, macOf("lk_another", CURRENT));
    expect(await matches(generation, foreign())).toBe("mismatch");
  });

  it("is never opened by a text of the native shape, even one that its digests are of", async () => {
    const { hash, matches, bcrypt } = await open();
    const sha256 = { format: "legacy", algorithm: "sha256", digest: sha256Of(API_KEY) } as const;
    const ofSecret = { format: "legacy", algorithm: "bcrypt", digest: bcrypt } as const;
    for (const pepper of [undefined, CURRENT, LOST, MISSING]) {
      const mac = pepper && macOf(API_KEY, pepper);
      expect(await matches(imported(sha256, mac), native())).toBe("mismatch");
      expect(await matches({ ...imported(ofSecret, mac), bcrypt }, native())).toBe("mismatch");
    }
    expect(hash.comparisons).toBe(0);
  });

  it("is opened by a text of its own format only", async () => {
    const { matches } = await open();
    expect(await matches(imported(SHA256), foreign(FOREIGN, "other"))).toBe("mismatch");
    expect(await matches(imported(SHA256), foreign(FOREIGN, "other", "legacy"))).toBe("match");
    expect(await matches(imported(SHA256, macOf(FOREIGN, MISSING)), foreign(FOREIGN, "other"))).toBe(
      "mismatch",
    );
  });

  it("A text that bcrypt would cut off matches no bcrypt, and runs none.", async () => {
    const { hash, matches } = await open();
    for (const [text, runs] of [
      ["a".repeat(72), 1],
      ["a".repeat(73), 1],
      ["é".repeat(36), 2],
      [`${"é".repeat(36)}a`, 2],
    ] as const) {
      const digest = { format: "legacy", algorithm: "bcrypt", digest: await hash.hash(text) } as const;
      const isWhole = Buffer.byteLength(text) <= 72;
      expect(await matches(imported(digest), foreign(text))).toBe(isWhole ? "match" : "mismatch");
      expect(hash.comparisons).toBe(runs);
    }
  });
});
