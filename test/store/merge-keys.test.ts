// Covers the merge of lists that are each in order, against sorting everything at once.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KeyRecord } from "../../src/domain/key.ts";
import { KEY_TYPES } from "../../src/domain/key-type.ts";
import { compareKeyPositions, mergeKeys } from "../../src/store/merge-keys.ts";
import { propertyRuns, START } from "../domain/build.ts";
import { keyAt } from "./build.ts";

const anyPosition = fc.record({
  createTime: fc.integer({ min: START, max: START + 3 }),
  keyId: fc.constantFrom("flk_p1", "flk_s1", "flk_u1", "flk_uA", "flk_ua", "flk_u2"),
});

/** Keys of all types, at few different times, each seed once. */
const anyKeys = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 500 }), fc.constantFrom(...KEY_TYPES), fc.nat(3)), {
    selector: ([seed]) => seed,
    maxLength: 20,
  })
  .map((parts) => parts.map(([seed, type, delay]) => keyAt(seed, { type, createTime: START + delay })));

describe("compareKeyPositions", () => {
  it.each([
    [{ createTime: 1, keyId: "b" }, { createTime: 2, keyId: "a" }, -1],
    [{ createTime: 10, keyId: "a" }, { createTime: 9, keyId: "a" }, 1],
    [{ createTime: 1, keyId: "a" }, { createTime: 1, keyId: "b" }, -1],
    [{ createTime: 1, keyId: "a" }, { createTime: 1, keyId: "B" }, 1],
    [{ createTime: 1, keyId: "a" }, { createTime: 1, keyId: "a" }, 0],
  ])("%o before %o: %i", (a, b, sign) => {
    expect(Math.sign(compareKeyPositions(a, b))).toBe(sign);
  });

  it("is an order: antisymmetric and transitive", () => {
    fc.assert(
      fc.property(anyPosition, anyPosition, anyPosition, (a, b, c) => {
        expect(Math.sign(compareKeyPositions(a, b)) + Math.sign(compareKeyPositions(b, a))).toBe(0);
        if (compareKeyPositions(a, b) <= 0 && compareKeyPositions(b, c) <= 0) {
          expect(compareKeyPositions(a, c)).toBeLessThanOrEqual(0);
        }
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("mergeKeys", () => {
  it("of nothing is nothing", () => {
    expect(mergeKeys([], 5)).toEqual([]);
    expect(mergeKeys([[], []], 5)).toEqual([]);
  });

  it("gives the first `limit` of all, when each list is in order and cut at `limit`", () => {
    fc.assert(
      fc.property(anyKeys, fc.integer({ min: 1, max: 25 }), (keys, limit) => {
        const ordered = [...keys].sort(compareKeyPositions);
        const ofType = (type: KeyRecord["type"]) =>
          ordered.filter((key) => key.type === type).slice(0, limit);
        expect(mergeKeys(KEY_TYPES.map(ofType), limit)).toEqual(ordered.slice(0, limit));
      }),
      { numRuns: propertyRuns() },
    );
  });

  it("leaves the lists that it is given alone", () => {
    const lists = [Object.freeze([keyAt(2), keyAt(1)].sort(compareKeyPositions)), Object.freeze([keyAt(3)])];
    expect(mergeKeys(lists, 2)).toHaveLength(2);
  });
});
