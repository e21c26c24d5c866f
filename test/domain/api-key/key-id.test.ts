// Covers domain/api-key/key-id.ts: which texts are key_ids and of which type, and that derived lookups are
// the same for the same source and differ for fields that only join alike, since `_id` alone makes a
// request or a slot unique.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bcryptLookup,
  derivedLookup,
  keyIdOf,
  keyTypeOf,
  lookupOf,
  randomLookup,
  requestKeyOf,
  sha256Lookup,
  slotIdOf,
  slotSource,
} from "../../../src/domain/api-key/key-id.ts";
import { KEY_TYPE_TRAITS, KEY_TYPES, type KeyType } from "../../../src/domain/key-type.ts";
import type { Owner } from "../../../src/domain/principal.ts";
import { propertyRuns, seededBytes } from "../build.ts";

const LOOKUP_PATTERN = /^[uospi][0-9A-Za-z]{11}$/;
const anyType = fc.constantFrom(...KEY_TYPES);
const anyText = fc.string({ unit: "grapheme", maxLength: 20 });

describe("key_ids", () => {
  it("lead back to their lookup and type, for random and derived lookups alike", () => {
    fc.assert(
      fc.property(anyType, fc.integer(), anyText, (type, seed, source) => {
        for (const lookup of [randomLookup(type, seededBytes(seed)), derivedLookup(type, source)]) {
          expect(lookup).toMatch(LOOKUP_PATTERN);
          expect(lookup.charAt(0)).toBe(KEY_TYPE_TRAITS[type].initial);
          expect(lookupOf(keyIdOf(lookup))).toBe(lookup);
          expect(keyTypeOf(keyIdOf(lookup))).toBe(type);
        }
      }),
      { numRuns: propertyRuns() },
    );
  });

  it.each([
    ["", "nothing"],
    ["flk_", "no lookup"],
    ["flk_u0123456789", "one character short"],
    ["flk_u0123456789ab", "one character long"],
    ["flk_z0123456789a", "no type's initial"],
    ["flk_U0123456789a", "a capital initial"],
    ["FLK_u0123456789a", "a capital brand"],
    ["fl_u0123456789a", "another brand"],
    ["flk_u012345678_a", "an underscore"],
    ["flk_u012345678\u00e9a", "a character that is not ASCII"],
    ["flk_u0123456789a\n", "a newline at the end"],
    [" flk_u0123456789a", "a space at the start"],
  ])("are not %j: %s", (text) => {
    expect(lookupOf(text)).toBeUndefined();
    expect(keyTypeOf(text)).toBeUndefined();
  });

  it("never make lookupOf or keyTypeOf throw, whatever the text", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff)), (units) => {
        const text = String.fromCharCode(...units);
        expect(lookupOf(text)).toBeUndefined();
        expect(keyTypeOf(text)).toBeUndefined();
      }),
      { numRuns: propertyRuns() },
    );
  });

  it("differ for different random bytes", () => {
    const lookups = Array.from({ length: 1_000 }, (_, seed) => randomLookup("user", seededBytes(seed)));
    expect(new Set(lookups).size).toBe(1_000);
  });
});

