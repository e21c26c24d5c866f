// Covers domain/api-key/digests.ts: a MAC is HMAC-SHA-256 and matches only the same api_key under the same
// pepper; stored values of the wrong length are refused, not thrown at; derived keys and check values are
// never a MAC.
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  deriveKey,
  macMatches,
  macOf,
  type Pepper,
  pepperCheck,
  pepperSet,
  sha256Matches,
  sha256Of,
} from "../../../src/domain/api-key/digests.ts";
import { parseApiKey } from "../../../src/domain/api-key/key-format.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { buildApiKey, buildPepper, buildPrefixes, propertyRuns } from "../build.ts";

const PEPPER = buildPepper();
const anyType = fc.constantFrom(...KEY_TYPES);

/** The bytes with one bit turned over. */
function withBitFlipped(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return flipped;
}

describe("macOf", () => {
  // RFC 4231, test cases 1 and 2.
  it.each([
    ["0b".repeat(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
    [
      "4a656665",
      "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
  ])("under the secret %s of %j is the HMAC-SHA-256 %s", (secret, text, hex) => {
    const mac = macOf(text, { version: 3, secret: Buffer.from(secret, "hex") });
    expect(mac).toEqual({ version: 3, value: Buffer.from(hex, "hex").toString("base64url") });
  });

  it("The api_key cannot be read from its MAC: no part of it stands in the stored value.", () => {
    fc.assert(
      fc.property(anyType, fc.integer(), (type, seed) => {
        const apiKey = buildApiKey(type, seed);
        const stored = JSON.stringify(macOf(apiKey, PEPPER));
        for (let at = 0; at + 6 <= apiKey.length; at++)
          expect(stored).not.toContain(apiKey.slice(at, at + 6));
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("macMatches", () => {
  it("Only the same api_key under the same pepper matches a MAC.", () => {
    fc.assert(
      fc.property(anyType, fc.integer(), fc.integer(), fc.nat(255), (type, seed, otherSeed, bit) => {
        const apiKey = buildApiKey(type, seed);
        const mac = macOf(apiKey, PEPPER);
        expect(macMatches(apiKey, PEPPER, mac)).toBe(true);
        expect(macMatches(buildApiKey(type, otherSeed), PEPPER, mac)).toBe(seed === otherSeed);
        const otherPepper: Pepper = { version: 1, secret: withBitFlipped(PEPPER.secret, bit) };
        expect(macMatches(apiKey, otherPepper, mac)).toBe(false);
      }),
      { numRuns: propertyRuns() },
    );
  });

  it("A stored MAC that differs in any one of its 256 bits matches nothing.", () => {
    const apiKey = buildApiKey();
    const bytes = Buffer.from(macOf(apiKey, PEPPER).value, "base64url");
    const matching = Array.from({ length: 256 }, (_, bit) =>
      withBitFlipped(bytes, bit).toString("base64url"),
    ).filter((value) => macMatches(apiKey, PEPPER, { version: 1, value }));
    expect(matching).toEqual([]);
  });

  it.each([
    ["empty", () => ""],
    ["one byte short", (bytes: Buffer) => bytes.subarray(0, 31).toString("base64url")],
    ["one byte long", (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)]).toString("base64url")],
    ["doubled", (bytes: Buffer) => Buffer.concat([bytes, bytes]).toString("base64url")],
    ["in hex", (bytes: Buffer) => bytes.toString("hex")],
    ["not base64url", () => "***"],
  ])("A stored MAC of the wrong length (%s) is refused and does not throw.", (_, change) => {
    const apiKey = buildApiKey();
    const bytes = Buffer.from(macOf(apiKey, PEPPER).value, "base64url");
    expect(macMatches(apiKey, PEPPER, { version: 1, value: change(bytes) })).toBe(false);
  });
});

describe("sha256Of and sha256Matches", () => {
  // FIPS 180-2, appendix B.
  it.each([
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
  ])("know the SHA-256 of %s", (text, hex) => {
    const digest = Buffer.from(hex, "hex").toString("base64url");
    expect(sha256Of(text)).toBe(digest);
    expect(sha256Matches(text, digest)).toBe(true);
    expect(sha256Matches(`${text} `, digest)).toBe(false);
  });

  it("A stored digest that differs in any bit, or is of another length, matches nothing.", () => {
    const bytes = Buffer.from(sha256Of("abc"), "base64url");
    const flipped = Array.from({ length: 256 }, (_, bit) => withBitFlipped(bytes, bit));
    const others = [Buffer.alloc(0), bytes.subarray(1), Buffer.concat([bytes, bytes])];
    const digests = [...flipped, ...others].map((other) => other.toString("base64url"));
    expect(digests.filter((digest) => sha256Matches("abc", digest))).toEqual([]);
  });
});

describe("pepperCheck", () => {
  it("The public check value of a pepper is not the MAC of anything that parses as an api_key.", () => {
    // The check value is the MAC of this text, and its NUL keeps it apart from every api_key.
    const label = "\0fleetkey check";
    expect(pepperCheck(PEPPER)).toBe(createHmac("sha256", PEPPER.secret).update(label).digest("base64url"));
    expect(parseApiKey(label, buildPrefixes())).toBe("not_native");
    fc.assert(
      fc.property(anyType, fc.integer(), (type, seed) => {
        const apiKey = buildApiKey(type, seed);
        expect(parseApiKey(`\0${apiKey}`, buildPrefixes())).toBe("not_native");
        expect(macMatches(apiKey, PEPPER, { version: 1, value: pepperCheck(PEPPER) })).toBe(false);
      }),
      { numRuns: propertyRuns() },
    );
  });

  it("depends on the secret alone, so that a version with another secret is noticed", () => {
    expect(pepperCheck(buildPepper(1, 5))).toBe(pepperCheck(buildPepper(2, 5)));
    const values = Array.from({ length: 256 }, (_, bit) =>
      pepperCheck({ version: 1, secret: withBitFlipped(PEPPER.secret, bit) }),
    );
    expect(new Set([pepperCheck(PEPPER), ...values]).size).toBe(257);
  });
});

describe("deriveKey", () => {
  it("The key for one use says nothing about another's, nor about the public check value.", () => {
    const keys = ["check", "page token", "page", ""].map((use) =>
      deriveKey(PEPPER, use).toString("base64url"),
    );
    expect(new Set(keys).size).toBe(4);
    expect(keys.filter((key) => key === pepperCheck(PEPPER))).toHaveLength(1);
    expect(deriveKey(PEPPER, "page")).toHaveLength(32);
    expect(deriveKey(buildPepper(2), "page").equals(deriveKey(PEPPER, "page"))).toBe(false);
  });
});

describe("pepperSet", () => {
  it("makes the first pepper current, accepts all, and remembers the lost versions", () => {
    const [second, first] = [buildPepper(2), buildPepper(1)];
    const peppers = pepperSet([second, first], [4, 5]);
    expect(peppers.current).toBe(second);
    expect(peppers.accepted.get(1)).toBe(first);
    expect([...peppers.accepted.keys()]).toEqual([2, 1]);
    expect([...peppers.lost]).toEqual([4, 5]);
  });

  it("refuses to be empty", () => {
    expect(() => pepperSet([])).toThrow(RangeError);
  });
});
