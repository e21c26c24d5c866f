// Covers the published texts of domain/api-key/key-format.ts: the pattern for secret scanners, what
// environments and custom prefixes may be, the default prefixes, and that the displayed part of a key holds
// nothing of its secret.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  API_KEY_PATTERN,
  displayPrefix,
  ENVIRONMENT_PATTERN,
  keyPrefixes,
  newSecret,
  PREFIX_PATTERN,
  parseApiKey,
} from "../../../src/domain/api-key/key-format.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { buildApiKey, buildPrefixes, propertyRuns, seededBytes } from "../build.ts";

const anyType = fc.constantFrom(...KEY_TYPES);
const anyEnvironment = fc.stringMatching(ENVIRONMENT_PATTERN);

describe("API_KEY_PATTERN", () => {
  it("A secret scanner finds an api_key with a default prefix inside a text, and no more than it.", () => {
    const before = fc.constantFrom(
      "",
      "key=",
      'key: "',
      "Bearer ",
      "two\nlines\n",
      "https://host/?k=",
      "(",
      "\u00e9 ",
    );
    const after = fc.constantFrom("", '"', " and more", "\n", "&x=1", ")", ",", ".", "-", "\\n", " \u00e9");
    fc.assert(
      fc.property(
        anyType,
        anyEnvironment,
        fc.integer(),
        before,
        after,
        (type, environment, seed, head, tail) => {
          const apiKey = buildApiKey(type, seed, keyPrefixes(environment));
          expect(API_KEY_PATTERN.exec(head + apiKey + tail)?.[0]).toBe(apiKey);
        },
      ),
      { numRuns: propertyRuns() },
    );
  });

  it("finds each of several api_keys in a text", () => {
    const apiKeys = KEY_TYPES.map((type, index) => buildApiKey(type, index));
    const found = apiKeys.join(" ").match(new RegExp(API_KEY_PATTERN, "g"));
    expect(found).toEqual(apiKeys);
  });

  it.each([
    ["one character short", (apiKey: string) => apiKey.slice(0, -1)],
    ["one character long", (apiKey: string) => `${apiKey}0`],
    ["in capitals", (apiKey: string) => apiKey.toUpperCase()],
    ["with its body replaced by stars", (apiKey: string) => apiKey.replace(/[^_]{48}$/, "*".repeat(48))],
    ["as its displayed prefix only", (apiKey: string) => apiKey.slice(0, -40)],
  ])("does not match an api_key %s", (_, change) => {
    const apiKey = buildApiKey();
    expect(API_KEY_PATTERN.test(apiKey)).toBe(true);
    expect(API_KEY_PATTERN.test(change(apiKey))).toBe(false);
  });
});

describe("ENVIRONMENT_PATTERN", () => {
  it.each([
    ["a", true],
    ["prod", true],
    ["0123456789ab", true],
    ["0123456789abc", false],
    ["", false],
    ["Prod", false],
    ["pr_od", false],
    ["prod\n", false],
    ["pr\u00f6d", false],
  ])("of %j is %s", (environment, allowed) => {
    expect(ENVIRONMENT_PATTERN.test(environment)).toBe(allowed);
  });
});

describe("PREFIX_PATTERN", () => {
  it.each([
    ["a", true],
    ["Acme_Live_2", true],
    ["", false],
    ["_a", false],
    ["a_", false],
    ["a__b", false],
    ["a-b", false],
    ["a\n", false],
    ["\u00e9", false],
  ])("of %j is %s", (prefix, allowed) => {
    expect(PREFIX_PATTERN.test(prefix)).toBe(allowed);
  });
});

describe("keyPrefixes", () => {
  it("names brand, type and environment, and takes whole prefixes from the overrides", () => {
    expect(keyPrefixes("dev", { service: "acme" })).toEqual({
      user: "fl_user_dev",
      organization: "fl_org_dev",
      service: "acme",
      publishable: "fl_pub_dev",
      integration: "fl_int_dev",
    });
  });

  it("makes prefixes that an operator could choose too, for every environment", () => {
    fc.assert(
      fc.property(anyEnvironment, (environment) => {
        for (const prefix of Object.values(keyPrefixes(environment))) expect(prefix).toMatch(PREFIX_PATTERN);
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("displayPrefix", () => {
  it("What is displayed of a key is the start of its api_key, and ends before its secret.", () => {
    fc.assert(
      fc.property(anyType, fc.integer(), (type, seed) => {
        const apiKey = buildApiKey(type, seed);
        const parsed = parseApiKey(apiKey, buildPrefixes());
        if (typeof parsed === "string") throw new Error(`a built api_key is ${parsed}`);
        const shown = displayPrefix(parsed.prefix, parsed.lookup);
        expect(apiKey.startsWith(shown)).toBe(true);
        expect(shown).toHaveLength(parsed.prefix.length + 1 + 8);
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("newSecret", () => {
  it("is 30 base62 characters, different for different bytes", () => {
    const secrets = new Set(Array.from({ length: 1_000 }, (_, seed) => newSecret(seededBytes(seed))));
    expect(secrets.size).toBe(1_000);
    for (const secret of secrets) expect(secret).toMatch(/^[0-9A-Za-z]{30}$/);
  });
});
