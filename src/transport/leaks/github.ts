// `POST /leaks/github`: where GitHub's secret scanning reports the api_keys that it finds in public (GitHub
// Docs, "Secret scanning partner program"). Who signed the bytes is asked before anything in them is looked
// at; what a report does to a key is app/leaks'. Neither tokens nor urls are logged or sent back.
import { createHash } from "node:crypto";
import { z } from "zod";
import { type Caller, githubCaller } from "../../access/caller.ts";
import { Violations } from "../../app/input/violations.ts";
import { LEAK_URL_BYTES_MAX, type ReportLeakResult, reportLeak } from "../../app/leaks/report-leak.ts";
import type { AppPorts } from "../../app/ports.ts";
import { FleetkeyError } from "../../domain/errors.ts";
import { BoundedQueue } from "../../lib/bounded-queue.ts";
import type { Log } from "../../observability/log.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../http.ts";
import { cutOff } from "../listener/unread-body.ts";
import { readBody } from "./bounded-body.ts";
import { type GithubKeys, isSigned } from "./github-keys.ts";

const PATH = "/leaks/github";
export const LEAKS_BYTES_MAX = 1_048_576;
export const LEAKS_MAX = 1_000;
/** GitHub waits 30 seconds for the answer to a report. */
const BODY_MS_MAX = 10_000;
/** How many keys are looked up at a time, so that one report does not take all of the store's connections. */
const RUNNING_MAX = 8;

export interface GithubLeaksOptions {
  readonly keys: GithubKeys;
  readonly log: Log;
  /** Answers every other path. */
  readonly next: HttpHandler;
  readonly bodyMsMax?: number;
}

/** Of what GitHub sends of a find, what is of use here; more may be there. */
const MATCHES = z.array(z.object({ token: z.string().min(1), type: z.string(), url: z.string().nullish() }));
type Match = z.output<typeof MATCHES>[number];

/** What GitHub wants to hear of a find. */
interface Feedback {
  readonly token_hash: string;
  readonly token_type: string;
  readonly label: "true_positive" | "false_positive";
}

const REFUSALS = {
  400: { code: "invalid_argument", message: "the body is not a JSON array of tokens with their types" },
  401: { code: "unauthenticated", message: "the body must be signed by GitHub" },
  405: { code: "unimplemented", message: "only POST" },
  408: { code: "canceled", message: "the body did not come in time" },
  413: { code: "resource_exhausted", message: "at most 1 MiB and 1,000 tokens" },
  500: { code: "internal", message: "internal error" },
  503: { code: "unavailable", message: "not all tokens could be looked at; send them again" },
} as const;

/** The handler of the path; hands everything else on. */
export function githubLeaks(ports: AppPorts, options: GithubLeaksOptions): HttpHandler {
  const { log, next } = options;
  return (request, response) => {
    if (request.url?.split("?", 1)[0] !== PATH) return next(request, response);
    answer(ports, options, request, response).catch((bug) => {
      log.error({ err: bug }, "bug");
      if (!response.headersSent) refuse(response, 500);
    });
  };
}

async function answer(
  ports: AppPorts,
  { keys, log, bodyMsMax: msMax = BODY_MS_MAX }: GithubLeaksOptions,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  if (request.method !== "POST") return refuse(response, 405, { allow: "POST" });
  const key = keys.get(headerOf(request, "github-public-key-identifier"));
  const signature = headerOf(request, "github-public-key-signature");
  if (key === undefined || signature === "") return refuse(response, 401);
  const caller = githubCaller(request.socket.remoteAddress);
  const body = await readBody(request, { bytesMax: LEAKS_BYTES_MAX, msMax });
  if (body === "gone") return;
  if (body === "too_large") return refuse(response, 413);
  if (body === "too_slow") return refuse(response, 408, {}, () => cutOff(request));
  if (!isSigned(key, body, signature)) return refuse(response, 401);
  const matches = parseMatches(body);
  if (matches === undefined) return refuse(response, 400);
  if (matches.length > LEAKS_MAX) return refuse(response, 413);
  const results = await reportAll(ports, caller, matches, log);
  if (results === undefined) return refuse(response, 503, { "retry-after": "1" });
  send(
    response,
    200,
    matches.map((match) => feedbackOn(match, results.get(match.token))),
  );
}

function parseMatches(body: Buffer): readonly Match[] | undefined {
  try {
    return MATCHES.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)));
  } catch {
    return undefined;
  }
}

// Undefined: some could not be looked at. The others were all the same, so that a repetition has less to do.
async function reportAll(
  ports: AppPorts,
  caller: Caller,
  matches: readonly Match[],
  log: Log,
): Promise<ReadonlyMap<string, ReportLeakResult> | undefined> {
  const queue = new BoundedQueue({ runningMax: RUNNING_MAX, waitingMax: LEAKS_MAX });
  const results = new Map<string, ReportLeakResult>();
  // One token can be found in many places; the first one is told.
  const unique = [...new Map(matches.toReversed().map((match) => [match.token, match])).values()];
  const reports = unique.map(({ token: apiKey, url }) =>
    queue.run(async () => {
      const input = { apiKey, source: "github", url: fitting(url ?? "") };
      results.set(apiKey, await reportLeak(ports, caller, input));
    }),
  );
  const failures = (await Promise.allSettled(reports)).filter((report) => report.status === "rejected");
  for (const { reason } of failures) if (!(reason instanceof FleetkeyError)) throw reason;
  if (failures[0] !== undefined)
    log.warn({ err: failures[0].reason.cause ?? failures[0].reason }, "unavailable");
  const found = [...results.values()];
  const revoked = found.filter(({ revoked: isRevoked }) => isRevoked).length;
  const known = found.filter(({ keyId }) => keyId !== "").length;
  log.info({ tokens: unique.length, known, revoked, failed: failures.length }, "leaks reported by GitHub");
  return failures.length === 0 ? results : undefined;
}

// Where a key was found is worth less than its revocation: a url that cannot be kept is left out.
function fitting(url: string): string {
  const violations = new Violations();
  violations.text("url", url, { bytesMax: LEAK_URL_BYTES_MAX });
  return violations.isEmpty ? url : "";
}

function feedbackOn({ token, type }: Match, result: ReportLeakResult | undefined): Feedback {
  return {
    token_hash: createHash("sha256").update(token).digest("hex"),
    token_type: type,
    label: result !== undefined && result.keyId !== "" ? "true_positive" : "false_positive",
  };
}

/** Of several headers of a name node makes one text, which is no identifier and no signature. */
function headerOf(request: HttpRequest, name: string): string {
  return String(request.headers[name] ?? "");
}

type Headers = Readonly<Record<string, string>>;

function refuse(
  response: HttpResponse,
  status: keyof typeof REFUSALS,
  headers?: Headers,
  onSent?: () => void,
): void {
  send(response, status, REFUSALS[status], headers, onSent);
}

// `onSent` goes to `end`, since in HTTP/2 node's "finish" waits for the sender to end, too.
function send(
  response: HttpResponse,
  status: number,
  body: object,
  headers: Headers = {},
  onSent?: () => void,
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body), onSent);
}
