// What a proxy is answered over HTTP, as data: 200 and nothing else lets a request through; 401, 403 and 429
// refuse it; 503 says that nobody knows.

import { FleetkeyError } from "../../domain/errors.ts";
import type { Verdict } from "../../domain/verdict.ts";
import { type Asked, removedNames } from "../proxy/demand.ts";
import { type Denial, denialOf } from "../proxy/denial.ts";
import type { HeaderPair, Identity } from "../proxy/identity.ts";
import { limitHeaders } from "../proxy/limit-headers.ts";
import type { ProxyParts } from "../proxy/proxy-parts.ts";

export interface HttpAnswer {
  readonly status: 200 | 401 | 403 | 429 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What Envoy takes away from the request; other proxies are configured to. */
const REMOVED = "x-envoy-auth-headers-to-remove";
/** The status that nginx would not pass on. */
const FOLDED_STATUS = "x-auth-status";

/** Answers that are the same from request to request, by `places`; gone with the identity. */
const ACCEPTED = new WeakMap<Identity, (HttpAnswer | undefined)[]>();

export function verdictAnswer(verdict: Verdict, asked: Asked, parts: ProxyParts): HttpAnswer {
  const { identities, policy } = parts;
  if (!verdict.valid) return denialAnswer(denialOf(verdict, policy.tellsReasons));
  const identity = identities.of(verdict.view);
  const limits = limitHeaders(verdict);
  const { places, claimed } = asked;
  if (limits.length > 0 || claimed.length > 0) return acceptedAnswer(identity, asked, limits);
  let known = ACCEPTED.get(identity);
  if (known === undefined) {
    known = [];
    ACCEPTED.set(identity, known);
  }
  const answer = known[places] ?? acceptedAnswer(identity, asked, limits);
  known[places] = answer;
  return answer;
}

export function denialAnswer({ status, headers, body }: Denial): HttpAnswer {
  return { status, headers: { ...Object.fromEntries(headers), "content-length": lengthOf(body) }, body };
}

/**
 * Who asks is not let in, or nobody knows. The client is not told 401, which would make it think of its own
 * key: what is wrong is between the proxy and Fleetkey.
 */
export function failureAnswer(error: unknown): HttpAnswer {
  const { code, details } = error instanceof FleetkeyError ? error : {};
  const retryAfterMs = details?.retryAfterMs ?? 1_000;
  const retry = { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) };
  switch (code) {
    case "unauthenticated":
      return trouble(403, "Forbidden", "PROXY_UNKNOWN", "the proxy has not shown who it is");
    case "permission_denied":
      return trouble(403, "Forbidden", "PROXY_REFUSED", "the proxy may not ask about keys");
    case "resource_exhausted":
      return trouble(429, "Too Many Requests", "PROXY_LIMITED", "the proxy has to wait", retry);
    default:
      return trouble(503, "Service Unavailable", "UNAVAILABLE", "keys cannot be checked now", retry);
  }
}

/** nginx takes all but 401 and 403 for an outage and answers 500. */
export function foldedForNginx(answer: HttpAnswer): HttpAnswer {
  if (answer.status !== 429) return answer;
  return { ...answer, status: 403, headers: { ...answer.headers, [FOLDED_STATUS]: "429" } };
}

function acceptedAnswer(identity: Identity, asked: Asked, limits: readonly HeaderPair[]): HttpAnswer {
  const headers = Object.fromEntries([
    ...identity.headers,
    ...limits,
    [REMOVED, removedNames(identity, asked).join(",")],
    ["content-length", "0"],
  ]);
  return { status: 200, headers, body: "" };
}

function trouble(
  status: 403 | 429 | 503,
  title: string,
  reason: string,
  detail: string,
  more: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const body = JSON.stringify({ title, status, detail, reason });
  const headers = { "content-type": "application/problem+json", "content-length": lengthOf(body), ...more };
  return { status, headers, body };
}

function lengthOf(body: string): string {
  return String(Buffer.byteLength(body));
}
