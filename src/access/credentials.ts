// The credential in a request's headers. Whether it is a right one is app/callers'.

/** What the headers hold: none, one, or something that cannot be one credential. */
export type PresentedCredential =
  | { readonly kind: "none" }
  | { readonly kind: "one"; readonly secret: string }
  | { readonly kind: "invalid" };

/** A longer text is not looked at. */
const CREDENTIAL_LENGTH_MAX = 512;
const AUTHORIZATION = "authorization";
const API_KEY = "x-api-key";
/**
 * Where a proxy shows who it is itself, when it asks about the key in the other headers. With the scheme
 * Bearer or, as some proxies can only set whole values, without.
 */
export const PROXY_CREDENTIAL = "x-fleetkey-authorization";

/**
 * Reads `Authorization: Bearer`, `X-API-Key` and the headers of `more`, which hold nothing but the
 * credential. Two that differ are refused, since nobody knows which is meant.
 */
export function credentialOf(
  headers: { get(name: string): string | null },
  more: readonly string[] = [],
): PresentedCredential {
  const authorization = headers.get(AUTHORIZATION);
  let secret = authorization === null ? null : bearerOf(authorization);
  let isOne = true;
  const add = (value: string | null | undefined) => {
    if (value === null) return;
    isOne &&= secret === null || secret === value;
    secret = value;
  };
  add(headers.get(API_KEY));
  for (const name of more) {
    const value = headers.get(name);
    add(name === PROXY_CREDENTIAL && value !== null ? (bearerOf(value) ?? value) : value);
  }
  return isOne ? onlyOf(secret) : INVALID;
}

/** Of a header of this name alone. */
export function proxyCredentialOf(value: string | undefined): PresentedCredential {
  return onlyOf(value === undefined ? null : (bearerOf(value) ?? value));
}

function onlyOf(secret: string | null | undefined): PresentedCredential {
  if (secret === null) return NONE;
  return secret !== undefined && isCredential(secret) ? { kind: "one", secret } : INVALID;
}

const NONE: PresentedCredential = { kind: "none" };
const INVALID: PresentedCredential = { kind: "invalid" };

// Headers that came twice are joined by a comma, which no credential holds.
function isCredential(text: string): boolean {
  return text !== "" && text.length <= CREDENTIAL_LENGTH_MAX && !text.includes(",");
}

// The scheme is case-insensitive (RFC 9110, section 11.1).
function bearerOf(authorization: string): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization)?.[1];
}
