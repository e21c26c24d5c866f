// Covers lib/hmac.ts: it says what node's own Hmac says, for every secret and every text, in any order.
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { HmacSecret } from "../../src/lib/hmac.ts";
import { propertyRuns } from "../domain/build.ts";

const anySecret = fc.uint8Array({ minLength: 0, maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const anyText = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 300 }),
  // Lone surrogates too.
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
  fc.integer({ min: 250, max: 260 }).map((length) => "\u20ac".repeat(length)),
);

it("A MAC is the same as node's, whatever was authenticated before under the same secret.", () => {
  fc.assert(
    fc.property(anySecret, fc.array(anyText, { minLength: 1, maxLength: 4 }), (secret, texts) => {
      const mine = new HmacSecret(secret);
      for (const text of texts) {
        const nodes = createHmac("sha256", secret).update(text, "utf8").digest("hex");
        expect(mine.macOf(text).toString("hex")).toBe(nodes);
      }
    }),
    { numRuns: propertyRuns(300) },
  );
});

it("A MAC that was given out does not change with the next one.", () => {
  const secret = new HmacSecret(Buffer.alloc(32, 1));
  const first = secret.macOf("a");
  const before = first.toString("hex");
  secret.macOf("b");
  expect(first.toString("hex")).toBe(before);
});
