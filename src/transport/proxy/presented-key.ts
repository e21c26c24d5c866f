// Which api_key a checked request presents, and in which of its headers. Whether it is a right one is
// app/verify's.
import type { CheckedHeaders } from "./checked-headers.ts";

/** Where a key can be, in the order of their bits in `places`. */
export const KEY_HEADERS = ["authorization", "x-api-key", "apikey"] as const;
const AUTHORIZATION = 1;
const X_API_KEY = 2;
const APIKEY = 4;

export type PresentedKey =
  | { readonly kind: "none" }
  | { readonly kind: "ambiguous" }
  /** One bit of `places` for each of KEY_HEADERS that holds it. */
  | { readonly kind: "one"; readonly apiKey: string; readonly places: number };

const NONE: PresentedKey = { kind: "none" };
const AMBIGUOUS: PresentedKey = { kind: "ambiguous" };

// Visible ASCII. Headers that came twice are joined by a comma, which no key holds.
const KEY_TEXT = /^[\x21-\x2b\x2d-\x7e]{1,512}$/;

/**
 * Two that differ are refused, since nobody knows which one the service would take. An Authorization of
 * another scheme is not Fleetkey's, and no key.
 */
export function presentedKey({ authorization, xApiKey, apikey }: CheckedHeaders): PresentedKey {
  const bearer = authorization === undefined ? undefined : bearerOf(authorization);
  const apiKey = bearer ?? xApiKey ?? apikey;
  if (apiKey === undefined) return NONE;
  const isTwo = (xApiKey !== undefined && xApiKey !== apiKey) || (apikey !== undefined && apikey !== apiKey);
  if (isTwo || !KEY_TEXT.test(apiKey)) return AMBIGUOUS;
  let places = bearer === undefined ? 0 : AUTHORIZATION;
  if (xApiKey !== undefined) places |= X_API_KEY;
  if (apikey !== undefined) places |= APIKEY;
  return { kind: "one", apiKey, places };
}

// The scheme is case-insensitive (RFC 9110, section 11.1). Without a key behind it it is an empty one.
function bearerOf(authorization: string): string | undefined {
  const end = authorization.indexOf(" ");
  const scheme = end < 0 ? authorization : authorization.slice(0, end);
  if (scheme.length !== "bearer".length || scheme.toLowerCase() !== "bearer") return undefined;
  return end < 0 ? "" : authorization.slice(end).trim();
}
