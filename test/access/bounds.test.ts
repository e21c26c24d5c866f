// Covers access/bounds.ts: which part of all keys a caller sees, held against every owner that can be made of
// a few names. A mistake here would show one tenant's keys to another.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundsOf, isBound, isWithin, narrowed, UNBOUND } from "../../src/access/bounds.ts";
import { OWNER_FIELDS, type Owner } from "../../src/domain/principal.ts";
import { propertyRuns } from "../domain/build.ts";

const NAMES = [undefined, "a", "b"] as const;
/** Every owner of two names or none in each field. The names of one field are those of the others too. */
const OWNERS: readonly Owner[] = NAMES.flatMap((userId) =>
  NAMES.flatMap((organizationId) =>
    NAMES.map((serviceAccountId) => ({ userId, organizationId, serviceAccountId })),
  ),
);
const anyOwner = fc.constantFrom(...OWNERS);
/** As it can come from a transport too: an empty text is no field. */
const anyFilter = fc.record({
  userId: fc.constantFrom(undefined, "", "a", "b"),
  organizationId: fc.constantFrom(undefined, "", "a", "b"),
  serviceAccountId: fc.constantFrom(undefined, "", "a", "b"),
});

/** As a store reads a query. */
const fits = (filter: Owner, owner: Owner) =>
  OWNER_FIELDS.every((field) => [undefined, "", owner[field]].includes(filter[field]));

describe("boundsOf", () => {
  it.each<[Owner, Owner]>([
    [{}, UNBOUND],
    [{ serviceAccountId: "sa" }, UNBOUND],
    [{ userId: "", organizationId: "", serviceAccountId: "sa" }, UNBOUND],
    [{ userId: "u" }, { userId: "u" }],
    [{ organizationId: "o" }, { organizationId: "o" }],
    [
      { userId: "u", organizationId: "o" },
      { userId: "u", organizationId: "o" },
    ],
    [
      { organizationId: "o", serviceAccountId: "sa" },
      { organizationId: "o", serviceAccountId: "sa" },
    ],
    [
      { userId: "u", serviceAccountId: "sa" },
      { userId: "u", serviceAccountId: "sa" },
    ],
    [
      { userId: "u", organizationId: "o", serviceAccountId: "sa" },
      { userId: "u", organizationId: "o", serviceAccountId: "sa" },
    ],
  ])("of a key of %j are %j", (owner, bounds) => {
    expect(boundsOf(owner)).toEqual(bounds);
    expect(isBound(boundsOf(owner))).toBe(bounds !== UNBOUND);
  });

  it("A caller that carries a user or an organization is bound, and lies within its own bounds.", () => {
    for (const owner of OWNERS) {
      expect(isBound(boundsOf(owner))).toBe(Boolean(owner.userId ?? owner.organizationId));
      expect(isWithin(boundsOf(owner), owner)).toBe(true);
    }
  });
});

describe("isWithin", () => {
  it.each<[Owner, Owner, boolean]>([
    [{}, {}, true],
    [{}, { userId: "u" }, true],
    [{ userId: "u" }, { userId: "u" }, true],
    [{ userId: "u" }, { userId: "u", organizationId: "o" }, true],
    [{ userId: "u" }, { userId: "v" }, false],
    [{ userId: "u" }, { userId: "U" }, false],
    [{ userId: "u" }, { userId: "u " }, false],
    [{ userId: "u" }, { organizationId: "u" }, false],
    [{ userId: "u" }, {}, false],
    [{ userId: "u" }, { userId: "" }, false],
    [{ userId: "u", organizationId: "o" }, { userId: "u" }, false],
    [{ userId: "u", organizationId: "o" }, { organizationId: "o" }, false],
    [{ userId: "u", organizationId: "o" }, { userId: "u", organizationId: "p" }, false],
    [{ userId: "u", organizationId: "o" }, { userId: "u", organizationId: "o" }, true],
    [{ organizationId: "o", serviceAccountId: "sa" }, { organizationId: "o" }, false],
    [{ organizationId: "o", serviceAccountId: "sa" }, { organizationId: "o", serviceAccountId: "sa" }, true],
  ])("%j around %j: %s", (bounds, owner, isInside) => {
    expect(isWithin(bounds, owner)).toBe(isInside);
  });

  it("is what carries every field of the bounds, for all bounds and owners", () => {
    for (const bounds of OWNERS) {
      for (const owner of OWNERS) expect(isWithin(bounds, owner)).toBe(fits(bounds, owner));
    }
  });

  it("What lies within narrower bounds lies within the wider ones.", () => {
    const within = fc.tuple(anyOwner, anyOwner, anyOwner);
    fc.assert(
      fc.property(within, ([wide, narrow, owner]) => {
        if (isWithin(wide, narrow) && isWithin(narrow, owner)) expect(isWithin(wide, owner)).toBe(true);
      }),
      { numRuns: propertyRuns(1_000) },
    );
  });
});

describe("narrowed", () => {
  it.each<[Owner, Owner, Owner | undefined]>([
    [{}, {}, {}],
    [{}, { userId: "u" }, { userId: "u" }],
    [{ userId: "u" }, {}, { userId: "u" }],
    [{ userId: "u" }, { userId: "" }, { userId: "u" }],
    [{ userId: "u" }, { userId: "u" }, { userId: "u" }],
    [{ userId: "u" }, { userId: "v" }, undefined],
    [{ userId: "u" }, { organizationId: "o" }, { userId: "u", organizationId: "o" }],
    [{ userId: "u", organizationId: "o" }, { userId: "u", organizationId: "p" }, undefined],
  ])("%j with the filter %j: %j", (bounds, filter, owner) => {
    expect(narrowed(bounds, filter)).toEqual(owner);
  });

  it("selects exactly the owners that fit the filter and lie inside", () => {
    fc.assert(
      fc.property(anyOwner, anyFilter, (bounds, filter) => {
        const inside = narrowed(bounds, filter);
        const expected = OWNERS.filter((owner) => isWithin(bounds, owner) && fits(filter, owner));
        const selected = OWNERS.filter((owner) => inside !== undefined && fits(inside, owner));
        expect(selected).toEqual(expected);
        // Not only nothing that happens to be there: nothing that could be.
        expect(inside === undefined).toBe(expected.length === 0);
      }),
      { numRuns: propertyRuns(1_000) },
    );
  });
});
