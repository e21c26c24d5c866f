// Covers domain/key.ts: what a Refresh and a Revoke make of a record, generations and their ends to the
// millisecond, the revision that guards concurrent writers, and the etag. Sequences of changes are in
// key-changes.test.ts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyIdOf, randomLookup } from "../../src/domain/api-key/key-id.ts";
import { etagOf, keyPrefixOf, liveGenerations, newestGeneration } from "../../src/domain/key.ts";
import { GRACE_MS_MAX, refreshKey, revokeKey } from "../../src/domain/key-changes.ts";
import { buildGeneration, buildKey, propertyRuns, START, seededBytes } from "./build.ts";

const NEXT = { mac: { version: 2, value: "next-mac" }, bcrypt: "next-bcrypt" };
const AGAIN = { mac: { version: 2, value: "again-mac" }, bcrypt: "again-bcrypt" };
const numbersAt = (key: ReturnType<typeof buildKey>, now: number): number[] =>
  liveGenerations(key, now).map(({ number }) => number);

describe("refreshKey", () => {
  it("issues a generation with the new digests, and changes nothing else but revision and time", () => {
    const key = buildKey();
    const copy = structuredClone(key);
    const now = START + 10;
    const refreshed = refreshKey(key, NEXT, { now, graceMs: 0 });
    const generations = [{ number: 2, createTime: now, ...NEXT }];
    expect(refreshed).toEqual({ ...copy, generations, updateTime: now, revision: 2 });
    expect(key).toEqual(copy);
  });

  it.each([1, 60_000, GRACE_MS_MAX])(
    "The former secret works until %i ms later and not at that ms.",
    (graceMs) => {
      const now = START + 10;
      const refreshed = refreshKey(buildKey(), NEXT, { now, graceMs });
      expect(numbersAt(refreshed, now)).toEqual([2, 1]);
      expect(numbersAt(refreshed, now + graceMs - 1)).toEqual([2, 1]);
      expect(numbersAt(refreshed, now + graceMs)).toEqual([2]);
    },
  );

  it("Without grace the former secret ends at the very ms of the Refresh.", () => {
    const now = START + 10;
    const refreshed = refreshKey(buildKey(), NEXT, { now, graceMs: 0 });
    expect(numbersAt(refreshed, now)).toEqual([2]);
    expect(JSON.stringify(refreshed)).not.toContain(newestGeneration(buildKey()).mac?.value);
  });

  it.each([0, 5_000])("A second Refresh with %i ms of grace ends the oldest secret at once.", (graceMs) => {
    const first = refreshKey(buildKey(), NEXT, { now: START, graceMs: 60_000 });
    const second = refreshKey(first, AGAIN, { now: START + 1, graceMs });
    expect(numbersAt(second, START + 1)).toEqual(graceMs > 0 ? [3, 2] : [3]);
    expect(second.generations.map(({ number }) => number)).not.toContain(1);
  });
});

describe("A Refresh that is repeated under its request key", () => {
  it("replaces its own secret and keeps the predecessor with its end", () => {
    const options = { now: START, graceMs: 60_000, requestKey: "request-1" };
    const first = refreshKey(buildKey(), NEXT, options);
    const repeated = refreshKey(first, AGAIN, { ...options, now: START + 5_000, graceMs: 90_000 });
    expect(repeated.generations[1]).toEqual(first.generations[1]);
    expect(newestGeneration(repeated)).toMatchObject({ number: 3, ...AGAIN, requestKey: "request-1" });
    expect(numbersAt(repeated, START + 59_999)).toEqual([3, 1]);
    expect(numbersAt(repeated, START + 60_000)).toEqual([3]);
  });

  it("does not bring the former secret back when it was without grace", () => {
    const first = refreshKey(buildKey(), NEXT, { now: START, graceMs: 0, requestKey: "request-1" });
    const repeated = refreshKey(first, AGAIN, { now: START + 1, graceMs: 60_000, requestKey: "request-1" });
    expect(numbersAt(repeated, START + 1)).toEqual([3]);
  });

  it.each([
    ["another request key", "request-1", "request-2"],
    ["no request key after one", "request-1", undefined],
    ["no request key twice", undefined, undefined],
  ])("is none with %s: the predecessor is then the newest secret", (_, requestKey, nextRequestKey) => {
    const first = refreshKey(buildKey(), NEXT, {
      now: START,
      graceMs: 60_000,
      ...(requestKey && { requestKey }),
    });
    const repetition = {
      now: START + 1,
      graceMs: 60_000,
      ...(nextRequestKey && { requestKey: nextRequestKey }),
    };
    expect(numbersAt(refreshKey(first, AGAIN, repetition), START + 1)).toEqual([3, 2]);
  });

  it.each([
    [START - 1, START],
    [START, START],
    [START + 1, START + 1],
  ])(
    "at %i, with an update at START before it, says %i: the time of update never goes back",
    (now, updateTime) => {
      expect(refreshKey(buildKey(), NEXT, { now, graceMs: 0 }).updateTime).toBe(updateTime);
    },
  );
});

describe("revokeKey", () => {
  it("ends the key with time and reason, and changes nothing else but revision and time", () => {
    const key = buildKey();
    const copy = structuredClone(key);
    const now = START + 10;
    const revocation = { time: now, reason: "leaked" };
    expect(revokeKey(key, { now, reason: "leaked" })).toEqual({
      ...copy,
      revocation,
      updateTime: now,
      revision: 2,
    });
    expect(key).toEqual(copy);
  });

  it("twice keeps the first time and reason, in the very same record", () => {
    const revoked = revokeKey(buildKey(), { now: START + 10, reason: "leaked" });
    for (const now of [START, START + 10, START + 20]) {
      expect(revokeKey(revoked, { now, reason: "again" })).toBe(revoked);
    }
    expect(revoked).toMatchObject({ revocation: { time: START + 10, reason: "leaked" }, revision: 2 });
  });
});

describe("liveGenerations", () => {
  it.each([
    [START - 1, [2, 1]],
    [START, [2]],
    [Number.MAX_SAFE_INTEGER, [2]],
  ])("at %i, where the older one ends at START, are %j", (now, numbers) => {
    const generations = [buildGeneration({ number: 2 }), buildGeneration({ endTime: START })] as const;
    expect(numbersAt(buildKey({ generations }), now)).toEqual(numbers);
  });
});

describe("etagOf", () => {
  it("differs for every revision of every key, and is the same for the same one", () => {
    const keyIds = Array.from({ length: 20 }, (_, seed) => keyIdOf(randomLookup("user", seededBytes(seed))));
    const etags = keyIds.flatMap((keyId) =>
      Array.from({ length: 50 }, (_, revision) => etagOf(buildKey({ keyId, revision }))),
    );
    expect(new Set(etags).size).toBe(20 * 50);
    expect(etagOf(buildKey())).toBe(etagOf(buildKey({ name: "another name" })));
  });

  it("is opaque: a short text that names neither the key nor its revision", () => {
    const key = buildKey({ revision: 123_456 });
    expect(etagOf(key)).toMatch(/^[\w-]{22}$/);
    expect(etagOf(key)).not.toContain("123456");
    expect(etagOf(key)).not.toContain(key.keyId.slice(4));
  });
});

describe("keyPrefixOf", () => {
  it("shows the prefix and the first 8 characters of the lookup", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const lookup = randomLookup("service", seededBytes(seed));
        const key = buildKey({ type: "service", keyId: keyIdOf(lookup) });
        expect(keyPrefixOf(key)).toBe(`fl_svc_prod_${lookup.slice(0, 8)}`);
      }),
      { numRuns: propertyRuns() },
    );
  });
});
