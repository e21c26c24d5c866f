// Covers lib/base62.ts: the digit order 0-9A-Za-z, the fixed width with its bounds, and that random
// characters are unbiased, once exactly (every byte value fed once) and once statistically (chi-square over
// seeded bytes).
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { base62FromBytes, encodeBase62, randomBase62 } from "../../src/lib/base62.ts";
import { propertyRuns, seededBytes } from "../domain/build.ts";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Reads base62 by position in DIGITS: the inverse that the product does not need. */
function decode(text: string): bigint {
  return [...text].reduce((value, digit) => value * 62n + BigInt(DIGITS.indexOf(digit)), 0n);
}

function countsOf(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  return counts;
}

/** Gives these bytes in order, as many as are asked for, and fails when they run out. */
function bytesInOrder(bytes: readonly number[]): (length: number) => Uint8Array {
  let position = 0;
  return (length) => {
    const next = bytes.slice(position, position + length);
    if (next.length < length) throw new Error("more bytes were asked for than there are");
    position += length;
    return Uint8Array.from(next);
  };
}

describe("encodeBase62", () => {
  it("writes the 62 digits in the order 0-9A-Za-z", () => {
    const written = Array.from({ length: 62 }, (_, value) => encodeBase62(BigInt(value), 1)).join("");
    expect(written).toBe(DIGITS);
  });

  it.each([
    [0n, 1, "0"],
    [0n, 6, "000000"],
    [61n, 2, "0z"],
    [62n, 2, "10"],
    [62n * 62n - 1n, 2, "zz"],
    [0xffff_ffffn, 6, "4gfFC3"],
    [0n, 0, ""],
  ])("writes %s with %i digits as %j", (value, width, text) => {
    expect(encodeBase62(value, width)).toBe(text);
  });

  it.each([
    [62n, 1],
    [62n ** 6n, 6],
    [1n, 0],
  ])("refuses %s, one past what %i digits hold", (value, width) => {
    expect(() => encodeBase62(value, width)).toThrow(RangeError);
    expect(encodeBase62(value - 1n, width)).toHaveLength(width);
  });

  it("sorts like the numbers it writes, and reads back as them", () => {
    const values = fc.bigInt({ min: 0n, max: 62n ** 8n - 1n });
    fc.assert(
      fc.property(values, values, (left, right) => {
        const [leftText, rightText] = [encodeBase62(left, 8), encodeBase62(right, 8)];
        expect(decode(leftText)).toBe(left);
        expect(leftText < rightText).toBe(left < right);
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("randomBase62", () => {
  it("Every character is equally likely: all 256 byte values give each one exactly 4 times.", () => {
    // From 255 downward, so that the 8 bytes to be drawn again come first and are replaced by the last 8.
    const all = Array.from({ length: 256 }, (_, index) => 255 - index);
    const counts = countsOf(randomBase62(248, bytesInOrder(all)));
    expect(counts.size).toBe(62);
    expect([...counts.values()].every((count) => count === 4)).toBe(true);
  });

  it.each([
    [247, "z"],
    [248, "0"],
    [255, "0"],
  ])("turns byte %i, followed by 0, into %j: bytes from 248 on are drawn again", (byte, char) => {
    expect(randomBase62(1, bytesInOrder([byte, 0]))).toBe(char);
  });

  it("Characters from seeded bytes stay below the 0.1 % limit of chi-square for 62 classes.", () => {
    const length = 62 * 2_000;
    const counts = countsOf(randomBase62(length, seededBytes(62)));
    const expected = length / 62;
    const chiSquare = [...DIGITS].reduce((sum, digit) => {
      return sum + ((counts.get(digit) ?? 0) - expected) ** 2 / expected;
    }, 0);
    // Taking bytes modulo 62 without drawing again scores 925 here.
    expect(chiSquare).toBeLessThan(100.9);
  });

  it.each([0, 1, 11, 30, 1_000])("draws exactly %i characters", (length) => {
    expect(randomBase62(length, seededBytes(length))).toMatch(new RegExp(`^[0-9A-Za-z]{${length}}$`));
  });
});

describe("base62FromBytes", () => {
  it.each([
    ["00", 3, "000"],
    ["3d", 1, "z"],
    ["3e", 2, "10"],
    ["ffffffff", 6, "4gfFC3"],
    ["3e", 1, "0"],
  ])("writes the bytes %s with %i digits as %j, the low ones when they do not fit", (hex, width, text) => {
    expect(base62FromBytes(Buffer.from(hex, "hex"), width)).toBe(text);
  });

  it("keeps 16 bytes apart in 22 digits", () => {
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(bytes, (value) => {
        const text = base62FromBytes(value, 22);
        expect(text).toHaveLength(22);
        expect(decode(text)).toBe(BigInt(`0x${Buffer.from(value).toString("hex")}`));
      }),
      { numRuns: propertyRuns() },
    );
  });
});
