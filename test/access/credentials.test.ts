// Covers access/credentials.ts: which headers hold one credential, and that nothing ambiguous is ever taken
// for one.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  credentialOf,
  PROXY_CREDENTIAL,
  type PresentedCredential,
  proxyCredentialOf,
} from "../../src/access/credentials.ts";
import { propertyRuns } from "../domain/build.ts";

type HeaderList = readonly (readonly [name: string, value: string])[];

const NONE: PresentedCredential = { kind: "none" };
const INVALID: PresentedCredential = { kind: "invalid" };
const one = (secret: string): PresentedCredential => ({ kind: "one", secret });

/** Headers as they come from a request: names in any case, equal ones joined by a comma. */
function headersOf(list: HeaderList): Headers {
  const headers = new Headers();
  for (const [name, value] of list) headers.append(name, value);
  return headers;
}

describe("credentialOf", () => {
  it.each<[string, HeaderList, PresentedCredential]>([
    ["no headers", [], NONE],
    ["other headers", [["cookie", "api_key=abc"]], NONE],
    ["a bearer", [["authorization", "Bearer abc"]], one("abc")],
    ["a bearer in small letters", [["authorization", "bearer abc"]], one("abc")],
    ["a bearer in capitals", [["AUTHORIZATION", "BEARER abc"]], one("abc")],
    ["a bearer behind several blanks", [["authorization", "Bearer   abc  "]], one("abc")],
    ["an X-API-Key", [["X-API-Key", "abc"]], one("abc")],
    ["an x-api-key with blanks around it", [["x-api-key", "  abc "]], one("abc")],
    ["an X-API-Key that begins like a bearer", [["x-api-key", "Bearer abc"]], one("Bearer abc")],
    [
      "two equal ones",
      [
        ["authorization", "Bearer abc"],
        ["x-api-key", "abc"],
      ],
      one("abc"),
    ],
    [
      "two different ones",
      [
        ["authorization", "Bearer abc"],
        ["x-api-key", "abd"],
      ],
      INVALID,
    ],
    [
      "two that differ in case",
      [
        ["authorization", "Bearer abc"],
        ["x-api-key", "ABC"],
      ],
      INVALID,
    ],
    [
      "a bearer and an empty X-API-Key",
      [
        ["authorization", "Bearer abc"],
        ["x-api-key", ""],
      ],
      INVALID,
    ],
    [
      "an empty bearer header and an X-API-Key",
      [
        ["authorization", ""],
        ["x-api-key", "abc"],
      ],
      INVALID,
    ],
    ["basic", [["authorization", "Basic YTpi"]], INVALID],
    [
      "basic beside an X-API-Key",
      [
        ["authorization", "Basic YTpi"],
        ["x-api-key", "abc"],
      ],
      INVALID,
    ],
    ["an empty authorization", [["authorization", ""]], INVALID],
    ["an empty X-API-Key", [["x-api-key", ""]], INVALID],
    ["a bearer without a secret", [["authorization", "Bearer"]], INVALID],
    ["a bearer of blanks", [["authorization", "Bearer    "]], INVALID],
    ["a bearer without a blank", [["authorization", "Bearerabc"]], INVALID],
    ["a bearer of two words", [["authorization", "Bearer abc def"]], INVALID],
    ["a secret without a scheme", [["authorization", "abc"]], INVALID],
    [
      "two bearers joined",
      [
        ["authorization", "Bearer abc"],
        ["authorization", "Bearer abd"],
      ],
      INVALID,
    ],
    [
      "two equal bearers joined",
      [
        ["authorization", "Bearer abc"],
        ["authorization", "Bearer abc"],
      ],
      INVALID,
    ],
    ["a bearer of 512 characters", [["authorization", `Bearer ${"a".repeat(512)}`]], one("a".repeat(512))],
    ["a bearer of 513 characters", [["authorization", `Bearer ${"a".repeat(513)}`]], INVALID],
    ["an X-API-Key of 512 characters", [["x-api-key", "a".repeat(512)]], one("a".repeat(512))],
    ["an X-API-Key of 513 characters", [["x-api-key", "a".repeat(513)]], INVALID],
    ["a bearer behind 100,000 blanks", [["authorization", `Bearer${" ".repeat(100_000)}`]], INVALID],
  ])("%s", (_, list, expected) => {
    expect(credentialOf(headersOf(list))).toEqual(expected);
  });

  it("An X-API-Key that was sent twice is never taken for one of the two.", () => {
    const credential = credentialOf(
      headersOf([
        ["x-api-key", "abc"],
        ["x-api-key", "abd"],
      ]),
    );
    expect(credential).not.toEqual(one("abc"));
    expect(credential).not.toEqual(one("abd"));
  });

  it("Whenever there is one, it is in every credential header that was sent, and no other one is.", () => {
    const text = fc.string({ unit: fc.constantFrom(..."aB ,=\t") });
    const authorization = fc.option(
      fc.oneof(
        text,
        text.map((secret) => `bearer ${secret}`),
      ),
    );
    fc.assert(
      fc.property(authorization, fc.option(text), (bearer, apiKey) => {
        const list = [
          ["authorization", bearer],
          ["x-api-key", apiKey],
        ] as const;
        const headers = headersOf(
          list.filter((entry): entry is readonly [(typeof entry)[0], string] => entry[1] !== null),
        );
        const credential = credentialOf(headers);
        expect(credential.kind === "none").toBe(bearer === null && apiKey === null);
        if (credential.kind !== "one") return;
        if (bearer !== null) expect(headers.get("authorization")?.slice(7).trim()).toBe(credential.secret);
        if (apiKey !== null) expect(headers.get("x-api-key")).toBe(credential.secret);
      }),
      { numRuns: propertyRuns() },
    );
  });

  describe("with x-company-key and x-team-key as more headers", () => {
    const MORE = ["x-company-key", "x-team-key"];

    it.each<[string, HeaderList, PresentedCredential]>([
      ["none", [["x-other-key", "abc"]], NONE],
      ["one", [["x-company-key", "abc"]], one("abc")],
      ["the second one", [["X-Team-Key", "abc"]], one("abc")],
      ["one that begins like a bearer", [["x-team-key", "Bearer abc"]], one("Bearer abc")],
      ["an X-API-Key alone", [["x-api-key", "abc"]], one("abc")],
      ["empty", [["x-company-key", ""]], INVALID],
      ["of 513 characters", [["x-company-key", "a".repeat(513)]], INVALID],
    ])("%s", (_, list, expected) => {
      expect(credentialOf(headersOf(list), MORE)).toEqual(expected);
    });

    it.each<[string, string, string, PresentedCredential]>([
      ["equal", "abc", "abc", one("abc")],
      ["differing", "abc", "abd", INVALID],
      ["differing in case", "abc", "ABC", INVALID],
      ["one empty", "abc", "", INVALID],
      ["both empty", "", "", INVALID],
    ])("two of them: %s", (_, first, second, expected) => {
      for (const name of ["x-team-key", "x-api-key"]) {
        const pair = [
          ["x-company-key", first],
          [name, second],
        ] as const;
        expect(credentialOf(headersOf(pair), MORE)).toEqual(expected);
        expect(credentialOf(headersOf(pair.toReversed()), MORE)).toEqual(expected);
      }
      const bearer = [
        ["authorization", `Bearer ${first}`],
        ["x-team-key", second],
      ] as const;
      expect(credentialOf(headersOf(bearer), MORE)).toEqual(expected);
    });

    it.each(["abc", "abd"])("The same header twice, abc and %s, is never one credential.", (second) => {
      const twice = [
        ["x-company-key", "abc"],
        ["x-company-key", second],
      ] as const;
      expect(credentialOf(headersOf(twice), MORE)).toEqual(INVALID);
    });

    it("A third one that differs is refused, wherever it stands.", () => {
      const names = ["x-api-key", ...MORE];
      for (const odd of names) {
        const list = names.map((name) => [name, name === odd ? "abd" : "abc"] as const);
        expect(credentialOf(headersOf(list), MORE)).toEqual(INVALID);
      }
    });

    it("What is not named is not read.", () => {
      expect(credentialOf(headersOf([["x-company-key", "abc"]]))).toEqual(NONE);
      expect(credentialOf(headersOf([["x-company-key", "abc"]]), ["x-team-key"])).toEqual(NONE);
    });
  });
});

