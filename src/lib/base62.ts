// Base62 in the order 0-9A-Za-z: fixed-width numbers, and unbiased characters from random bytes.
// It knows nothing of keys; domain/api-key builds its parts from it.
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The value of each digit, by its character code. */
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, ALPHABET.indexOf(String.fromCharCode(code))),
);

/**
 * The largest multiple of 62 that fits a byte: bytes from here on are drawn again, or some digits come up
 * more often.
 */
const UNBIASED_BYTE_MAX = 248;

/** Gives that many random bytes; `crypto.randomBytes` in the product, a seeded generator in tests. */
export type RandomBytes = (length: number) => Uint8Array;

/** Writes a whole number with exactly `width` digits, most significant first. */
export function encodeBase62(value: bigint, width: number): string {
  let rest = value;
  let digits = "";
  for (let position = 0; position < width; position++) {
    digits = ALPHABET.charAt(Number(rest % 62n)) + digits;
    rest /= 62n;
  }
  if (value < 0n || rest !== 0n) throw new RangeError(`value does not fit ${width} base62 digits`);
  return digits;
}

/** The number that base62 digits write; of at most eight digits, and exact. Others than digits count as 0. */
export function decodeBase62(digits: string): number {
  let value = 0;
  for (let at = 0; at < digits.length; at++) value = value * 62 + (DIGITS[digits.charCodeAt(at)] ?? 0);
  return value;
}

/** Draws `length` characters, each of the 62 equally likely (5.95 bits a character). */
export function randomBase62(length: number, randomBytes: RandomBytes): string {
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length - text.length)) {
      if (byte < UNBIASED_BYTE_MAX) text += ALPHABET.charAt(byte % 62);
    }
  }
  return text;
}

/** The first `width` base62 digits that the bytes determine, for ids derived from a hash. */
export function base62FromBytes(bytes: Uint8Array, width: number): string {
  const value = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  return encodeBase62(value % 62n ** BigInt(width), width);
}
