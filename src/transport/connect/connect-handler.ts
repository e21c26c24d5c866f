// One request handler for gRPC, gRPC-Web and Connect, over HTTP/1.1 and HTTP/2: Connect's adapter around our
// services.
import type { Socket } from "node:net";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { createContextValues } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { EventService } from "../../../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../../../gen/fleetkey/v1/key_service_pb.js";
import type { Presented } from "../../app/callers/authenticate-caller.ts";
import type { AppPorts } from "../../app/ports.ts";
import type { HttpHandler, HttpRequest } from "../http.ts";
import { type AroundCallsOptions, aroundCalls } from "./around-calls.ts";
import { CERTIFICATE, PEER_ADDRESS } from "./call-context.ts";
import type { RequestGate } from "./gate.ts";
import { eventService } from "./services/event-service.ts";
import { keyService } from "./services/key-service.ts";
import { strictJson } from "./strict-request.ts";

/** Largest message of the calls that anybody may send without a credential. */
export const POSSESSION_REQUEST_BYTES_MAX = 4_096;
/** Largest message of the calls that hold many. */
export const BATCH_REQUEST_BYTES_MAX = 1_048_576;
/** Largest message of a stream of batches. */
export const IMPORT_REQUEST_BYTES_MAX = 4_194_304;
/** Longest time that a client may ask a call to take. */
const CALL_MS_MAX = 60_000;

export interface ConnectOptions extends AroundCallsOptions {
  /** Lets a call in or refuses it: gate.ts. */
  readonly gate: RequestGate;
  /** Who a client is by its certificate, if that is known. */
  readonly certificateOf?: (socket: Socket) => Presented["certificate"];
  /** Largest ordinary request message, after decompression. */
  readonly requestBytesMax: number;
  /** Answers what is no rpc. */
  readonly fallback: HttpHandler;
}

export function connectHandler(ports: AppPorts, options: ConnectOptions): HttpHandler {
  const { requestBytesMax, certificateOf } = options;
  const adapter = connectNodeAdapter({
    routes: (router) => {
      addService(
        router,
        KeyService,
        keyService(ports, (bug) => options.log.error({ err: bug }, "bug")),
        requestBytesMax,
      );
      addService(router, EventService, eventService(ports), requestBytesMax);
    },
    requestGate: options.gate,
    interceptors: [aroundCalls(options)],
    readMaxBytes: requestBytesMax,
    maxTimeoutMs: CALL_MS_MAX,
    contextValues: ({ socket }) =>
      createContextValues()
        .set(PEER_ADDRESS, socket.remoteAddress ?? "")
        .set(CERTIFICATE, () => certificateOf?.(socket)),
    fallback: options.fallback as never,
  });
  return (request, response) => {
    revealDuplicates(request);
    try {
      adapter(request, response);
    } catch {
      // The adapter makes a URL of the request's authority, and throws at once when that is missing or is
      // none.
      response.writeHead(400).end();
    }
  };
}

// Of several Authorization headers node keeps the first. Which one is meant nobody knows, so the gate has to
// see all of them, and refuses what is not one credential.
function revealDuplicates(request: HttpRequest): void {
  const { rawHeaders } = request;
  const values = rawHeaders.filter(
    (_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === "authorization",
  );
  if (values.length > 1) request.headers.authorization = values.join(", ");
}

// Method by method, since each decodes JSON strictly as its own message.
function addService<Service extends DescService>(
  router: ConnectRouter,
  service: Service,
  implementation: ServiceImpl<Service>,
  requestBytesMax: number,
): void {
  for (const method of service.methods) {
    const handler = implementation[method.localName as keyof ServiceImpl<Service>];
    router.rpc(method, handler as never, {
      jsonOptions: strictJson(method.input),
      readMaxBytes: REQUEST_BYTES_MAX_BY_METHOD.get(method) ?? requestBytesMax,
    });
  }
}

const REQUEST_BYTES_MAX_BY_METHOD: ReadonlyMap<DescMethod, number> = new Map<DescMethod, number>([
  [KeyService.method.refresh, POSSESSION_REQUEST_BYTES_MAX],
  [KeyService.method.revoke, POSSESSION_REQUEST_BYTES_MAX],
  [KeyService.method.batchVerify, BATCH_REQUEST_BYTES_MAX],
  [KeyService.method.import, IMPORT_REQUEST_BYTES_MAX],
]);
