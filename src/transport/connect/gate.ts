// Lets a call in, or refuses it before its body is read, decompressed or parsed.
import type { HandlerContext } from "@connectrpc/connect";
import { KeyService } from "../../../gen/fleetkey/v1/key_service_pb.js";
import { ROOT_CALLER_ID } from "../../access/caller.ts";
import { credentialOf } from "../../access/credentials.ts";
import type { RootCredential } from "../../access/root-credential.ts";
import { FleetkeyError } from "../../domain/errors.ts";
import { CALLER, PEER_ADDRESS } from "./call-context.ts";
import { toConnectError } from "./errors.ts";

/** Methods that the holder of an api_key may call with nothing else. Their messages are at most 4 KiB. */
const BY_POSSESSION: ReadonlySet<unknown> = new Set([KeyService.method.refresh, KeyService.method.revoke]);

/** Refuses by throwing. A wrong credential is refused even where none would be let in. */
export function requestGate(isRoot: RootCredential) {
  return (context: HandlerContext): void => {
    const address = context.values.get(PEER_ADDRESS) || undefined;
    const credential = credentialOf(context.requestHeader);
    if (credential.kind === "one" && isRoot(credential.secret)) {
      context.values.set(CALLER, { id: ROOT_CALLER_ID, address });
    } else if (credential.kind === "none" && BY_POSSESSION.has(context.method)) {
      context.values.set(CALLER, { id: undefined, address });
    } else {
      throw toConnectError(
        new FleetkeyError(
          "unauthenticated",
          "a valid credential is required: Authorization: Bearer or X-API-Key",
          {
            reason: credential.kind === "none" ? "CREDENTIAL_REQUIRED" : "CREDENTIAL_INVALID",
          },
        ),
      );
    }
  };
}
