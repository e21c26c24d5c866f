// Lets a call in, or refuses it before its body is read, decompressed or parsed: who calls, and whether it
// may call this rpc at all.
import type { HandlerContext } from "@connectrpc/connect";
import { assertMayCall } from "../../access/authority.ts";
import { type Caller, sidecarCaller } from "../../access/caller.ts";
import { credentialOf, PROXY_CREDENTIAL } from "../../access/credentials.ts";
import { BY_POSSESSION, BY_PROXIES, RPC_SCOPES } from "../../access/rpc-scopes.ts";
import { type Authentication, credentialRequired } from "../../app/callers/authenticate-caller.ts";
import { FleetkeyError } from "../../domain/errors.ts";
import { ADMITTED_AT, CALLER, CALLER_AGAIN, CERTIFICATE, PEER_ADDRESS } from "./call-context.ts";
import { toConnectError } from "./errors.ts";

/** Asked before anything of a call is read. */
export type RequestGate = (context: HandlerContext) => void | Promise<void>;

/** The gate of the sidecar listener: whoever reaches it may verify, and nobody may do anything else. */
export function sidecarGate(): RequestGate {
  return (context) => {
    const caller = sidecarCaller(context.values.get(PEER_ADDRESS) || undefined);
    try {
      assertMayCall(caller, scopeOf(context));
    } catch (error) {
      throw error instanceof FleetkeyError ? toConnectError(error) : error;
    }
    admit(context, caller, async () => caller);
  };
}

/** Refuses by throwing. A wrong credential is refused even where none would be let in. */
export function requestGate(authentication: Authentication, callerHeaders: readonly string[]): RequestGate {
  const proxyHeaders = [...callerHeaders, PROXY_CREDENTIAL];
  return async (context) => {
    const headers = BY_PROXIES.has(rpcOf(context)) ? proxyHeaders : callerHeaders;
    const ask = async (isRepeated: boolean) => {
      try {
        return await admitted(authentication, headers, context, isRepeated);
      } catch (error) {
        throw error instanceof FleetkeyError ? toConnectError(error) : error;
      }
    };
    admit(context, await ask(false), () => ask(true));
  };
}

function admit({ values }: HandlerContext, caller: Caller, again: () => Promise<Caller>): void {
  values.set(CALLER, caller).set(CALLER_AGAIN, again).set(ADMITTED_AT, performance.now());
}

async function admitted(
  authentication: Authentication,
  callerHeaders: readonly string[],
  context: HandlerContext,
  isRepeated: boolean,
): Promise<Caller> {
  const { values, requestHeader } = context;
  const scope = scopeOf(context);
  const address = values.get(PEER_ADDRESS) || undefined;
  const credential = credentialOf(requestHeader, callerHeaders);
  const certificate = values.get(CERTIFICATE)();
  const caller = await authentication.authenticate({ credential, address, certificate, isRepeated });
  if (caller.id !== undefined) assertMayCall(caller, scope);
  else if (!BY_POSSESSION.has(rpcOf(context))) {
    throw authentication.refusal(address, credentialRequired("CREDENTIAL_REQUIRED"));
  }
  return caller;
}

function rpcOf({ service, method }: HandlerContext): string {
  return `${service.typeName}/${method.name}`;
}

// An rpc that nobody decided about is a bug, and closed.
function scopeOf(context: HandlerContext): string {
  const scope = RPC_SCOPES.get(rpcOf(context));
  if (scope === undefined) throw new Error(`no scope is said for ${rpcOf(context)}`);
  return scope;
}
