// The query of exactly /authz: what the route requires, and for which proxy the answer is. It is a proxy's
// configuration, so its few texts are remembered. Below /authz/ the query is the client's own, and not
// looked at.
import { LRUCache } from "lru-cache";

export interface RouteQuery {
  readonly scopes: string | undefined;
  readonly type: string | undefined;
  /** nginx takes 401 and 403 for a refusal and every other one for an outage. */
  readonly isNginx: boolean;
  /** Why it cannot be read. */
  readonly trouble: string | undefined;
}

export const NO_QUERY: RouteQuery = {
  scopes: undefined,
  type: undefined,
  isNginx: false,
  trouble: undefined,
};
/** Longer ones come from no configuration. */
const TEXT_LENGTH_MAX = 8_192;
const QUERIES_MAX = 1_000;

export class KnownQueries {
  readonly #known = new LRUCache<string, RouteQuery>({ max: QUERIES_MAX });

  read(text: string): RouteQuery {
    if (text === "") return NO_QUERY;
    if (text.length > TEXT_LENGTH_MAX) return { ...NO_QUERY, trouble: "the query is too long" };
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const query = parseQuery(text);
    this.#known.set(text, query);
    return query;
  }
}

function parseQuery(text: string): RouteQuery {
  const parameters = new URLSearchParams(text);
  const modes = parameters.getAll("mode");
  const isNginx = modes.includes("nginx");
  const names = [...parameters.keys()];
  // A misspelled requirement must not make an open route.
  if (!names.every((name) => name === "scopes" || name === "type" || name === "mode")) {
    return { ...NO_QUERY, isNginx, trouble: "the query may hold scopes, type and mode only" };
  }
  if (!modes.every((mode) => mode === "nginx")) {
    return { ...NO_QUERY, isNginx, trouble: "the only mode is nginx" };
  }
  return {
    scopes: joined(parameters, "scopes"),
    type: joined(parameters, "type"),
    isNginx,
    trouble: undefined,
  };
}

function joined(parameters: URLSearchParams, name: string): string | undefined {
  return parameters.has(name) ? parameters.getAll(name).join(",") : undefined;
}
