// Which requests may go on in the client's own time: those of rpcs whose client sends a stream or takes one.
import type { DescMethod } from "@bufbuild/protobuf";
import { EventService } from "../../../../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../../../../gen/fleetkey/v1/key_service_pb.js";
import type { HttpRequest } from "../../http.ts";

const STREAM_PATHS: ReadonlySet<string> = new Set(
  [KeyService, EventService].flatMap((service) =>
    (service.methods as readonly DescMethod[])
      .filter(({ methodKind }) => methodKind !== "unary")
      .map(({ name }) => `/${service.typeName}/${name}`),
  ),
);

/** By the path alone: whoever sends a stream to another rpc sends one message, in the time for one. */
export function isStreamCall(request: HttpRequest): boolean {
  return STREAM_PATHS.has(request.url?.split("?", 1)[0] ?? "");
}
