// The credential in a request's headers. Whether it is a right one is root-credential.ts's.

/** What the headers hold: none, one, or something that cannot be one credential. */
export type PresentedCredential =
  | { readonly kind: "none" }
  | { readonly kind: "one"; readonly secret: string }
  | { readonly kind: "invalid" };

/** A longer text is not looked at. */
const CREDENTIAL_LENGTH_MAX = 512;

/**
 * Reads `Authorization: Bearer` and `X-API-Key`. Two that differ are refused, since nobody knows which is
 * meant.
 */
export function credentialOf(headers: { get(name: string): string | null }): PresentedCredential {
  const authorization = headers.get("authorization");
  const apiKey = headers.get("x-api-key");
  if (authorization === null && apiKey === null) return { kind: "none" };
  const bearer = authorization === null ? undefined : bearerOf(authorization);
  if (authorization !== null && bearer === undefined) return { kind: "invalid" };
  const secret = bearer ?? apiKey ?? "";
  const isAmbiguous = apiKey !== null && bearer !== undefined && apiKey !== bearer;
  // Headers that came twice are joined by a comma, which no credential holds.
  const isOne = secret !== "" && secret.length <= CREDENTIAL_LENGTH_MAX && !secret.includes(",");
  if (isAmbiguous || !isOne) return { kind: "invalid" };
  return { kind: "one", secret };
}

// The scheme is case-insensitive (RFC 9110, section 11.1).
function bearerOf(authorization: string): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization)?.[1];
}
