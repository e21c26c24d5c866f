// CRC-32 (that of zip and Ethernet) of short texts. node:zlib has one, whose call alone takes several times
// as long as this does for an api_key.

/** The polynomial, bits in the reverse order. */
const POLYNOMIAL = 0xedb88320;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
  return rest;
});

/** Of the first `length` characters, which have to be ASCII. */
export function crc32OfAscii(text: string, length = text.length): number {
  let rest = -1;
  for (let at = 0; at < length; at++) rest = (TABLE[(rest ^ text.charCodeAt(at)) & 0xff] ?? 0) ^ (rest >>> 8);
  return (rest ^ -1) >>> 0;
}
