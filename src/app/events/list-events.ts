// ListEvents: the record of changes, a page at a time.
import { type Bounds, narrowed } from "../../access/bounds.ts";
import type { Caller } from "../../access/caller.ts";
import { EVENT_KINDS, type NumberedEvent } from "../../domain/audit/event.ts";
import { formatPageToken } from "../../store/page-token.ts";
import { checkKeyId, checkOwner, ID_BYTES_MAX, type OwnerInput, pageSizeOf } from "../input/key-fields.ts";
import { checkPageToken, listingName } from "../input/page-token-field.ts";
import { Violations } from "../input/violations.ts";
import type { AppPorts } from "../ports.ts";

/** As it comes from a transport: texts are empty when left out, times are NaN when they were not valid. */
export interface ListEventsInput extends OwnerInput {
  readonly keyId: string;
  readonly caller: string;
  readonly kind: string | undefined;
  readonly startTime?: number;
  readonly endTime?: number;
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface EventPage {
  readonly events: readonly NumberedEvent[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

const NO_EVENTS: EventPage = { events: [], nextPageToken: "" };

export async function listEvents(
  ports: AppPorts,
  { bounds }: Caller,
  input: ListEventsInput,
): Promise<EventPage> {
  const { filter, name, after } = checkList(ports, input, bounds);
  if (filter.owner === undefined) return NO_EVENTS;
  const limit = pageSizeOf(input.pageSize);
  const events = await ports.store.events.list({ ...filter, owner: filter.owner, after, limit });
  const last = events.at(-1);
  const isLast = last === undefined || events.length < limit;
  return { events, nextPageToken: isLast ? "" : formatPageToken(ports.peppers, name, [last.number]) };
}

function checkList(ports: AppPorts, input: ListEventsInput, bounds: Bounds) {
  const violations = new Violations();
  if (input.keyId !== "") checkKeyId(violations, "key_id", input.keyId);
  const owner = narrowed(bounds, checkOwner(violations, input));
  const caller = violations.text("caller", input.caller, { bytesMax: ID_BYTES_MAX });
  const kind = violations.oneOf("kind", input.kind, EVENT_KINDS);
  const { startTime, endTime } = input;
  if (Number.isNaN(startTime)) violations.add("start_time", "must be a time from year 1 to 9999");
  if (Number.isNaN(endTime)) violations.add("end_time", "must be a time from year 1 to 9999");
  const keyId = input.keyId === "" ? undefined : input.keyId;
  const filter = { keyId, owner, caller, kind, startTime, endTime };
  const name = listingName("events", { ...filter, ...owner });
  const position = checkPageToken(violations, ports.peppers, name, input.pageToken);
  violations.throwIfAny();
  return { filter, name, after: Number(position?.[0] ?? 0) };
}