describe("the header of a proxy's own credential", () => {
  it.each<[string | undefined, PresentedCredential]>([
    [undefined, NONE],
    ["abc", one("abc")],
    ["Bearer abc", one("abc")],
    ["bearer  abc ", one("abc")],
    ["", INVALID],
    ["abc, abc", INVALID],
    ["Bearer abc, Bearer abc", INVALID],
    ["a".repeat(512), one("a".repeat(512))],
    ["a".repeat(513), INVALID],
  ])("%.40j, alone and where it is read beside the others", (value, expected) => {
    expect(proxyCredentialOf(value)).toEqual(expected);
    const list: HeaderList = value === undefined ? [] : [[PROXY_CREDENTIAL, value]];
    expect(credentialOf(headersOf(list), [PROXY_CREDENTIAL])).toEqual(expected);
    expect(credentialOf(headersOf(list))).toEqual(NONE);
  });

  it("has to hold the same as the others", () => {
    const beside = (secret: string): HeaderList => [
      ["authorization", "Bearer abc"],
      [PROXY_CREDENTIAL, secret],
    ];
    expect(credentialOf(headersOf(beside("abc")), [PROXY_CREDENTIAL])).toEqual(one("abc"));
    expect(credentialOf(headersOf(beside("Bearer abc")), [PROXY_CREDENTIAL])).toEqual(one("abc"));
    expect(credentialOf(headersOf(beside("abd")), [PROXY_CREDENTIAL])).toEqual(INVALID);
  });
});
