// Lets web pages of listed origins call (the Fetch standard, section 3.3). What a page of another origin asks
// is answered as anybody's, without the headers that would let it read the answer.
import { cors } from "@connectrpc/connect";
import type { HttpHandler } from "./http.ts";

/** How long a browser may remember a preflight; the most that any takes is a day, Chromium two hours. */
const PREFLIGHT_S_MAX = 7_200;

const ALLOWED_HEADERS = [...cors.allowedHeaders, "Authorization", "X-API-Key"];
const EXPOSED_HEADERS = [...cors.exposedHeaders, "Retry-After", "WWW-Authenticate"].join(", ");

export interface CorsOptions {
  /** None: nothing is answered otherwise than to anybody. */
  readonly corsOrigins: ReadonlySet<string>;
  /** Names of more headers that can hold a caller's credential. */
  readonly callerHeaders: readonly string[];
}

/**
 * Answers the preflights of the origins and marks the answers of `next` to them. Credentials come in headers
 * that a page sets itself, so nothing that a browser adds on its own is allowed
 * (no Access-Control-Allow-Credentials).
 */
export function withCors(
  { corsOrigins: origins, callerHeaders }: CorsOptions,
  next: HttpHandler,
): HttpHandler {
  if (origins.size === 0) return next;
  const allowedHeaders = [...ALLOWED_HEADERS, ...callerHeaders].join(", ");
  return (request, response) => {
    // On every answer: it would be another one for another origin.
    response.setHeader("vary", "Origin");
    const { origin } = request.headers;
    if (origin === undefined || !origins.has(origin)) return next(request, response);
    response.setHeader("access-control-allow-origin", origin);
    const isPreflight =
      request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
    if (isPreflight) {
      response.setHeader("access-control-allow-methods", cors.allowedMethods.join(", "));
      response.setHeader("access-control-allow-headers", allowedHeaders);
      response.setHeader("access-control-max-age", String(PREFLIGHT_S_MAX));
      response.writeHead(204).end();
      return undefined;
    }
    response.setHeader("access-control-expose-headers", EXPOSED_HEADERS);
    return next(request, response);
  };
}
