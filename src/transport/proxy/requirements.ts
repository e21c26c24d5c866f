// What a route requires of a key, from the texts of a proxy's configuration. The same few come with every
// request, so what they mean is remembered. A requirement that nobody can read makes no open route: it
// refuses.
import { LRUCache } from "lru-cache";
import { checkVerify } from "../../app/verify/verify-key.ts";
import { FleetkeyError } from "../../domain/errors.ts";
import type { KeyType } from "../../domain/key-type.ts";

export interface RouteRequirements {
  readonly requiredScopes: readonly string[];
  readonly expectedType: KeyType | undefined;
}

/** Why no key is let through. It is told to clients, so it repeats nothing of a text. */
export interface RouteTrouble {
  readonly trouble: string;
}

/** What is said of a route. Texts of one thing from several places are joined by commas. */
export interface RouteTexts {
  readonly scopes: string | undefined;
  readonly type: string | undefined;
}

export type Route = RouteRequirements | RouteTrouble;

const NO_REQUIREMENTS: RouteRequirements = { requiredScopes: [], expectedType: undefined };
/** More than any 64 scopes take. */
const TEXT_LENGTH_MAX = 10_000;
const ROUTES_MAX = 1_000;
const TROUBLES_MAX = 100;

export class KnownRoutes {
  readonly #routes = new LRUCache<string, Route>({ max: ROUTES_MAX });
  readonly #troubles = new LRUCache<string, RouteTrouble>({ max: TROUBLES_MAX });
  readonly #tell: (trouble: string) => void;

  /** `tell` hears of each kind of trouble once. */
  constructor(tell: (trouble: string) => void) {
    this.#tell = tell;
  }

  read({ scopes, type }: RouteTexts): Route {
    if (scopes === undefined && type === undefined) return NO_REQUIREMENTS;
    const length = (scopes?.length ?? 0) + (type?.length ?? 0);
    if (length > TEXT_LENGTH_MAX) return this.trouble("the requirements are too long");
    const text = `${scopes?.length} ${type?.length} ${scopes} ${type}`;
    const known = this.#routes.get(text);
    if (known !== undefined) return known;
    const route = this.#parse(scopes, type);
    this.#routes.set(text, route);
    return route;
  }

  trouble(trouble: string): RouteTrouble {
    const known = this.#troubles.get(trouble);
    if (known !== undefined) return known;
    this.#tell(trouble);
    const told = { trouble };
    this.#troubles.set(trouble, told);
    return told;
  }

  #parse(scopes: string | undefined, type: string | undefined): Route {
    const requiredScopes = scopes === undefined ? [] : partsOf(scopes);
    const types = type === undefined ? [] : partsOf(type);
    // An empty text is a slip, such as a variable that is not set: it must not open a route.
    if (scopes !== undefined && requiredScopes.length === 0) return this.trouble("no scope is named");
    if (type !== undefined && types.length === 0) return this.trouble("no type is named");
    if (new Set(types).size > 1) return this.trouble("a key has only one type");
    const [expectedType] = types;
    try {
      const nobody = { apiKey: "", clientAddress: "", userAgent: "" };
      const demand = checkVerify({ ...nobody, requiredScopes: [...new Set(requiredScopes)], expectedType });
      return { requiredScopes: demand.requiredScopes, expectedType: demand.expectedType };
    } catch (error) {
      if (error instanceof FleetkeyError) return this.trouble(error.message);
      throw error;
    }
  }
}

function partsOf(text: string): readonly string[] {
  return text.split(/[ ,]+/).filter((part) => part !== "");
}
