// Who asks over HTTP. The usual headers hold the key that is checked, so on the port that everybody calls
// a proxy shows its own credential in a header of its own, or a client certificate; on the sidecar's none
// is needed.
import { assertMayCall } from "../../access/authority.ts";
import { type Caller, sidecarCaller } from "../../access/caller.ts";
import { proxyCredentialOf } from "../../access/credentials.ts";
import { PROXY_SCOPE } from "../../access/rpc-scopes.ts";
import {
  type Authentication,
  credentialRequired,
  type Presented,
} from "../../app/callers/authenticate-caller.ts";
import type { HttpRequest } from "../http.ts";
import type { CheckedHeaders } from "../proxy/checked-headers.ts";

/** At once when memory is enough. Refuses by a FleetkeyError. */
export type AskingProxy = (request: HttpRequest, headers: CheckedHeaders) => Caller | Promise<Caller>;

export const askingSidecar: AskingProxy = ({ socket }) => sidecarCaller(socket.remoteAddress);

/** Wrong credentials are counted as those of any other call. */
export function askingProxy(
  authentication: Authentication,
  certificateOf: (socket: HttpRequest["socket"]) => Presented["certificate"],
): AskingProxy {
  const admitted = (caller: Caller): Caller => {
    if (caller.id === undefined) {
      throw authentication.refusal(caller.address, credentialRequired("CREDENTIAL_REQUIRED"));
    }
    assertMayCall(caller, PROXY_SCOPE);
    return caller;
  };
  return ({ socket }, { proxyCredential }) => {
    const credential = proxyCredentialOf(proxyCredential);
    const certificate = credential.kind === "none" ? certificateOf(socket) : undefined;
    const presented: Presented = { credential, address: socket.remoteAddress || undefined, certificate };
    const caller = authentication.recognize(presented);
    return caller === undefined ? authentication.authenticate(presented).then(admitted) : admitted(caller);
  };
}
