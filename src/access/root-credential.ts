// Recognizes the root credential. Up to two are accepted, so that one can replace the other without a gap.
import { hash, timingSafeEqual } from "node:crypto";

/** Whether a text is a root credential. */
export type RootCredential = (presented: string) => boolean;

/**
 * Compares digests in constant time and always with all, so that time tells neither the text nor which one it
 * was.
 */
export function rootCredential(keys: readonly string[]): RootCredential {
  const digests = keys.map(digest);
  return (presented) => {
    const candidate = digest(presented);
    return digests.filter((known) => timingSafeEqual(known, candidate)).length > 0;
  };
}

function digest(text: string): Buffer {
  return Buffer.from(hash("sha256", text, "latin1"), "latin1");
}
