// Covers domain/api-key/foreign-format.ts: a pattern is for the whole text, with or without anchors of its
// own; what can be no api_key matches nothing; no pattern is slow on any text. Small patterns are compared
// with JavaScript's own engine.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compileForeignFormat,
  FOREIGN_API_KEY_BYTES_MAX,
  FOREIGN_FORMAT_NAME_PATTERN,
  FOREIGN_PATTERN_LENGTH_MAX,
  FOREIGN_PATTERN_STEPS_MAX,
} from "../../../src/domain/api-key/foreign-format.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { propertyRuns } from "../build.ts";

const compile = (pattern: string) => compileForeignFormat({ name: "legacy", type: "user", pattern });

describe("A pattern is for the whole text:", () => {
  it.each([
    ["lk_[a-z]{3}", "lk_abc", true],
    ["lk_[a-z]{3}", "lk_abcd", false],
    ["lk_[a-z]{3}", "xlk_abc", false],
    ["^lk_[a-z]{3}$", "lk_abc", true],
    ["^lk_[a-z]{3}$", "xlk_abc", false],
    ["a|ab", "ab", true],
    ["^a|b$", "ab", false],
    ["^a|b$", "b", true],
    ["ab|a|abc", "abc", true],
    ["(?i)lk_a", "LK_A", true],
    ["lk_a", "LK_A", false],
    ["(?m)^a$", "a", true],
    ["a.c", "a😀c", true],
    ["a.c", "ac", false],
    ["[^a]", "b", true],
    ["a*", "", true],
    ["lk_\\w{2}", "lk_é9", false],
  ])("%s of %j is %s", (pattern, text, isMatch) => {
    expect(compile(pattern).match(text) !== undefined).toBe(isMatch);
  });
});

describe("The group lookup", () => {
  it.each([
    ["lk_(?<lookup>[a-z]{2})_[a-z]{2}", "lk_ab_cd", "ab"],
    ["lk_(?P<lookup>[a-z]{2})_[a-z]{2}", "lk_ab_cd", "ab"],
    ["(?<lookup>a|ab)(?:c|bcd)", "abcd", "a"],
    ["(?<other>a)(?<lookup>b)", "ab", "b"],
    ["(?<lookup>a)?b", "b", undefined],
    ["(?<lookup>a*)b", "b", undefined],
    ["(?<lookup>é😀)b", "é😀b", "é😀"],
  ])("of %s in %s holds %s", (pattern, text, lookup) => {
    const format = compile(pattern);
    expect(format.hasLookup).toBe(true);
    expect(format.match(text)).toEqual({ lookup });
    expect(format.match(`${text}x`)).toBeUndefined();
  });

  it.each(["lk_[a-z]{2}", "(lookup)", "(?:lookup)", "(?<other>lookup)", "(?<Lookup>lookup)"])(
    "is not in %s",
    (pattern) => {
      expect(compile(pattern).hasLookup).toBe(false);
      expect(compile(`${pattern}|x`).match("x")).toEqual({});
    },
  );
});

describe("Nothing that can be no api_key matches, whatever the pattern:", () => {
  const anything = compile("(?s).*");
  it.each([
    ["a byte too long", "a".repeat(FOREIGN_API_KEY_BYTES_MAX + 1)],
    ["too long in bytes, not in characters", "é".repeat(FOREIGN_API_KEY_BYTES_MAX / 2 + 1)],
    ["a million characters", "a".repeat(1_000_000)],
    ["a NUL", "lk_\0"],
    ["a newline at the end", "lk_a\n"],
    ["a tab", "lk_\ta"],
    ["DEL", "lk_\x7f"],
    ["a control character beyond ASCII", "lk_\u0085"],
    ["half of a surrogate pair", "lk_\ud83d"],
    ["the other half", "\ude00lk_"],
  ])("%s", (_, text) => {
    expect(anything.match(text)).toBeUndefined();
  });

  it.each([
    ["as many bytes as may be", "a".repeat(FOREIGN_API_KEY_BYTES_MAX)],
    ["as many of two bytes", "é".repeat(FOREIGN_API_KEY_BYTES_MAX / 2)],
    ["a space", "lk a"],
    ["a whole surrogate pair", "lk_😀"],
  ])("but %s does", (_, text) => {
    expect(anything.match(text)).toEqual({});
  });
});

