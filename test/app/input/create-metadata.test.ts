// Covers metadata: kept as given, byte for byte, whatever its names are, within its bounds in size and
// depth; what JSON text cannot carry unharmed is refused.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkMetadata } from "../../../src/app/input/key-fields.ts";
import { Violations } from "../../../src/app/input/violations.ts";
import { createKey } from "../../../src/app/keys/create-key.ts";
import { propertyRuns } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { violationsOf } from "../outcomes.ts";
import { createInput } from "../requests.ts";
import { create, openWorld, ROOT, stored } from "../world.ts";

const BYTES_MAX = 8_192;
const DEPTH_MAX = 16;

/** `{"a":"…"}` of that many bytes as JSON. */
function metadataOf(bytes: number, filler = "x"): object {
  const room = bytes - Buffer.byteLength('{"a":""}');
  return { a: filler.repeat(Math.floor(room / Buffer.byteLength(filler))) };
}

/** Objects in objects, that many levels. */
function nested(depth: number, wrap: (inner: unknown) => unknown = (inner) => ({ a: inner })): unknown {
  let value: unknown = "leaf";
  for (let level = 0; level < depth; level++) value = wrap(value);
  return value;
}

onEachStore("Metadata is kept as it was given", (open) => {
  it.each([
    "{}",
    '{"__proto__":{"admin":true},"constructor":{"prototype":1}}',
    '{"toJSON":"x","hasOwnProperty":null,"":1}',
    '{"$where":"1","$set":{"a.b":1},"a.b":2,"_id":3}',
    '{"a":[1,-1.5,1e300,null,false,[],{}]}',
    '{"2":"b","1":"a"}',
    '{"a":"\\u0000 \\" \\\\ é 😀"}',
  ])("%s", async (text) => {
    const { ports } = await open();
    const metadata = JSON.parse(text) as unknown;
    const { key } = await create(ports, { metadata });
    expect(key.metadata).toBe(JSON.stringify(metadata));
    expect((await stored(ports, key.keyId)).metadata).toBe(key.metadata);
    expect(Object.prototype).not.toHaveProperty("admin");
  });
});

describe("The bounds of metadata", () => {
  it.each([
    [`${BYTES_MAX} bytes`, metadataOf(BYTES_MAX)],
    [`${BYTES_MAX} bytes of two-byte characters`, metadataOf(BYTES_MAX, "é")],
    [`${DEPTH_MAX} levels of maps`, nested(DEPTH_MAX)],
    [`${DEPTH_MAX} levels, a map of lists`, { a: nested(DEPTH_MAX - 1, (inner) => [inner]) }],
  ])("let in %s", async (_, metadata) => {
    const { ports } = await openWorld();
    expect((await create(ports, { metadata })).key.metadata).toBe(JSON.stringify(metadata));
  });

  const SIZE = "must be at most 8192 bytes as JSON";
  const DEPTH = "must be at most 16 levels deep";
  it.each([
    [`${BYTES_MAX + 1} bytes`, metadataOf(BYTES_MAX + 1), SIZE],
    [`${BYTES_MAX + 2} bytes of two-byte characters`, metadataOf(BYTES_MAX + 2, "é"), SIZE],
    ["quotes that take two bytes each in JSON", metadataOf(BYTES_MAX, '"'), SIZE],
    [`${DEPTH_MAX + 1} levels of maps`, nested(DEPTH_MAX + 1), DEPTH],
    [`${DEPTH_MAX + 1} levels, a map of lists`, { a: nested(DEPTH_MAX, (inner) => [inner]) }, DEPTH],
    ["100,000 levels", nested(100_000), DEPTH],
    ["NaN", { a: [Number.NaN] }, "must hold finite numbers"],
    ["an infinite number", { a: { b: Number.NEGATIVE_INFINITY } }, "must hold finite numbers"],
    ["a lone surrogate in a text", { a: ["\ud800"] }, "must hold well-formed Unicode"],
    ["a lone surrogate in a name", { a: { "\udfff": 1 } }, "must hold well-formed Unicode"],
  ])("refuse %s", async (_, metadata, description) => {
    const { ports } = await openWorld();
    const violations = await violationsOf(createKey(ports, ROOT, createInput({ metadata })));
    expect(violations).toEqual([{ field: "metadata", description }]);
  });

  it("Whatever passes comes back the same, and whatever does not is a violation, never an exception.", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.anything({ maxDepth: 4 })), (metadata) => {
        fc.pre(isJson(metadata));
        const violations = new Violations();
        const text = checkMetadata(violations, metadata);
        if (text !== undefined) expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(metadata)));
      }),
      { numRuns: propertyRuns() },
    );
  });
});

/** What a protobuf Struct can hold. */
function isJson(value: unknown): boolean {
  if (value === null || ["string", "number", "boolean"].includes(typeof value)) return true;
  if (typeof value !== "object") return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every(isJson);
}
