// SHA-256 over a list of fields, each preceded by its length, so that no two different lists hash alike
// ("ab","c" and "a","bc" differ). Every derived id of the project comes from here.
import { createHash } from "node:crypto";

/** Hashes the fields in order. The first one should name the use, which keeps uses apart from each other. */
export function hashFields(...fields: readonly string[]): Buffer {
  const hash = createHash("sha256");
  const length = Buffer.alloc(4);
  for (const field of fields) {
    const bytes = Buffer.from(field, "utf8");
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.digest();
}
