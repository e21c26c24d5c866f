// The calls of KeyService that last, beside Import. Each asks again who calls, since what let its caller in
// can end meanwhile.
import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type KeyService,
  type VerifyRequest,
  VerifyRequestSchema,
} from "../../../../gen/fleetkey/v1/key_service_pb.js";
import type { Caller } from "../../../access/caller.ts";
import { type WatchPorts, watchEvents } from "../../../app/events/watch-events.ts";
import type { AppPorts } from "../../../app/ports.ts";
import { type BatchOutcome, verifyKey } from "../../../app/verify/verify-key.ts";
import { FleetkeyError } from "../../../domain/errors.ts";
import { CUT_OFF, callerWithin } from "../call-context.ts";
import { whileTaken } from "../streams/taken-answers.ts";
import { eventMessage } from "./event-message.ts";
import { verifyResult } from "./key-message.ts";
import { verifyInput } from "./requests.ts";

/** How long a watcher may leave one response lying. */
export const WATCH_BLOCKED_MS_MAX = 10_000;

export interface StreamOptions extends Pick<WatchPorts, "news" | "leaseMs"> {
  readonly watchBlockedMsMax: number;
}

type Streams = Pick<ServiceImpl<typeof KeyService>, "verifyStream" | "watch">;

export function keyStreams(
  ports: AppPorts,
  { news, leaseMs, watchBlockedMsMax }: StreamOptions,
  report: (bug: unknown) => void,
): Streams {
  return {
    async *verifyStream(requests, { values }) {
      for await (const { id, request } of requests) {
        const caller = await callerWithin(values, leaseMs);
        const outcome = await outcomeOf(ports, caller, request ?? create(VerifyRequestSchema));
        yield { id, result: verifyResult(outcome, ports.clock(), report) };
      }
    },

    async *watch({ cursor }, { values, signal }: HandlerContext) {
      const caller = () => callerWithin(values, leaseMs);
      const changes = watchEvents({ store: ports.store, news, leaseMs }, { caller, signal, cursor });
      const taken = whileTaken(changes, {
        msMax: watchBlockedMsMax,
        tooSlow: watcherTooSlow,
        cutOff: values.get(CUT_OFF),
      });
      for await (const { events, cursor, isReset } of taken) {
        yield { events: events.map(eventMessage), cursor, reset: isReset };
      }
    },
  };
}

async function outcomeOf(ports: AppPorts, caller: Caller, request: VerifyRequest): Promise<BatchOutcome> {
  try {
    return { verdict: await verifyKey(ports, caller, verifyInput(request)) };
  } catch (failure) {
    return { failure: failure as Error };
  }
}

function watcherTooSlow(): FleetkeyError {
  return new FleetkeyError(
    "resource_exhausted",
    "responses were not taken in time: resume from the last cursor",
    {
      reason: "WATCHER_TOO_SLOW",
    },
  );
}