describe("derivedLookup", () => {
  it("gives the same lookup for the same source, and another for another source or type", () => {
    fc.assert(
      fc.property(anyText, anyText, (source, other) => {
        const lookups = KEY_TYPES.map((type) => derivedLookup(type, source));
        expect(KEY_TYPES.map((type) => derivedLookup(type, source))).toEqual(lookups);
        // Past the initial too: a source that is known for one type says nothing about another's.
        expect(new Set(lookups.map((lookup) => lookup.slice(1))).size).toBe(KEY_TYPES.length);
        expect(derivedLookup("user", source) === derivedLookup("user", other)).toBe(source === other);
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("the lookups of imported keys", () => {
  it("differ by environment, type, format and lookup, and never meet each other", () => {
    const lookups = ["prod", "dev"].flatMap((environment) =>
      KEY_TYPES.flatMap((type) => [
        ...["a", "b", "a:b"].map((digest) => sha256Lookup(environment, type, digest)),
        ...["a", "b"].flatMap((format) =>
          ["a", "b", "a:b"].map((lookup) => bcryptLookup(environment, type, format, lookup)),
        ),
      ]),
    );
    expect(new Set(lookups).size).toBe(2 * KEY_TYPES.length * 9);
    for (const lookup of lookups) expect(lookup).toMatch(LOOKUP_PATTERN);
  });

  it("are the same each time, and of their type", () => {
    expect(sha256Lookup("prod", "service", "digest")).toBe(sha256Lookup("prod", "service", "digest"));
    expect(keyTypeOf(keyIdOf(sha256Lookup("prod", "service", "digest")))).toBe("service");
    expect(bcryptLookup("prod", "user", "legacy", "a")).toBe(bcryptLookup("prod", "user", "legacy", "a"));
    expect(keyTypeOf(keyIdOf(bcryptLookup("prod", "user", "legacy", "a")))).toBe("user");
  });
});

describe("requestKeyOf", () => {
  it.each([
    ["ab", "c", "a", "bc"],
    ["caller", "", "", "caller"],
    ["a", "b", "b", "a"],
    ["a\0", "b", "a", "\0b"],
  ])(
    "Requests of different callers never meet: %j, %j differs from %j, %j.",
    (caller, id, otherCaller, otherId) => {
      expect(requestKeyOf(caller, id)).not.toBe(requestKeyOf(otherCaller, otherId));
    },
  );

  it("is the same for the same request, and holds neither the caller nor the id", () => {
    const requestKey = requestKeyOf("caller-1", "request-1");
    expect(requestKeyOf("caller-1", "request-1")).toBe(requestKey);
    expect(requestKey).toMatch(/^[\w-]{43}$/);
    expect(requestKey).not.toMatch(/caller|request/);
  });
});

describe("slotIdOf", () => {
  interface Slot {
    readonly environment?: string;
    readonly type?: KeyType;
    readonly owner?: Owner;
    readonly provider?: string;
  }
  const slots: readonly Slot[] = [
    { owner: { userId: "ab" } },
    { owner: { userId: "ab" }, environment: "dev" },
    { owner: { userId: "ab" }, type: "publishable" },
    { owner: { organizationId: "ab" } },
    { owner: { serviceAccountId: "ab" } },
    { owner: { userId: "ab", organizationId: "c" } },
    { owner: { userId: "a", organizationId: "bc" } },
    { owner: { userId: "a", organizationId: "b", serviceAccountId: "c" } },
    { owner: { userId: "ab" }, provider: "c" },
    { owner: { userId: "a" }, provider: "bc" },
    { provider: "abc" },
    { owner: { serviceAccountId: "abc" } },
  ];
  const idOf = ({ environment = "prod", type = "user", owner = {}, provider }: Slot): string =>
    slotIdOf(environment, type, owner, provider);

  it("gives each of the slots that differ in one field, or are cut elsewhere, an id of its own", () => {
    expect(new Set(slots.map(idOf)).size).toBe(slots.length);
  });

  it.each(slots.map((slot) => [slot]))("is the same each time for %j", (slot) => {
    const slotId = idOf(slot);
    expect(idOf({ ...slot, owner: { ...slot.owner } })).toBe(slotId);
    expect(slotId).toMatch(/^[\w-]{43}$/);
  });

  it("takes an absent part and an empty one for the same", () => {
    const whole = { owner: { userId: "a", organizationId: "" }, provider: "" };
    expect(idOf(whole)).toBe(idOf({ owner: { userId: "a" } }));
  });

  it("gives every number of a slot a lookup of its own", () => {
    const lookups = slots.flatMap((slot) =>
      Array.from({ length: 20 }, (_, number) => derivedLookup("user", slotSource(idOf(slot), number))),
    );
    expect(new Set(lookups).size).toBe(slots.length * 20);
  });
});
