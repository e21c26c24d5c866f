// Where a walk through a listing stands, as text that the client hands back. It is sealed by a MAC over the
// query and the position, so that one that was changed, or is from another query, is recognized and not
// guessed at.
import { createHmac, timingSafeEqual } from "node:crypto";
import { deriveKey, type Pepper, type PepperSet } from "../domain/api-key/digests.ts";

/** A longer text is not a page token. */
export const PAGE_TOKEN_LENGTH_MAX = 512;

/** Parts of a position; each listing has its own. */
export type PagePosition = readonly (string | number)[];

/** Seals a position. `query` names the listing and its filters. */
export function formatPageToken(peppers: PepperSet, query: string, position: PagePosition): string {
  const body = JSON.stringify([peppers.current.version, ...position]);
  return formatToken(body, seal(peppers.current, query, body));
}

/**
 * Opens a token; undefined when it is not one of this query's. Any accepted pepper will do, so rotation
 * breaks none.
 */
export function parsePageToken(peppers: PepperSet, query: string, token: string): PagePosition | undefined {
  if (token.length > PAGE_TOKEN_LENGTH_MAX) return undefined;
  const [encoded = "", sealed = ""] = token.split(".", 2);
  const body = Buffer.from(encoded, "base64url").toString();
  const presented = Buffer.from(sealed, "base64url");
  const version = Number.parseInt(body.slice(1), 10);
  const pepper = peppers.accepted.get(version);
  if (pepper === undefined || formatToken(body, presented) !== token) return undefined;
  const expected = seal(pepper, query, body);
  if (presented.length !== expected.length || !timingSafeEqual(presented, expected)) return undefined;
  return (JSON.parse(body) as PagePosition).slice(1);
}

// base64url has several spellings of the same bytes; only the one that was given out is taken back.
function formatToken(body: string, sealed: Buffer): string {
  return `${Buffer.from(body).toString("base64url")}.${sealed.toString("base64url")}`;
}

function seal(pepper: Pepper, query: string, body: string): Buffer {
  return createHmac("sha256", deriveKey(pepper, "page token"))
    .update(JSON.stringify([query, body]))
    .digest();
}
