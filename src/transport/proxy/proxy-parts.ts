// What both forms of asking need: the use cases, what the operator decided, and what is remembered from one
// request to the next.
import type { AppPorts } from "../../app/ports.ts";
import { Identities } from "./identity.ts";
import { KnownRoutes } from "./requirements.ts";

/** What the operator decided about proxies. */
export interface ProxyPolicy {
  /** How many proxies add to x-forwarded-for before Fleetkey is asked; 0: the header is not looked at. */
  readonly trustedHops: number;
  /** Whether clients hear why their key is refused. */
  readonly tellsReasons: boolean;
  /** Whether the key is taken away before the request goes to the service. */
  readonly stripsKey: boolean;
  /** Names of the headers that may say what a route requires. */
  readonly requirementHeaders: ReadonlySet<string>;
}

export interface ProxyParts {
  readonly ports: AppPorts;
  readonly policy: ProxyPolicy;
  readonly routes: KnownRoutes;
  readonly identities: Identities;
}

/** `tell` hears of requirements that cannot be read. */
export function proxyParts(
  ports: AppPorts,
  policy: ProxyPolicy,
  tell: (trouble: string) => void,
): ProxyParts {
  return {
    ports,
    policy,
    routes: new KnownRoutes(tell),
    identities: new Identities(ports.policy.roles, policy.stripsKey),
  };
}
