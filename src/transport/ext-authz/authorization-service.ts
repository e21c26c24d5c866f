// envoy.service.auth.v3.Authorization over Verify. A key that is refused is an answer; an error is only for
// trouble of Fleetkey's own, because proxies can be told to go on when there is one.
import type { ServiceImpl } from "@connectrpc/connect";
import type {
  Authorization,
  CheckRequest,
  CheckResponse,
} from "../../../gen/envoy/service/auth/v3/external_auth_pb.js";
import type { Caller } from "../../access/caller.ts";
import { judgeKey } from "../../app/verify/verify-key.ts";
import { callerOf } from "../connect/call-context.ts";
import type { ProxyParts } from "../proxy/proxy-parts.ts";
import { checkResponse, deniedResponse } from "./check-answers.ts";
import { readCheck } from "./read-check.ts";

/**
 * Largest CheckRequest. Envoy lets a client send 60 KiB of headers when nothing else is said, and may add as
 * much of path, body and certificate again: a larger message is an error, not a refusal.
 */
export const CHECK_REQUEST_BYTES_MAX = 1_048_576;

export function authorizationService(parts: ProxyParts): ServiceImpl<typeof Authorization> {
  return { check: async (request, context) => answerCheck(parts, callerOf(context.values), request) };
}

/** At once, when what is held in memory is enough. Rejects with `unavailable`. */
export function answerCheck(
  parts: ProxyParts,
  caller: Caller,
  request: CheckRequest,
): CheckResponse | Promise<CheckResponse> {
  const asked = readCheck(request, parts);
  if (!("demand" in asked)) return deniedResponse(asked);
  const verdict = judgeKey(parts.ports, caller, asked.demand);
  return verdict instanceof Promise
    ? verdict.then((known) => checkResponse(known, asked, parts))
    : checkResponse(verdict, asked, parts);
}
