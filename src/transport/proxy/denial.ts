// Refusals as a client hears them: a status, headers, and a body in the form of RFC 9457. A key that is
// not known, has ended or is switched off makes one and the same answer, so that nobody learns from it
// which api_keys there are, unless the operator lets the reason be told.
import type { DenialReason, Verdict } from "../../domain/verdict.ts";
import type { HeaderPair } from "./identity.ts";
import { limitHeaders, retryAfterSeconds } from "./limit-headers.ts";

export interface Denial {
  readonly status: 401 | 403 | 429;
  /** Why, for the proxy; whether the client is told is another matter. */
  readonly reason: string;
  readonly headers: readonly HeaderPair[];
  readonly body: string;
}

type Denied = Verdict & { readonly valid: false };

const CONTENT_TYPE: HeaderPair = ["content-type", "application/problem+json"];
const TITLES = { 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests" } as const;

/** What is told of a reason. */
interface Wording {
  readonly status: Denial["status"];
  /** Told in its place; absent: the reason itself. */
  readonly hiddenAs?: "KEY_INVALID" | "KEY_NOT_ALLOWED";
  readonly detail: string;
}

const HIDDEN = {
  KEY_INVALID: "the API key is not valid",
  KEY_NOT_ALLOWED: "the API key may not be used here",
} as const;

const WORDINGS: Readonly<Record<DenialReason, Wording>> = {
  malformed: { status: 401, hiddenAs: "KEY_INVALID", detail: "this is no API key" },
  unknown: { status: 401, hiddenAs: "KEY_INVALID", detail: "the API key is not known" },
  revoked: { status: 401, hiddenAs: "KEY_INVALID", detail: "the API key was revoked" },
  expired: { status: 401, hiddenAs: "KEY_INVALID", detail: "the API key has expired" },
  disabled: { status: 401, hiddenAs: "KEY_INVALID", detail: "the API key is switched off" },
  address_not_allowed: {
    status: 403,
    hiddenAs: "KEY_NOT_ALLOWED",
    detail: "the API key may not be used from this address",
  },
  wrong_type: { status: 403, hiddenAs: "KEY_NOT_ALLOWED", detail: "the API key is of another type" },
  insufficient_scope: { status: 403, detail: "the API key lacks a scope" },
  rate_limited: { status: 429, detail: "the API key is used too often" },
  quota_exceeded: { status: 429, detail: "the API key's quota is used up" },
};

function problem(
  status: Denial["status"],
  reason: string,
  detail: string,
  more?: Readonly<Record<string, unknown>>,
): string {
  return JSON.stringify({ title: TITLES[status], status, detail, reason, ...more });
}

function fixed(status: Denial["status"], reason: string, detail: string, challenge?: string): Denial {
  const headers = challenge === undefined ? [CONTENT_TYPE] : [CONTENT_TYPE, challengeOf(challenge)];
  return { status, reason, headers, body: problem(status, reason, detail) };
}

// Parameters of RFC 6750, section 3; without any where no key was shown.
function challengeOf(parameters: string): HeaderPair {
  return ["www-authenticate", parameters === "" ? "Bearer" : `Bearer ${parameters}`];
}

export const KEY_REQUIRED = fixed(
  401,
  "KEY_REQUIRED",
  "an API key is required: Authorization: Bearer, X-API-Key or apikey",
  "",
);
export const KEY_AMBIGUOUS = fixed(
  401,
  "KEY_AMBIGUOUS",
  "the headers do not hold exactly one API key",
  'error="invalid_request"',
);
export const HEADERS_REFUSED = fixed(
  403,
  "HEADERS_REFUSED",
  "the request has too many headers that begin with x-fleetkey",
);

/** No key is let through as long as what the route requires cannot be read. */
export function requirementsRefused(trouble: string): Denial {
  return fixed(403, "REQUIREMENTS_INVALID", `what this route requires cannot be read: ${trouble}`);
}

const FIXED = {
  told: new Map<DenialReason, Denial>(),
  hidden: new Map<DenialReason, Denial>(),
};
for (const [reason, { status, hiddenAs, detail }] of Object.entries(WORDINGS)) {
  if (hiddenAs === undefined) continue;
  const challenge = status === 401 ? 'error="invalid_token"' : undefined;
  const told = fixed(status, reason.toUpperCase(), detail, challenge);
  const hidden = { ...fixed(status, hiddenAs, HIDDEN[hiddenAs], challenge), reason: told.reason };
  FIXED.told.set(reason as DenialReason, told);
  FIXED.hidden.set(reason as DenialReason, hidden);
}

/** The refusal that this verdict is. */
export function denialOf(verdict: Denied, tellsReasons: boolean): Denial {
  const { reason: word } = verdict;
  const same = (tellsReasons ? FIXED.told : FIXED.hidden).get(word);
  if (same !== undefined) return same;
  const { status, detail } = WORDINGS[word];
  const reason = word.toUpperCase();
  if (word !== "insufficient_scope") {
    const seconds = retryAfterSeconds(verdict.limits);
    const retry: readonly HeaderPair[] = seconds === undefined ? [] : [["retry-after", String(seconds)]];
    const headers = [CONTENT_TYPE, ...retry, ...limitHeaders(verdict)];
    return { status, reason, headers, body: problem(status, reason, detail) };
  }
  const missing = verdict.missingScopes ?? [];
  // Scopes hold nothing that a quoted text could not.
  const challenge = challengeOf(`error="insufficient_scope", scope="${missing.join(" ")}"`);
  const body = problem(status, reason, detail, { missing_scopes: missing });
  return { status, reason, headers: [CONTENT_TYPE, challenge], body };
}
