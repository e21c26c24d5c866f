// Which scope of Fleetkey's own each rpc needs, in one table. A test holds it against the contract: an rpc
// that is not here cannot be called, and fails the test.
import { OWN_SCOPES } from "../domain/grant/scope.ts";

const KEY_SERVICE = {
  Create: "create",
  Refresh: "refresh",
  Update: "update",
  Revoke: "revoke",
  RevokeAllForUser: "revoke",
  RevokeAllForOrganization: "revoke",
  RevokeAllForServiceAccount: "revoke",
  EraseUser: "admin",
  ReportLeak: "revoke",
  Import: "import",
  Verify: "verify",
  BatchVerify: "verify",
  VerifyStream: "verify",
  Watch: "read",
  Get: "read",
  List: "read",
} as const;
const EVENT_SERVICE = { ListEvents: "read" } as const;
/** What proxies ask: Envoy's name for it. */
const AUTHORIZATION = { Check: "verify" } as const;

/** The scope by `<service>/<rpc>`. */
export const RPC_SCOPES: ReadonlyMap<string, string> = new Map([
  ...rows("fleetkey.v1.KeyService", KEY_SERVICE),
  ...rows("fleetkey.v1.EventService", EVENT_SERVICE),
  ...rows("envoy.service.auth.v3.Authorization", AUTHORIZATION),
]);

/** What proxies ask about the requests of others, with a header of its own for who they are themselves. */
export const BY_PROXIES: ReadonlySet<string> = new Set(["envoy.service.auth.v3.Authorization/Check"]);
/** What all of that needs, in whatever form it is asked. */
export const PROXY_SCOPE = `${OWN_SCOPES}${AUTHORIZATION.Check}`;

/** What the holder of an api_key may call with nothing else. Their messages are at most 4 KiB. */
export const BY_POSSESSION: ReadonlySet<string> = new Set([
  "fleetkey.v1.KeyService/Refresh",
  "fleetkey.v1.KeyService/Revoke",
]);

function rows(
  service: string,
  scopes: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] {
  return Object.entries(scopes).map(([rpc, scope]) => [`${service}/${rpc}`, OWN_SCOPES + scope]);
}
