// HMAC-SHA-256 (RFC 2104) out of the one-shot hash. Node's own Hmac is an object in C++ for each text, which
// costs three times as much and as much again to be collected.
import { createHmac, hash } from "node:crypto";

const ALGORITHM = "sha256";
const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/** A longer text is left to node. An api_key is never as long. */
const TEXT_LENGTH_MAX = 256;
/** What a character of a text takes at most in UTF-8. */
const CHARACTER_BYTES_MAX = 3;

/** A secret under which many texts are authenticated. */
export class HmacSecret {
  readonly #secret: Buffer;
  /** The padded secret, and behind it room for what is hashed with it. */
  readonly #inner = Buffer.alloc(BLOCK_BYTES + TEXT_LENGTH_MAX * CHARACTER_BYTES_MAX);
  readonly #outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);

  constructor(secret: Buffer) {
    this.#secret = secret;
    // A secret that is longer than a block counts as its hash.
    const key = secret.length > BLOCK_BYTES ? hash(ALGORITHM, secret, "buffer") : secret;
    for (let at = 0; at < BLOCK_BYTES; at++) {
      const byte = key[at] ?? 0;
      this.#inner[at] = byte ^ INNER_PAD;
      this.#outer[at] = byte ^ OUTER_PAD;
    }
  }

  /** The MAC of a text in UTF-8. */
  macOf(text: string): Buffer {
    if (text.length > TEXT_LENGTH_MAX) {
      return createHmac(ALGORITHM, this.#secret).update(text, "utf8").digest();
    }
    const end = BLOCK_BYTES + this.#inner.write(text, BLOCK_BYTES, "utf8");
    // Digests as texts of one byte a character: a buffer of its own for each takes longer than the hash.
    const inner = hash(ALGORITHM, this.#inner.subarray(0, end), "latin1");
    this.#outer.write(inner, BLOCK_BYTES, "latin1");
    return Buffer.from(hash(ALGORITHM, this.#outer, "latin1"), "latin1");
  }
}
