// Around every call: see that somebody calls, refuse unknown fields, map errors, one access line. Never logs
// a message or a header.
import { Code, type ConnectError, type Interceptor } from "@connectrpc/connect";
import { Authorization } from "../../../gen/envoy/service/auth/v3/external_auth_pb.js";
import { EventService } from "../../../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../../../gen/fleetkey/v1/key_service_pb.js";
import type { Authentication } from "../../app/callers/authenticate-caller.ts";
import { FleetkeyError } from "../../domain/errors.ts";
import type { Log } from "../../observability/log.ts";
import { CALLER, callerOf, callerWithin, PEER_ADDRESS } from "./call-context.ts";
import { toldError } from "./errors.ts";
import { untilIdle } from "./streams/idle-stream.ts";
import { assertAllKnown } from "./strict-request.ts";

/** Calls that change nothing are logged at `debug`: there are too many of them. */
const READS: ReadonlySet<unknown> = new Set([
  KeyService.method.verify,
  KeyService.method.batchVerify,
  KeyService.method.verifyStream,
  KeyService.method.watch,
  KeyService.method.get,
  KeyService.method.list,
  EventService.method.listEvents,
  Authorization.method.check,
]);

/**
 * How long the gate's word holds for a call whose body is still to come. One that is held back must not keep
 * a caller in whose key has ended meanwhile.
 */
export const ADMISSION_MS_MAX = 1_000;

type Request = Parameters<ReturnType<Interceptor>>[0];

export interface AroundCallsOptions {
  readonly log: Log;
  /** Counts api_keys that were shown for themselves and are wrong. */
  readonly authentication: Pick<Authentication, "refusal">;
  /** A stream whose client sends nothing for so long is ended. */
  readonly streamIdleMsMax: number;
}

export function aroundCalls({ log, authentication, streamIdleMsMax }: AroundCallsOptions): Interceptor {
  return (next) => async (request) => {
    const call = new Call(log, request);
    try {
      // Whatever a handler does, it does for somebody: one that needs no name must not run for nobody either.
      callerOf(request.contextValues);
      if (request.stream) {
        const response = await next({
          ...request,
          message: eachKnown(untilIdle(request.message, streamIdleMsMax, request.signal)),
        });
        if (!response.stream) throw new TypeError("a stream is answered by a stream");
        return { ...response, message: call.watch(response.message) };
      }
      await callerWithin(request.contextValues, ADMISSION_MS_MAX);
      assertAllKnown(request.message);
      const response = await next(request);
      call.finish("ok");
      return response;
    } catch (thrown) {
      throw call.fail(counted(thrown));
    }

    // An api_key that is shown for itself is a credential too.
    function counted(thrown: unknown): unknown {
      const isRefused = thrown instanceof FleetkeyError && thrown.code === "unauthenticated";
      const address = request.contextValues.get(PEER_ADDRESS) || undefined;
      return isRefused ? authentication.refusal(address, thrown) : thrown;
    }
  };
}

/** One call, from its beginning to the line that tells of its end. */
class Call {
  readonly #log: Log;
  readonly #request: Request;
  readonly #started = performance.now();

  constructor(log: Log, request: Request) {
    this.#log = log;
    this.#request = request;
  }

  finish(code: string): void {
    const { method, contextValues } = this.#request;
    const line = {
      rpc: `${method.parent.typeName}/${method.name}`,
      code,
      caller: contextValues.get(CALLER)?.id,
      ms: Math.round((performance.now() - this.#started) * 10) / 10,
    };
    if (READS.has(method)) this.#log.debug(line, "call");
    else this.#log.info(line, "call");
  }

  /** Maps and tells what ended the call. */
  fail(thrown: unknown): ConnectError {
    const error = toldError(this.#log, this.#request.method.name, thrown);
    this.finish(Code[error.code] ?? "Unknown");
    return error;
  }

  /** The answers of a stream, whose end is the end of the call. */
  async *watch<Message>(answers: AsyncIterable<Message>): AsyncIterable<Message> {
    let isFinished = false;
    try {
      yield* answers;
      isFinished = true;
      this.finish("ok");
    } catch (thrown) {
      isFinished = true;
      throw this.fail(thrown);
    } finally {
      // Left in the middle: whoever read it is gone.
      if (!isFinished) this.finish("Canceled");
    }
  }
}

async function* eachKnown<Message extends object>(messages: AsyncIterable<Message>): AsyncIterable<Message> {
  for await (const message of messages) {
    assertAllKnown(message);
    yield message;
  }
}
