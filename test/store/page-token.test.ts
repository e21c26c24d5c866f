// Guarantees that a page token is taken back only as it was given out: by the same query, under a pepper
// that is still accepted, with not one character changed.
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deriveKey, type PepperSet, pepperSet } from "../../src/domain/api-key/digests.ts";
import {
  formatPageToken,
  PAGE_TOKEN_LENGTH_MAX,
  type PagePosition,
  parsePageToken,
} from "../../src/store/page-token.ts";
import { buildPepper, propertyRuns, START } from "../domain/build.ts";
import { keyIdAt } from "./build.ts";

const PEPPERS = pepperSet([buildPepper(1)]);
const QUERY = 'keys{"userId":"user-1"}';
const POSITION: PagePosition = [START, keyIdAt(1)];
const TOKEN = formatPageToken(PEPPERS, QUERY, POSITION);
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** A token with a right seal around whatever body. */
function sealed(body: string, peppers: PepperSet = PEPPERS): string {
  const key = deriveKey(peppers.current, "page token");
  const seal = createHmac("sha256", key)
    .update(JSON.stringify([QUERY, body]))
    .digest("base64url");
  return `${Buffer.from(body).toString("base64url")}.${seal}`;
}

describe("a page token", () => {
  it("leads back to its position", () => {
    expect(parsePageToken(PEPPERS, QUERY, TOKEN)).toEqual(POSITION);
    expect(TOKEN.length).toBeLessThanOrEqual(PAGE_TOKEN_LENGTH_MAX);
    expect(TOKEN).toMatch(/^[\w-]+\.[\w-]{43}$/);
  });

  it("leads back to any position of numbers and texts", () => {
    const anyCharacter = fc.constantFrom("a", "0", ".", '"', "\\", "\0", "é", "😀", "\ud800", "$");
    const anyPart = fc.oneof(fc.integer(), fc.string({ unit: anyCharacter, maxLength: 20 }));
    fc.assert(
      fc.property(fc.array(anyPart, { maxLength: 4 }), fc.string(), (position, query) => {
        expect(parsePageToken(PEPPERS, query, formatPageToken(PEPPERS, query, position))).toEqual(position);
      }),
      { numRuns: propertyRuns() },
    );
  });

  it("is refused with any one character changed, dropped or doubled", () => {
    for (let index = 0; index < TOKEN.length; index++) {
      const [before, character, after] = [TOKEN.slice(0, index), TOKEN.charAt(index), TOKEN.slice(index + 1)];
      const others = [...ALPHABET, ...".=+/ \0é"].filter((other) => other !== character);
      const tampered = [...others.map((other) => before + other + after), before + after];
      // Doubling a character next to its equal gives one text twice, never the token itself.
      tampered.push(before + character + character + after);
      expect(tampered.filter((token) => parsePageToken(PEPPERS, QUERY, token) !== undefined)).toEqual([]);
    }
  });

  it("is refused by another query", () => {
    for (const query of ["", `${QUERY} `, QUERY.toUpperCase(), 'keys{"userId":"user-2"}', "events{}"]) {
      expect(parsePageToken(PEPPERS, query, TOKEN)).toBeUndefined();
    }
  });

  it.each([
    "",
    ".",
    "..",
    "a",
    "a.b",
    "null",
    "e30.e30",
    `${TOKEN}.`,
    `${TOKEN}.a`,
    `.${TOKEN}`,
    `${TOKEN}=`,
    ` ${TOKEN}`,
  ])("is not %j", (token) => {
    expect(parsePageToken(PEPPERS, QUERY, token)).toBeUndefined();
  });

  it("is taken back after a rotation for as long as its pepper is accepted", () => {
    const rotated = pepperSet([buildPepper(2), buildPepper(1)]);
    expect(parsePageToken(rotated, QUERY, TOKEN)).toEqual(POSITION);
    const renewed = formatPageToken(rotated, QUERY, POSITION);
    expect(parsePageToken(rotated, QUERY, renewed)).toEqual(POSITION);
    expect(parsePageToken(PEPPERS, QUERY, renewed)).toBeUndefined();
    expect(parsePageToken(pepperSet([buildPepper(2)]), QUERY, TOKEN)).toBeUndefined();
  });

  it("is refused under another secret of the same version", () => {
    expect(parsePageToken(pepperSet([buildPepper(1, 99)]), QUERY, TOKEN)).toBeUndefined();
  });

  it("is refused under a pepper that it does not name, even one that is accepted", () => {
    const rotated = pepperSet([buildPepper(2), buildPepper(1)]);
    const forged = sealed(JSON.stringify([1, ...POSITION]), rotated);
    expect(parsePageToken(rotated, QUERY, forged)).toBeUndefined();
  });

  it(`is refused when it is longer than ${PAGE_TOKEN_LENGTH_MAX} characters, however right its seal`, () => {
    const tokenOf = (padding: number) => formatPageToken(PEPPERS, QUERY, [START, "x".repeat(padding)]);
    let padding = 0;
    while (tokenOf(padding + 1).length <= PAGE_TOKEN_LENGTH_MAX) padding += 1;
    expect(parsePageToken(PEPPERS, QUERY, tokenOf(padding))).toEqual([START, "x".repeat(padding)]);
    expect(parsePageToken(PEPPERS, QUERY, tokenOf(padding + 1))).toBeUndefined();
  });

  it("is refused in another spelling of the same bytes", () => {
    // base64url leaves bits over at an end that is no multiple of three bytes: other last characters, same
    // bytes.
    const last = TOKEN.slice(-1);
    const sameBytes = [...ALPHABET].filter((character) => {
      const [, seal = ""] = `${TOKEN.slice(0, -1)}${character}`.split(".");
      return (
        character !== last &&
        Buffer.from(seal, "base64url").equals(Buffer.from(TOKEN.split(".")[1] ?? "", "base64url"))
      );
    });
    expect(sameBytes).toHaveLength(3);
    for (const character of sameBytes) {
      expect(parsePageToken(PEPPERS, QUERY, TOKEN.slice(0, -1) + character)).toBeUndefined();
    }
    expect(
      parsePageToken(PEPPERS, QUERY, TOKEN.replaceAll("-", "+").replaceAll("_", "/").concat("=")),
    ).toBeUndefined();
  });
});
