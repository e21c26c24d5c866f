// Covers what is never looked for in the store: texts of the native shape anywhere but at their own place,
// and texts of no declared form.
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { compileForeignFormat } from "../../../src/domain/api-key/foreign-format.ts";
import { formatApiKey, keyPrefixes } from "../../../src/domain/api-key/key-format.ts";
import { keyIdOf } from "../../../src/domain/api-key/key-id.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { buildApiKey, propertyRuns } from "../../domain/build.ts";
import { LEGACY, legacyKey, PLAIN } from "../imports.ts";
import { openWorld, POLICY, verdictOf } from "../world.ts";

describe("The store is never asked for", () => {
  const BASE62 = [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"];
  const anyBody = fc.string({ unit: fc.constantFrom(...BASE62), minLength: 48, maxLength: 48 });
  const everything = KEY_TYPES.map((type) =>
    compileForeignFormat({ name: type, type, pattern: "(?<lookup>.*)" }),
  );

  async function openCounting(foreignFormats: typeof everything) {
    const { ports, store } = await openWorld({ policy: { foreignFormats } });
    const read = vi.spyOn(store.keys, "read");
    const readsOf = async (apiKey: string) => {
      read.mockClear();
      const verdict = await verdictOf(ports, apiKey);
      return { verdict, keyIds: read.mock.calls.map(([keyId]) => keyId) };
    };
    return readsOf;
  }

  it("a text of the native shape with a wrong checksum or environment, even if a format fits.", async () => {
    const readsOf = await openCounting(everything);
    const prefixes = [...Object.values(POLICY.prefixes), ...Object.values(keyPrefixes("dev"))];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...prefixes), anyBody, async (prefix, body) => {
        expect(await readsOf(`${prefix}_${body}`)).toEqual({ verdict: "malformed", keyIds: [] });
        const elsewhere = formatApiKey("fl_user_dev", body.slice(0, 12), body.slice(12, 42));
        expect(await readsOf(elsewhere)).toEqual({ verdict: "unknown", keyIds: [] });
      }),
      { numRuns: propertyRuns() },
    );
  });

  it("a native api_key anywhere but at its own place.", async () => {
    const readsOf = await openCounting(everything);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...KEY_TYPES), fc.integer(), async (type, seed) => {
        const apiKey = buildApiKey(type, seed);
        const keyId = keyIdOf(apiKey.slice(-48, -36));
        expect(await readsOf(apiKey)).toEqual({ verdict: "unknown", keyIds: [keyId] });
      }),
      { numRuns: propertyRuns() },
    );
  });

  it("a text of no declared form.", async () => {
    const readsOf = await openCounting([LEGACY, PLAIN]);
    const anyText = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.string({ unit: fc.constantFrom("l", "k", "p", "_", "-", "0", "a"), maxLength: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        fc.pre(!/^(?:lk_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}|pk-[A-Za-z0-9]{32})$/.test(text));
        expect(await readsOf(text)).toEqual({ verdict: "malformed", keyIds: [] });
      }),
      { numRuns: propertyRuns(300) },
    );
    const { keyIds } = await readsOf(legacyKey(1));
    expect(keyIds).toHaveLength(2);
  });
});
