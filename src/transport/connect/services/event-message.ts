// Events as messages. Only translation: nothing is decided here.
import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import { type Event as EventMessage, EventSchema } from "../../../../gen/fleetkey/v1/event_pb.js";
import type { NumberedEvent } from "../../../domain/audit/event.ts";
import type { FieldChange } from "../../../domain/audit/field-changes.ts";
import { EVENT_KIND_WORDS, KEY_TYPE_WORDS, timeOf } from "./words.ts";

export function eventMessage(event: NumberedEvent): EventMessage {
  return create(EventSchema, {
    number: BigInt(event.number),
    eventId: event.eventId,
    kind: EVENT_KIND_WORDS.valueOf(event.kind),
    time: timeOf(event.time),
    caller: event.caller,
    keyId: event.keyId,
    keyType: event.keyType && KEY_TYPE_WORDS.valueOf(event.keyType),
    ...event.owner,
    reason: event.reason,
    requestId: event.requestId,
    address: event.address,
    changes: event.changes?.map(changeMessage),
    count: event.count,
    source: event.source,
    url: event.url,
  });
}

function changeMessage({ field, before, after }: FieldChange) {
  return { field, before: jsonValue(before), after: jsonValue(after) };
}

function jsonValue(text: string | undefined): Value | undefined {
  return text === undefined ? undefined : fromJson(ValueSchema, JSON.parse(text) as JsonValue);
}
