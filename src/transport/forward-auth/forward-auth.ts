// `/authz` and what is below it: where proxies that cannot speak gRPC ask about each request, with any
// method and the client's own headers. A body is not read. It stands in front of all other handlers:
// nothing that they answer (a preflight with 204, say) may be taken for leave to let a request through.
import type { Caller } from "../../access/caller.ts";
import { judgeKey } from "../../app/verify/verify-key.ts";
import { FleetkeyError } from "../../domain/errors.ts";
import type { Log } from "../../observability/log.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../http.ts";
import { CheckedHeaders, REQUIREMENT_HEADERS } from "../proxy/checked-headers.ts";
import { demandOf } from "../proxy/demand.ts";
import type { ProxyParts, ProxyPolicy } from "../proxy/proxy-parts.ts";
import type { KnownRoutes, Route } from "../proxy/requirements.ts";
import { denialAnswer, failureAnswer, foldedForNginx, type HttpAnswer, verdictAnswer } from "./answers.ts";
import type { AskingProxy } from "./asking-proxy.ts";
import { KnownQueries, NO_QUERY, type RouteQuery } from "./query.ts";

const PATH = "/authz";

export interface ForwardAuthOptions {
  readonly parts: ProxyParts;
  readonly log: Log;
  /** Who asks. */
  readonly asking: AskingProxy;
  /** Answers every other path. */
  readonly next: HttpHandler;
}

/** The handler of the paths; hands everything else on. */
export function forwardAuth(options: ForwardAuthOptions): HttpHandler {
  const queries = new KnownQueries();
  return (request, response) => {
    const query = queryOf(request.url ?? "", queries);
    if (query === undefined) return options.next(request, response);
    const call = new Call(options, query, request, response);
    try {
      const answer = call.answer();
      if (!(answer instanceof Promise)) return call.write(answer);
      answer.then((known) => call.write(known)).catch((error) => call.fail(error));
    } catch (error) {
      call.fail(error);
    }
  };
}

/** Undefined: another path. */
function queryOf(url: string, queries: KnownQueries): RouteQuery | undefined {
  if (!url.startsWith(PATH)) return undefined;
  if (url.length === PATH.length || url[PATH.length] === "/") return NO_QUERY;
  return url[PATH.length] === "?" ? queries.read(url.slice(PATH.length + 1)) : undefined;
}

class Call {
  readonly #options: ForwardAuthOptions;
  readonly #query: RouteQuery;
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  readonly #startedAt = performance.now();
  #callerId: string | undefined;

  constructor(options: ForwardAuthOptions, query: RouteQuery, request: HttpRequest, response: HttpResponse) {
    this.#options = options;
    this.#query = query;
    this.#request = request;
    this.#response = response;
  }

  /** At once, when what is held in memory is enough. */
  answer(): HttpAnswer | Promise<HttpAnswer> {
    const headers = headersOf(this.#request);
    const caller = this.#options.asking(this.#request, headers);
    return caller instanceof Promise
      ? caller.then((known) => this.#judge(known, headers))
      : this.#judge(caller, headers);
  }

  #judge(caller: Caller, headers: CheckedHeaders): HttpAnswer | Promise<HttpAnswer> {
    this.#callerId = caller.id;
    const { parts } = this.#options;
    const route = routeOf(this.#query, headers, parts.routes, parts.policy);
    // The peer is the proxy, never the client: a key must not work from anywhere because the proxy is near.
    const asked = demandOf(headers, route, undefined, parts.policy);
    if (!("demand" in asked)) return denialAnswer(asked);
    const verdict = judgeKey(parts.ports, caller, asked.demand);
    return verdict instanceof Promise
      ? verdict.then((known) => verdictAnswer(known, asked, parts))
      : verdictAnswer(verdict, asked, parts);
  }

  fail(error: unknown): void {
    const { log } = this.#options;
    if (!(error instanceof FleetkeyError)) log.error({ err: error, rpc: "forward-auth" }, "bug");
    else if (error.code === "unavailable") {
      log.warn({ err: error.cause ?? error, rpc: "forward-auth" }, "unavailable");
    }
    // A status that is out cannot be taken back, but half an answer lets nobody through.
    if (this.#response.headersSent) this.#response.destroy();
    else this.write(failureAnswer(error));
  }

  write(plain: HttpAnswer): void {
    const { status, headers, body } = this.#query.isNginx ? foldedForNginx(plain) : plain;
    const response = this.#response;
    // A proxy that says that there is a body and sends none would have its next request read as one.
    if (this.#request.httpVersionMajor === 1 && saysBody(this.#request)) {
      response.setHeader("connection", "close");
    }
    response.writeHead(status, headers);
    response.end(this.#request.method === "HEAD" ? undefined : body);
    const ms = Math.round((performance.now() - this.#startedAt) * 10) / 10;
    this.#options.log.debug({ rpc: "forward-auth", code: status, caller: this.#callerId, ms }, "call");
  }
}

function headersOf({ rawHeaders }: HttpRequest): CheckedHeaders {
  const headers = new CheckedHeaders();
  // Of several headers of a name node keeps the first, for some names.
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers.add(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  return headers;
}

function routeOf(
  { scopes, type, trouble }: RouteQuery,
  { requiredScopes, requiredType }: CheckedHeaders,
  routes: KnownRoutes,
  { requirementHeaders }: ProxyPolicy,
): Route {
  if (trouble !== undefined) return routes.trouble(trouble);
  if (requirementHeaders.size === 0) return routes.read({ scopes, type });
  const isRead = (name: string) => requirementHeaders.has(name);
  return routes.read({
    scopes: both(scopes, isRead(REQUIREMENT_HEADERS.scopes) ? requiredScopes : undefined),
    type: both(type, isRead(REQUIREMENT_HEADERS.type) ? requiredType : undefined),
  });
}

function both(one: string | undefined, other: string | undefined): string | undefined {
  return one === undefined || other === undefined ? (one ?? other) : `${one},${other}`;
}

function saysBody({ headers }: HttpRequest): boolean {
  const { "content-length": length = "0", "transfer-encoding": encoding } = headers;
  return length !== "0" || encoding !== undefined;
}
