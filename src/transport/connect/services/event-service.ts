// EventService over its use case. Handlers only map.
import type { ServiceImpl } from "@connectrpc/connect";
import type { EventService } from "../../../../gen/fleetkey/v1/event_service_pb.js";
import { listEvents } from "../../../app/events/list-events.ts";
import type { AppPorts } from "../../../app/ports.ts";
import { callerOf } from "../call-context.ts";
import { eventMessage } from "./event-message.ts";
import { EVENT_KIND_WORDS, timeMs } from "./words.ts";

export function eventService(ports: AppPorts): ServiceImpl<typeof EventService> {
  return {
    async listEvents(request, context) {
      const { events, nextPageToken } = await listEvents(ports, callerOf(context.values), {
        ...request,
        kind: EVENT_KIND_WORDS.wordOf(request.kind),
        startTime: timeMs(request.startTime),
        endTime: timeMs(request.endTime),
      });
      return { events: events.map(eventMessage), nextPageToken };
    },
  };
}
