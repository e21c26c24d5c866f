// Around every call: see that somebody calls, refuse unknown fields, map errors, one access line. Never logs
// a message or a header.
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { EventService } from "../../../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../../../gen/fleetkey/v1/key_service_pb.js";
import type { Log } from "../../observability/log.ts";
import { CALLER, callerOf } from "./call-context.ts";
import { asConnectError } from "./errors.ts";
import { assertAllKnown } from "./strict-request.ts";

/** Calls that change nothing are logged at `debug`: there are too many of them. */
const READS: ReadonlySet<unknown> = new Set([
  KeyService.method.verify,
  KeyService.method.batchVerify,
  KeyService.method.get,
  KeyService.method.list,
  EventService.method.listEvents,
]);

export function aroundCalls(log: Log): Interceptor {
  return (next) => async (request) => {
    const started = performance.now();
    const { method } = request;
    const finish = (code: string) => {
      const line = {
        rpc: `${method.parent.typeName}/${method.name}`,
        code,
        caller: request.contextValues.get(CALLER)?.id,
        ms: Math.round((performance.now() - started) * 10) / 10,
      };
      if (READS.has(method)) log.debug(line, "call");
      else log.info(line, "call");
    };
    try {
      // Whatever a handler does, it does for somebody: one that needs no name must not run for nobody either.
      callerOf(request.contextValues);
      if (!request.stream) assertAllKnown(request.message);
      const response = await next(request);
      finish("ok");
      return response;
    } catch (thrown) {
      const error = asConnectError(thrown, (bug) => log.error({ err: bug, rpc: method.name }, "bug"));
      if (error.code === Code.Unavailable)
        log.warn({ err: causeOf(thrown), rpc: method.name }, "unavailable");
      finish(Code[error.code] ?? "Unknown");
      throw error;
    }
  };
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof ConnectError || !(thrown instanceof Error) ? thrown : (thrown.cause ?? thrown);
}
