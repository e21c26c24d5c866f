// Covers domain/key-type.ts: the table of the five types against the design's words, and that an initial
// leads to one type only, since it decides the collection in which a key is looked for.
import { describe, expect, it } from "vitest";
import { KEY_TYPE_TRAITS, KEY_TYPES, keyTypeOfLookup } from "../../src/domain/key-type.ts";

describe("KEY_TYPE_TRAITS", () => {
  it.each([
    ["user", "user", "u", ["userId"], true],
    ["organization", "org", "o", ["organizationId"], true],
    ["service", "svc", "s", ["serviceAccountId"], true],
    ["publishable", "pub", "p", [], false],
    ["integration", "int", "i", ["provider"], true],
  ] as const)("of %s: slug %s, initial %s, requires %j, possession proves: %s", (type, ...traits) => {
    const [slug, initial, required, possessionProves] = traits;
    expect(KEY_TYPE_TRAITS[type]).toEqual({ slug, initial, required, possessionProves });
  });

  it("holds these five types and no other", () => {
    expect(KEY_TYPES).toEqual(["user", "organization", "service", "publishable", "integration"]);
    expect(Object.keys(KEY_TYPE_TRAITS).sort()).toEqual([...KEY_TYPES].sort());
  });

  it.each(["slug", "initial"] as const)("gives each type a %s of its own", (trait) => {
    expect(new Set(KEY_TYPES.map((type) => KEY_TYPE_TRAITS[type][trait])).size).toBe(KEY_TYPES.length);
  });
});

describe("keyTypeOfLookup", () => {
  it.each(KEY_TYPES)("finds %s by its initial alone, and not by its capital", (type) => {
    const { initial } = KEY_TYPE_TRAITS[type];
    expect(keyTypeOfLookup(initial)).toBe(type);
    expect(keyTypeOfLookup(`${initial}0123456789a`)).toBe(type);
    expect(keyTypeOfLookup(initial.toUpperCase())).toBeUndefined();
  });

  it("finds a type for exactly five of the first 65536 characters", () => {
    const found = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code)).filter(
      (char) => keyTypeOfLookup(char) !== undefined,
    );
    expect(found.join("")).toBe("iopsu");
  });

  it.each(["", "__proto__", "constructor", "0u", " u"])("finds none for %j", (lookup) => {
    expect(keyTypeOfLookup(lookup)).toBeUndefined();
  });
});
