// The page_token of a listing: opened only for the query that it was given out for.
import type { PepperSet } from "../../domain/api-key/digests.ts";
import { type PagePosition, parsePageToken } from "../../store/page-token.ts";
import type { Violations } from "./violations.ts";

/** Names a listing and its filters; a token of another name is not accepted. */
export function listingName(listing: string, filters: Readonly<Record<string, unknown>>): string {
  return JSON.stringify([listing, filters]);
}

/** The position that the token stands for; undefined for the first page. */
export function checkPageToken(
  violations: Violations,
  peppers: PepperSet,
  name: string,
  token: string,
): PagePosition | undefined {
  if (token === "") return undefined;
  const position = parsePageToken(peppers, name, token);
  if (position === undefined)
    violations.add("page_token", "is not a token that this query was answered with");
  return position;
}
