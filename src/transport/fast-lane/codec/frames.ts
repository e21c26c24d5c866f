// The frames of gRPC's messages: one byte of flags, four of length, the message. Whole ones are taken out of
// chunks that begin and end anywhere.

export const FRAME_BYTES = 5;
/** The one flag that gRPC has. */
export const COMPRESSED = 1;

/** A message behind its frame. */
export function frame(message: Uint8Array, flags = 0): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_BYTES + message.length);
  bytes.writeUInt8(flags, 0);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, FRAME_BYTES);
  return bytes;
}

/** Keeps what has come of a message until the rest is there. */
export class FrameReader {
  #parts: Buffer[] = [];
  #have = 0;
  /** How many bytes there must be to say or to do more. */
  #need = FRAME_BYTES;

  /** Whether a message has begun and not ended. */
  get isInside(): boolean {
    return this.#have > 0;
  }

  /** What has come so far, once it is worth looking at. Whatever is left of it comes back by `keep`. */
  join(chunk: Buffer): Buffer | undefined {
    if (this.#have === 0) return chunk;
    this.#parts.push(chunk);
    this.#have += chunk.length;
    // Not sooner: joining a long message for each of its small parts would copy it as often.
    if (this.#have < this.#need) return undefined;
    const joined = Buffer.concat(this.#parts, this.#have);
    this.#parts = [];
    this.#have = 0;
    this.#need = FRAME_BYTES;
    return joined;
  }

  /** Keeps the beginning of a message; `need` is how long it is, as far as that can be told. */
  keep(rest: Buffer, need: number): void {
    this.#need = need;
    this.#have = rest.length;
    if (rest.length > 0) this.#parts = [rest];
  }
}
