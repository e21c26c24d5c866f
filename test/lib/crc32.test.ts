// Covers lib/crc32.ts: it says what node's own says.
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { crc32OfAscii } from "../../src/lib/crc32.ts";
import { propertyRuns } from "../domain/build.ts";

it("A text has the checksum that node:zlib gives it, and so has its beginning.", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(20), (text, count) => {
      const length = Math.max(0, text.length - count);
      expect(crc32OfAscii(text)).toBe(crc32(text));
      expect(crc32OfAscii(text, length)).toBe(crc32(text.slice(0, length)));
    }),
    { numRuns: propertyRuns(300) },
  );
});

it.each([
  ["", 0],
  ["123456789", 0xcbf43926],
])("The checksum of %j is %d", (text, checksum) => {
  expect(crc32OfAscii(text)).toBe(checksum);
});
