// Covers fast-lane/codec/frames.ts: whatever the pieces, the bytes come out whole and in order, and are not
// copied again and again for a message in many pieces.
import fc from "fast-check";
import { expect, it } from "vitest";
import { FRAME_BYTES, FrameReader, frame } from "../../../../src/transport/fast-lane/codec/frames.ts";
import { propertyRuns } from "../../../domain/build.ts";
import { envelope } from "../../wire/grpc.ts";

/** Takes messages out as a call does. */
function readAll(reader: FrameReader, chunk: Buffer, messages: Buffer[]): number {
  const bytes = reader.join(chunk);
  if (bytes === undefined) return 0;
  let at = 0;
  let need = FRAME_BYTES;
  while (at + FRAME_BYTES <= bytes.length) {
    need = FRAME_BYTES + bytes.readUInt32BE(at + 1);
    if (at + need > bytes.length) break;
    messages.push(Buffer.from(bytes.subarray(at + FRAME_BYTES, at + need)));
    at += need;
    need = FRAME_BYTES;
  }
  reader.keep(bytes.subarray(at), need);
  return bytes === chunk ? 0 : bytes.length;
}

it("Messages come out as they went in, whatever the pieces.", () => {
  const anyMessages = fc.array(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
  fc.assert(
    fc.property(
      anyMessages,
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
      (messages, sizes) => {
        const bytes = Buffer.concat(messages.map((message) => frame(message)));
        const reader = new FrameReader();
        const read: Buffer[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          readAll(reader, bytes.subarray(at, at + size), read);
          at += size;
        }
        expect(read).toEqual(messages);
        expect(reader.isInside).toBe(false);
      },
    ),
    { numRuns: propertyRuns() },
  );
});

it("A long message byte by byte is copied twice at most.", () => {
  const bytes = frame(Buffer.alloc(50_000, 1));
  const reader = new FrameReader();
  const read: Buffer[] = [];
  let copied = 0;
  for (let at = 0; at < bytes.length; at++) copied += readAll(reader, bytes.subarray(at, at + 1), read);
  expect(read).toHaveLength(1);
  expect(copied).toBeLessThan(2 * bytes.length);
});

it("A message that is not whole is told of.", () => {
  const reader = new FrameReader();
  readAll(reader, frame(Buffer.alloc(9)).subarray(0, 7), []);
  expect(reader.isInside).toBe(true);
});

it("A frame is flags, length and message.", () => {
  expect(frame(Buffer.from("abc"), 1)).toEqual(envelope(Buffer.from("abc"), 1));
});
