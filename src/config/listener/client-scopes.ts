// From the text of FLEETKEY_TLS_CLIENT_SCOPES to a map from the names in client certificates to scopes. How a
// name is found in a certificate is transport/tls/client-certificate.ts's.
import { SCOPES_MAX, scopeTrouble } from "../../domain/grant/scope.ts";
import { type ClientScopes, isClientName } from "../../transport/tls/client-certificate.ts";

/** `spiffe://cluster.local/ns/shop/sa/checkout=fleetkey:verify,gateway.internal=fleetkey:verify a:read` */
export function parseClientScopes(text: string): ClientScopes {
  const clients = text.split(",").map((part) => {
    const [name = "", list, ...rest] = part.trim().split("=");
    if (list === undefined || rest.length > 0) throw new Error("must be name=scope scope,name=scope");
    if (!isClientName(name)) {
      throw new Error("a name must be a SPIFFE id or a DNS name in small letters, without wildcards");
    }
    return [name, parseScopes(name, list)] as const;
  });
  if (new Map(clients).size < clients.length) throw new Error("must not hold a name twice");
  return new Map(clients);
}

function parseScopes(name: string, list: string): readonly string[] {
  const scopes = list.split(" ").filter((scope) => scope !== "");
  // A name that may do nothing is a slip: its certificate would count as a credential of no use.
  if (scopes.length === 0 || scopes.length > SCOPES_MAX) {
    throw new Error(`${name} must have 1 to ${SCOPES_MAX} scopes`);
  }
  for (const scope of scopes) {
    const trouble = scopeTrouble(scope);
    if (trouble !== undefined) throw new Error(`a scope of ${name} ${trouble}`);
  }
  return scopes;
}