describe("No pattern is slow on any text: a backtracking engine would not come to an end", () => {
  const long = "a".repeat(FOREIGN_API_KEY_BYTES_MAX - 1);
  const TEXTS_MS_MAX = 2_000;
  it.each([
    "(a+)+",
    "(a+)+$",
    "([a-z]+)*",
    "(a|aa)+",
    "(a|a?)+",
    "(.*)*x",
    "(?:a?){100}a{100}b",
    "(.*a){20}",
    "(?<lookup>(a+)+)(?:a+)+",
    "((a{1,5}){1,5}){1,9}b",
    `(?:a?){${Math.floor(FOREIGN_PATTERN_STEPS_MAX / 3)}}b`,
    `a{${FOREIGN_PATTERN_STEPS_MAX - 4}}`,
  ])("%s", (pattern) => {
    const format = compile(pattern);
    const started = performance.now();
    for (let call = 0; call < 20; call++) expect(format.match(`${long}!`)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(TEXTS_MS_MAX);
  });
});

describe("A declaration is refused", () => {
  it.each([
    ["with an expression of too many steps", "a{600}b{600}", /of \d+ steps .*; at most 1000/],
    [
      "with an expression that is too long",
      "a".repeat(FOREIGN_PATTERN_LENGTH_MAX + 1),
      /1 to 500 characters/,
    ],
    ["without an expression", "", /1 to 500 characters/],
    ["with a backreference", "(a)\\1", /linear-time engine.* no backreferences .*: invalid escape sequence/],
    ["with a lookahead", "a(?=b)", /linear-time engine.* no lookaround: .* at "\(\?="/],
    ["with a lookbehind", "(?<=b)a", /linear-time engine.* no lookaround: /],
    ["with an atomic group", "(?>a)", /linear-time engine/],
    ["with a possessive quantifier", "a++", /linear-time engine/],
    ["with two groups of one name", "(?<lookup>a)|(?<lookup>b)", /duplicate capture group name/],
  ])("%s", (_, pattern, message) => {
    expect(() => compile(pattern)).toThrow(message);
  });

  it.each(["", "Legacy", "a b", "a:b", "é", "a\n", "a".repeat(33)])("with the name %j", (name) => {
    expect(() => compileForeignFormat({ name, type: "user", pattern: "a" })).toThrow(/^name must be 1 to 32/);
  });

  it("and quotes no more of the expression than its trouble", () => {
    const message = (() => {
      try {
        return compile(`(?<=${"secret".repeat(60)})a`) && "";
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(message).toMatch(/ at "[^"]{1,20}"$/);
  });

  it.each(KEY_TYPES)("but not for the type %s and a name at its bound", (type) => {
    const name = "a-z_0.9".padEnd(32, "x");
    expect(name).toMatch(FOREIGN_FORMAT_NAME_PATTERN);
    expect(compileForeignFormat({ name, type, pattern: "a" })).toMatchObject({
      name,
      type,
      hasLookup: false,
    });
  });
});

it("Small patterns match as in JavaScript's own engine, and find the same lookup.", () => {
  const anyAtom = fc.constantFrom("a", "b", "[ab]", "[^a]", ".", "(?:ab|a)", "(?:a|ab|)");
  const anyPiece = fc.tuple(anyAtom, fc.constantFrom("", "?", "*", "+", "{2}", "{1,2}", "*?", "??"));
  const anySequence = fc.array(
    anyPiece.map(([atom, times]) => atom + times),
    { minLength: 1, maxLength: 3 },
  );
  const anyText = fc.string({ unit: fc.constantFrom("a", "b", "c", "_"), maxLength: 8 });
  fc.assert(
    fc.property(anySequence, anySequence, anySequence, anyText, (head, lookup, tail, text) => {
      const pattern = `${head.join("")}(?<lookup>${lookup.join("")})${tail.join("")}`;
      const expected = new RegExp(`^(?:${pattern})$`, "u").exec(text);
      const found = compile(pattern).match(text);
      expect(found).toEqual(
        expected === null ? undefined : { lookup: expected.groups?.["lookup"] || undefined },
      );
    }),
    { numRuns: propertyRuns(500) },
  );
});
