// Covers lib/hash-fields.ts: SHA-256 over length-prefixed fields, checked against bytes laid out by hand,
// and that lists which join to the same text do not hash alike. Every derived id rests on this.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashFields } from "../../src/lib/hash-fields.ts";
import { propertyRuns } from "../domain/build.ts";

const hexOf = (fields: readonly string[]): string => hashFields(...fields).toString("hex");

describe("hashFields", () => {
  it.each([
    [[], ""],
    [[""], "00000000"],
    [["", ""], "0000000000000000"],
    [["ab", "c"], "0000000261620000000163"],
    [["a", "bc"], "0000000161000000026263"],
    [["\u00e9"], "00000002c3a9"],
    [["\u{1f511}"], "00000004f09f9491"],
  ])("hashes %j as SHA-256 of the bytes %j: four bytes of length in UTF-8, then the field", (fields, hex) => {
    expect(hexOf(fields)).toBe(createHash("sha256").update(Buffer.from(hex, "hex")).digest("hex"));
  });

  it.each([
    [
      ["ab", "c"],
      ["a", "bc"],
    ],
    [["abc"], ["abc", ""]],
    [
      ["", "abc"],
      ["abc", ""],
    ],
    [
      ["a", "b"],
      ["b", "a"],
    ],
    [
      ["a\0", "b"],
      ["a", "\0b"],
    ],
    [["a\0\0\0\u0001b"], ["a", "b"]],
    [[], [""]],
    [["\u00e9"], ["e\u0301"]],
  ])("keeps %j and %j apart", (left, right) => {
    expect(hexOf(left)).not.toBe(hexOf(right));
  });
});

describe("hashFields of any fields", () => {
  it("No two different lists hash alike, wherever the same text is cut.", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 12 });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), fc.nat(12), fc.nat(12), (fields, at, other) => {
        const joined = fields.join("");
        const cuts = [at, other].map((cut) => [joined.slice(0, cut), joined.slice(cut)]);
        // A cut inside a surrogate pair makes ill-formed text, which no field of a request can be.
        fc.pre(cuts.flat().every((part) => part.isWellFormed()));
        const lists = new Set([fields, ...cuts].map((list) => JSON.stringify(list)));
        const hashes = new Set([fields, ...cuts].map(hexOf));
        expect(hashes.size).toBe(lists.size);
      }),
      { numRuns: propertyRuns() },
    );
  });

  it("gives 32 bytes, the same ones each time", () => {
    expect(hashFields("a", "b")).toHaveLength(32);
    expect(hashFields("a", "b").equals(hashFields("a", "b"))).toBe(true);
  });
});
