// Covers domain/api-key/key-format.ts: an api_key reads back as it was written; a change of one character,
// a cut or a swap of neighbours never does; lengths are tested at the bound and one past; nothing that is
// parsed throws. The checksum is compared with a CRC-32 written here bit by bit, and with digits computed
// outside of Node.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  API_KEY_LENGTH_MAX,
  formatApiKey,
  keyPrefixes,
  newSecret,
  PREFIX_LENGTH_MAX,
  PREFIX_PATTERN,
  parseApiKey,
} from "../../../src/domain/api-key/key-format.ts";
import { randomLookup } from "../../../src/domain/api-key/key-id.ts";
import { KEY_TYPE_TRAITS, KEY_TYPES } from "../../../src/domain/key-type.ts";
import { encodeBase62 } from "../../../src/lib/base62.ts";
import { buildApiKey, buildPrefixes, propertyRuns, seededBytes } from "../build.ts";

const PREFIXES = buildPrefixes();
const CUSTOM = buildPrefixes({
  user: "acme",
  organization: "A_b_9",
  integration: "x".repeat(PREFIX_LENGTH_MAX),
});
const BASE62 = [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"];

const anyType = fc.constantFrom(...KEY_TYPES);
const anySeed = fc.integer();
const anyPrefixes = fc.constantFrom(PREFIXES, CUSTOM);

/** CRC-32 (IEEE 802.3, reflected polynomial 0xedb88320), one bit at a time. */
function crc32OfAscii(text: string): number {
  let crc = 0xffff_ffff;
  for (const char of text) {
    crc ^= char.charCodeAt(0);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** A text with this prefix and lookup and a right checksum, whatever the deployment makes of it. */
function wellFormed(prefix: string, initial = "u"): string {
  return formatApiKey(prefix, initial + "0".repeat(11), newSecret(seededBytes(7)));
}

describe("formatApiKey and parseApiKey", () => {
  it.each(KEY_TYPES)("round-trip a %s api_key with its default and with a custom prefix", (type) => {
    for (const prefixes of [PREFIXES, CUSTOM]) {
      const lookup = randomLookup(type, seededBytes(3));
      const secret = newSecret(seededBytes(4));
      const apiKey = formatApiKey(prefixes[type], lookup, secret);
      expect(parseApiKey(apiKey, prefixes)).toEqual({ type, prefix: prefixes[type], lookup, secret });
    }
  });

  it("round-trip any lookup, secret and prefix that an operator may choose", () => {
    const anyPrefix = fc
      .stringMatching(PREFIX_PATTERN)
      .filter((prefix) => prefix.length <= PREFIX_LENGTH_MAX);
    fc.assert(
      fc.property(anyType, anyPrefix, anySeed, (type, prefix, seed) => {
        const lookup = randomLookup(type, seededBytes(seed));
        const secret = newSecret(seededBytes(seed + 1));
        const parsed = parseApiKey(
          formatApiKey(prefix, lookup, secret),
          keyPrefixes("dev", { [type]: prefix }),
        );
        expect(parsed).toEqual({ type, prefix, lookup, secret });
      }),
      { numRuns: propertyRuns() },
    );
  });

  it("tell types that share one custom prefix apart by the lookup's initial", () => {
    const shared = buildPrefixes({ user: "acme", service: "acme" });
    expect(parseApiKey(wellFormed("acme", "u"), shared)).toMatchObject({ type: "user" });
    expect(parseApiKey(wellFormed("acme", "s"), shared)).toMatchObject({ type: "service" });
  });
});

describe("the checksum", () => {
  it("is CRC-32, whose check value for 123456789 is cbf43926", () => {
    expect(crc32OfAscii("123456789").toString(16)).toBe("cbf43926");
    fc.assert(
      fc.property(anyType, anySeed, anyPrefixes, (type, seed, prefixes) => {
        const apiKey = buildApiKey(type, seed, prefixes);
        const crc = crc32OfAscii(apiKey.slice(0, -6));
        expect(apiKey.slice(-6)).toBe(encodeBase62(BigInt(crc), 6));
      }),
      { numRuns: propertyRuns() },
    );
  });

  // Computed with Python's zlib.crc32 and a base62 of its own.
  it.each([
    ["fl_user_prod", "u", "0", "0", "00fq5e"],
    ["fl_org_dev", "o", "Z", "a", "1HPJQN"],
    ["fl_svc_1", "s", "9", "z", "2xFNsn"],
    ["acme", "i", "A", "B", "30V6c7"],
  ])("of %s, %s and 11 times %s, 30 times %s is %s", (prefix, initial, fill, secretFill, checksum) => {
    const apiKey = formatApiKey(prefix, initial + fill.repeat(11), secretFill.repeat(30));
    expect(apiKey.slice(-6)).toBe(checksum);
  });
});

describe.each([
  ...KEY_TYPES.map((type) => [type, PREFIXES, "default"] as const),
  ["user", CUSTOM, "custom"] as const,
])("A mistyped %s api_key is never taken for a key", (type, prefixes, kind) => {
  const apiKey = buildApiKey(type, 11, prefixes);
  const chars = [...BASE62, "_", "-", " ", "\n", "\0", "\u00e9", "\u{1f511}"];
  const positions = Array.from(apiKey, (_, position) => position);
  const refused = (text: string): boolean => typeof parseApiKey(text, prefixes) === "string";
  const accepted = (texts: readonly string[]): string[] => texts.filter((text) => !refused(text));

  it(`The ${kind} one itself is, or the cases below would show nothing.`, () => {
    expect(refused(apiKey)).toBe(false);
  });

  it(`Substituting any other character at any position of the ${kind} one is refused.`, () => {
    const texts = positions.flatMap((position) =>
      chars
        .filter((char) => char !== apiKey.charAt(position))
        .map((char) => apiKey.slice(0, position) + char + apiKey.slice(position + 1)),
    );
    expect(accepted(texts)).toEqual([]);
  });

  it(`Deleting any character of the ${kind} one, or cutting it anywhere, is refused.`, () => {
    const deletions = positions.map((position) => apiKey.slice(0, position) + apiKey.slice(position + 1));
    const cuts = positions.flatMap((position) => [apiKey.slice(0, position), apiKey.slice(position + 1)]);
    expect(accepted([...deletions, ...cuts])).toEqual([]);
  });

  it(`Inserting any character anywhere in the ${kind} one, or at its ends, is refused.`, () => {
    const texts = [...positions, apiKey.length].flatMap((position) =>
      chars.map((char) => apiKey.slice(0, position) + char + apiKey.slice(position)),
    );
    expect(accepted(texts)).toEqual([]);
  });

  it(`Swapping any two neighbours of the ${kind} one that differ is refused.`, () => {
    const texts = positions
      .slice(1)
      .filter((position) => apiKey.charAt(position) !== apiKey.charAt(position - 1))
      .map((position) => {
        const swapped = apiKey.charAt(position) + apiKey.charAt(position - 1);
        return apiKey.slice(0, position - 1) + swapped + apiKey.slice(position + 1);
      });
    expect(texts.length).toBeGreaterThan(40);
    expect(accepted(texts)).toEqual([]);
  });
});

describe("parseApiKey", () => {
  it("Any change of one character of any api_key is refused.", () => {
    const anyChar = fc.oneof(
      fc.constantFrom(...BASE62),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
    );
    fc.assert(
      fc.property(anyType, anySeed, anyPrefixes, fc.nat(), anyChar, (type, seed, prefixes, nat, char) => {
        const apiKey = buildApiKey(type, seed, prefixes);
        const position = nat % apiKey.length;
        fc.pre(apiKey.charAt(position) !== char);
        const mistyped = apiKey.slice(0, position) + char + apiKey.slice(position + 1);
        expect(parseApiKey(mistyped, prefixes)).toBeTypeOf("string");
      }),
      { numRuns: propertyRuns() },
    );
  });

  it("No text makes it throw, and none that was not formatted is read as a key.", () => {
    const anyText = fc.oneof(
      fc.array(fc.nat(0xffff), { maxLength: 120 }).map((units) => String.fromCharCode(...units)),
      fc.string({ unit: fc.constantFrom(...BASE62, "_"), maxLength: 120 }),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        expect(parseApiKey(text, PREFIXES)).toBe("not_native");
      }),
      { numRuns: propertyRuns(300) },
    );
  });

  it("48 base62 characters behind a native prefix, of any environment, are never not native.", () => {
    const anyBody = fc.string({ unit: fc.constantFrom(...BASE62), minLength: 48, maxLength: 48 });
    const anyPrefix = fc.constantFrom(...Object.values(CUSTOM), ...Object.values(keyPrefixes("dev")));
    fc.assert(
      fc.property(anyPrefix, anyBody, (prefix, body) => {
        expect(parseApiKey(`${prefix}_${body}`, CUSTOM)).toBe("malformed");
      }),
      { numRuns: propertyRuns(300) },
    );
  });
});

describe("parseApiKey at its bounds", () => {
  it.each([
    ["nothing", ""],
    ["one underscore", "_"],
    ["an empty prefix", `_${"0".repeat(48)}`],
    ["a body without a prefix", "0".repeat(48)],
    [`${API_KEY_LENGTH_MAX} underscores`, "_".repeat(API_KEY_LENGTH_MAX)],
    ["a million digits", "0".repeat(1_000_000)],
    ["30 characters beyond 16 bits", "\u{1f511}".repeat(30)],
    ["60 halves of surrogate pairs", "\ud800".repeat(60)],
  ])("refuses %s as not native", (_, text) => {
    expect(parseApiKey(text, PREFIXES)).toBe("not_native");
  });

  it.each([
    [1, true],
    [PREFIX_LENGTH_MAX, true],
    [PREFIX_LENGTH_MAX + 1, false],
  ])("reads an api_key whose prefix is %i characters long: %s", (length, isRead) => {
    const prefix = "x".repeat(length);
    const apiKey = wellFormed(prefix);
    expect(apiKey).toHaveLength(length + 1 + 48);
    expect(apiKey.length <= API_KEY_LENGTH_MAX).toBe(isRead);
    const parsed = parseApiKey(apiKey, buildPrefixes({ user: prefix }));
    if (isRead) expect(parsed).toMatchObject({ type: "user", prefix });
    else expect(parsed).toBe("not_native");
  });
});

describe("parseApiKey of a text with a right checksum", () => {
  // Whoever crafts a text can give it the right checksum, so the shape is checked by itself.
  it.each([
    ["fl_user_prod-", "0", "another separator before its body"],
    ["fl_user_prod0", "0", "no separator before its body"],
    ["fl_user_prod_", "-", "a body with a dash"],
    ["fl_user_prod_", "_", "a body with underscores"],
    ["fl_user_prod_", "\n", "a body with newlines"],
    ["a__b_", "0", "an empty part in a prefix, configured as it may be"],
    ["a-b_", "0", "a dash in a prefix, configured as it may be"],
    ["_a_", "0", "an underscore before a prefix, configured as it may be"],
  ])("Beginning with %j and filled with %j it is refused for %s.", (head, fill) => {
    const unchecked = `${head}u${"0".repeat(11)}${fill.repeat(30)}`;
    const text = unchecked + encodeBase62(BigInt(crc32OfAscii(unchecked)), 6);
    expect(parseApiKey(text, buildPrefixes({ service: head.slice(0, -1) }))).toBe("not_native");
    expect(parseApiKey(text, buildPrefixes({ user: head.slice(0, -1) }))).toBe("not_native");
  });
});

describe("parseApiKey of another deployment's or another type's api_key", () => {
  it.each([
    ["fl_user_dev", "u", "other_environment", "another environment"],
    ["fl_svc_abcdefghij12", "s", "other_environment", "another environment, 12 characters long"],
    ["fl_user_prod", "o", "other_environment", "another type's initial"],
    ["fl_user_prod", "z", "other_environment", "no type's initial"],
    ["fl_user_abcdefghij123", "u", "not_native", "an environment of 13 characters"],
    ["fl_team_prod", "u", "not_native", "a type that is none"],
    ["FL_user_prod", "u", "not_native", "another brand"],
    ["ghp", "u", "not_native", "an unknown prefix"],
  ])("answers a key of %s with initial %s: %s (%s)", (prefix, initial, answer) => {
    expect(parseApiKey(wellFormed(prefix, initial), PREFIXES)).toBe(answer);
  });

  it.each(KEY_TYPES)(
    "answers other_environment to the %s prefix with the initial of any other type",
    (type) => {
      for (const other of KEY_TYPES.filter((candidate) => candidate !== type)) {
        const apiKey = wellFormed(PREFIXES[type], KEY_TYPE_TRAITS[other].initial);
        expect(parseApiKey(apiKey, PREFIXES)).toBe("other_environment");
      }
    },
  );

  it("answers other_environment to a default prefix beside a custom one, and to its wrong type", () => {
    expect(parseApiKey(wellFormed("fl_user_prod"), CUSTOM)).toBe("other_environment");
    expect(parseApiKey(wellFormed("acme", "o"), CUSTOM)).toBe("other_environment");
    expect(parseApiKey(wellFormed("acme"), PREFIXES)).toBe("not_native");
  });
});
