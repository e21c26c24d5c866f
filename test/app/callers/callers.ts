// Callers that are keys, got the way they come about: a key is created or imported, and its api_key is shown.
// And a store that notes what is asked of it, to tell whether two answers cost the same.
import type { Caller } from "../../../src/access/caller.ts";
import { FailedAttempts } from "../../../src/access/failed-attempts.ts";
import { rootCredential } from "../../../src/access/root-credential.ts";
import { type Authentication, callerAuthentication } from "../../../src/app/callers/authenticate-caller.ts";
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import type { VerifyKeyInput } from "../../../src/app/verify/verify-key.ts";
import type { KeyType } from "../../../src/domain/key-type.ts";
import type { Owner } from "../../../src/domain/principal.ts";
import type { Store } from "../../../src/store/store.ts";
import { type CreatedKey, create } from "../world.ts";

export const ROOT_KEYS = ["first-root-credential-for-tests-0001", "second-root-credential-for-tests-002"];
export const ADDRESS = "192.0.2.9";
/** Everything that a caller may hold without being an administrator. */
export const ALL_CALLS = ["create", "read", "update", "refresh", "revoke", "import", "verify"].map(
  (name) => `fleetkey:${name}`,
);

/** Shows credentials as a request would, from ADDRESS. */
export interface Door extends Authentication {
  readonly attempts: FailedAttempts;
  show(secret: string, address?: string): Promise<Caller>;
}

export function doorOf(ports: AppPorts, attemptsMax = 60): Door {
  const attempts = new FailedAttempts(attemptsMax);
  const authentication = callerAuthentication(ports, { isRoot: rootCredential(ROOT_KEYS), attempts });
  return {
    ...authentication,
    attempts,
    show: (secret, address = ADDRESS) =>
      authentication.authenticate({ credential: { kind: "one", secret }, address }),
  };
}

/** What Create is asked for a key of this owner, of the type that fits it best. */
export function ownedBy({ userId, organizationId, serviceAccountId }: Owner): Partial<CreateKeyInput> {
  const type: KeyType = serviceAccountId
    ? "service"
    : userId
      ? "user"
      : organizationId
        ? "organization"
        : "publishable";
  return {
    type,
    userId: userId ?? "",
    organizationId: organizationId ?? "",
    serviceAccountId: serviceAccountId ?? "",
  };
}

export interface CallingKey extends CreatedKey {
  readonly caller: Caller;
}

/** Creates a key of this owner and lets it in. */
export async function callerOf(
  ports: AppPorts,
  owner: Owner,
  overrides: Partial<CreateKeyInput> = {},
): Promise<CallingKey> {
  const created = await create(ports, { scopes: ALL_CALLS, ...ownedBy(owner), ...overrides });
  return { ...created, caller: await doorOf(ports).show(created.apiKey) };
}

/** A caller of the service's own kind: not bound, since it carries a service account alone. */
export const OPERATOR: Owner = { serviceAccountId: "operator" };

/** The same ports; the methods of the store that are called go into the list, as `keys.read`. */
export function noting(ports: AppPorts): { readonly ports: AppPorts; readonly calls: string[] } {
  const calls: string[] = [];
  const noted = (part: object, path: string) =>
    new Proxy(part, {
      get: (_, name) => {
        const value: unknown = Reflect.get(part, name);
        if (typeof value !== "function") return value;
        return (...values: unknown[]) => {
          calls.push(`${path}.${String(name)}`);
          return value.apply(part, values);
        };
      },
    });
  const store = new Proxy(ports.store, {
    get: (real, name) => {
      const value: unknown = Reflect.get(real, name);
      return typeof value === "object" && value !== null ? noted(value, String(name)) : value;
    },
  });
  return { ports: { ...ports, store: store as Store }, calls };
}

/** The methods that change nothing. */
const READS = ["keys.read", "keys.list", "keys.readRequest", "keys.readSlotHolder"].concat([
  "principals.read",
  "principals.readMany",
  "usage.readMany",
  "events.list",
]);

/** Those of the calls that write, or could. */
export function writesOf(calls: readonly string[]): readonly string[] {
  return calls.filter((call) => !READS.includes(call));
}

/** What Verify is asked. */
export function verifyInput(apiKey: string, overrides: Partial<VerifyKeyInput> = {}): VerifyKeyInput {
  return {
    apiKey,
    expectedType: undefined,
    requiredScopes: [],
    clientAddress: "",
    userAgent: "",
    ...overrides,
  };
}
