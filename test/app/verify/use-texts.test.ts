// Covers the texts that app/verify/use-log.ts keeps of a use: what a client calls itself is cut and cleaned,
// and an address is never longer than one can be.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UseLog } from "../../../src/app/verify/use-log.ts";
import { type KeyUse, USER_AGENT_BYTES_MAX } from "../../../src/domain/usage.ts";
import { propertyRuns, START } from "../../domain/build.ts";

/** What is written of one use. */
async function keptOf(texts: { readonly address?: string; readonly userAgent?: string }): Promise<KeyUse> {
  const written: KeyUse[] = [];
  const log = new UseLog({ add: async (uses) => void written.push(...uses) });
  log.record({ keyId: "key-1", time: START, address: "", userAgent: "", ...texts });
  await log.flush();
  const [use] = written;
  if (use === undefined || written.length > 1) throw new Error("one use is to be written");
  return use;
}

describe("The user agent of a use", () => {
  it.each([
    ["what is as long as it may be", "a".repeat(256), "a".repeat(256)],
    ["what is a byte longer", "a".repeat(257), "a".repeat(256)],
    ["what ends with a character of two bytes at the bound", `${"a".repeat(254)}é`, `${"a".repeat(254)}é`],
    ["what ends with one across the bound", `${"a".repeat(255)}é`, "a".repeat(255)],
    ["what ends with one of four bytes across it", `${"a".repeat(253)}😀`, "a".repeat(253)],
    ["what ends with one of four bytes at it", `${"a".repeat(252)}😀b`, `${"a".repeat(252)}😀`],
    ["control characters", "a\u0000b\r\nc\u007fd\u0085e", "a b  c d e"],
    ["lone surrogates", "a\ud800b\udc00", "a\ufffdb\ufffd"],
    ["nothing", "", ""],
  ])("is kept whole, cut or cleaned: %s", async (_, userAgent, expected) => {
    expect((await keptOf({ userAgent })).userAgent).toBe(expected);
  });

  it("is short, well-formed and of one line, and the start of what was told, whatever that was", async () => {
    const anyText = fc.string({ unit: "binary", maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyText, fc.string({ unit: "grapheme", maxLength: 300 })), async (text) => {
        const kept = (await keptOf({ userAgent: text })).userAgent;
        expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(USER_AGENT_BYTES_MAX);
        expect(kept.isWellFormed()).toBe(true);
        expect(kept).not.toMatch(/\p{Cc}/u);
        const whole = text.toWellFormed().replaceAll(/\p{Cc}/gu, " ");
        expect(whole.startsWith(kept)).toBe(true);
        // At most one character of four bytes was left out that would nearly have fitted.
        if (kept !== whole) expect(Buffer.byteLength(kept)).toBeGreaterThan(USER_AGENT_BYTES_MAX / 2 - 4);
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe("The address of a use", () => {
  it.each([
    ["the longest one", "2001:db8:aaaa:bbbb:cccc:dddd:255.255.255.255", true],
    ["one with a zone", "fe80::1%eth0", true],
    ["one with a zone of any length", `fe80::1%${"z".repeat(100)}`, false],
  ])("%s: %s is kept: %s", async (_, address, isKept) => {
    expect((await keptOf({ address })).address).toBe(isKept ? address : "");
  });
});
