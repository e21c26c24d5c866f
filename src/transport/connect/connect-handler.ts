// One request handler for gRPC, gRPC-Web and Connect, over HTTP/1.1 and HTTP/2: Connect's adapter around our
// services.
import type { Socket } from "node:net";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { createContextValues } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Authorization } from "../../../gen/envoy/service/auth/v3/external_auth_pb.js";
import { EventService } from "../../../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../../../gen/fleetkey/v1/key_service_pb.js";
import type { Presented } from "../../app/callers/authenticate-caller.ts";
import type { AppPorts } from "../../app/ports.ts";
import { authorizationService, CHECK_REQUEST_BYTES_MAX } from "../ext-authz/authorization-service.ts";
import type { HttpHandler, HttpRequest } from "../http.ts";
import type { ProxyParts } from "../proxy/proxy-parts.ts";
import { type AroundCallsOptions, aroundCalls } from "./around-calls.ts";
import { CERTIFICATE, CUT_OFF, PEER_ADDRESS } from "./call-context.ts";
import type { RequestGate } from "./gate.ts";
import { eventService } from "./services/event-service.ts";
import { keyService } from "./services/key-service.ts";
import type { StreamOptions } from "./services/key-streams.ts";
import { OpenAnswers } from "./streams/open-answers.ts";
import { isStreamCall } from "./streams/stream-calls.ts";
import { strictJson } from "./strict-request.ts";

/** Largest message of the calls that anybody may send without a credential. */
export const POSSESSION_REQUEST_BYTES_MAX = 4_096;
/** Largest message of the calls that hold many. */
export const BATCH_REQUEST_BYTES_MAX = 1_048_576;
/** Largest message of a stream of batches. */
export const IMPORT_REQUEST_BYTES_MAX = 4_194_304;
/** Longest time that a client may ask a call to take. */
export const CALL_MS_MAX = 60_000;
/** The same for streams: as long as a timer can run. A client that names no time has no end. */
const STREAM_MS_MAX = 2 ** 31 - 1;

export interface ConnectOptions extends AroundCallsOptions {
  /** Lets a call in or refuses it: gate.ts. */
  readonly gate: RequestGate;
  /** Who a client is by its certificate, if that is known. */
  readonly certificateOf?: (socket: Socket) => Presented["certificate"];
  /** Largest ordinary request message, after decompression. */
  readonly requestBytesMax: number;
  readonly streams: StreamOptions;
  /** Ends what is not over by itself, with its reason: streams, between two messages. */
  readonly stopping: AbortSignal;
  /** What proxies are answered with. */
  readonly proxies: ProxyParts;
  /** Answers what is no rpc. */
  readonly fallback: HttpHandler;
}

export function connectHandler(ports: AppPorts, options: ConnectOptions): HttpHandler {
  const { requestBytesMax, certificateOf } = options;
  const answers = new OpenAnswers();
  const adapter = connectNodeAdapter({
    routes: (router) => {
      const report = (bug: unknown) => options.log.error({ err: bug }, "bug");
      addService(router, KeyService, keyService(ports, options.streams, report), options);
      addService(router, EventService, eventService(ports), options);
      addService(router, Authorization, authorizationService(options.proxies), options);
    },
    requestGate: options.gate,
    interceptors: [aroundCalls(options)],
    readMaxBytes: requestBytesMax,
    maxTimeoutMs: CALL_MS_MAX,
    contextValues: (request) =>
      createContextValues()
        .set(PEER_ADDRESS, request.socket.remoteAddress ?? "")
        .set(CERTIFICATE, () => certificateOf?.(request.socket))
        .set(CUT_OFF, () => answers.cutOff(request as HttpRequest)),
    fallback: options.fallback as never,
  });
  return (request, response) => {
    revealDuplicates(request);
    if (isStreamCall(request)) answers.add(request, response);
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

// Method by method, since each decodes JSON strictly as its own message. Only streams are told of the end:
// what else is open is answered.
function addService<Service extends DescService>(
  router: ConnectRouter,
  service: Service,
  implementation: ServiceImpl<Service>,
  { requestBytesMax, stopping: shutdownSignal }: Pick<ConnectOptions, "requestBytesMax" | "stopping">,
): void {
  const ofStreams = { maxTimeoutMs: STREAM_MS_MAX, shutdownSignal };
  for (const method of service.methods as readonly DescMethod[]) {
    const handler = implementation[method.localName as keyof ServiceImpl<Service>];
    router.rpc(method, handler as never, {
      jsonOptions: strictJson(method.input),
      binaryOptions: { readUnknownFields: !IN_FOREIGN_FORM.has(method) },
      readMaxBytes: REQUEST_BYTES_MAX_BY_METHOD.get(method) ?? requestBytesMax,
      ...(method.methodKind === "unary" ? {} : ofStreams),
    });
  }
}

// Most of what Envoy says of a request is of no interest, and more is to come; what the request must
// fulfil is in a field of its own.
const IN_FOREIGN_FORM: ReadonlySet<DescMethod> = new Set<DescMethod>([Authorization.method.check]);

const REQUEST_BYTES_MAX_BY_METHOD: ReadonlyMap<DescMethod, number> = new Map<DescMethod, number>([
  [KeyService.method.refresh, POSSESSION_REQUEST_BYTES_MAX],
  [KeyService.method.revoke, POSSESSION_REQUEST_BYTES_MAX],
  [KeyService.method.batchVerify, BATCH_REQUEST_BYTES_MAX],
  [KeyService.method.import, IMPORT_REQUEST_BYTES_MAX],
  [Authorization.method.check, CHECK_REQUEST_BYTES_MAX],
]);
