// The streams of KeyService through the clients that carry them, all with the same face: Connect's own, and
// grpc-js, which shares no code with the server's gRPC.
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type CallOptions, Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { type Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { Event } from "../../../gen/fleetkey/v1/event_pb.js";
import {
  KeyService,
  VerifyStreamRequestSchema,
  type VerifyStreamResponse,
  VerifyStreamResponseSchema,
  WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../../../gen/fleetkey/v1/key_service_pb.js";
import { DETAILS_REGISTRY } from "../../../src/transport/connect/errors.ts";
import { ROOT_KEY } from "../../running-service.ts";
import { openChannel } from "../clients/grpc-js.ts";

export interface StreamOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

type Question = MessageInitShape<typeof VerifyStreamRequestSchema>;

export interface StreamClient {
  watch(cursor?: string, options?: StreamOptions): AsyncIterator<WatchResponse>;
  verifyStream(
    questions: AsyncIterable<Question>,
    options?: StreamOptions,
  ): AsyncIterator<VerifyStreamResponse>;
  close(): void;
}

const AUTHORIZED = { authorization: `Bearer ${ROOT_KEY}` };

const OPEN_TRANSPORT = {
  grpc: createGrpcTransport,
  grpcWeb: createGrpcWebTransport,
  connect: createConnectTransport,
} as const;

function overConnect(url: string, kind: keyof typeof OPEN_TRANSPORT, httpVersion: "1.1" | "2"): StreamClient {
  const sessionManager = new Http2SessionManager(url);
  const transport = OPEN_TRANSPORT[kind]({
    baseUrl: url,
    httpVersion: httpVersion as "2",
    sessionManager,
    useBinaryFormat: kind !== "connect",
    jsonOptions: { registry: DETAILS_REGISTRY },
  });
  const client = createClient(KeyService, transport);
  return {
    watch: (cursor = "", options) => leaving(options, (all) => client.watch({ cursor }, all)),
    verifyStream: (questions, options) => leaving(options, (all) => client.verifyStream(questions, all)),
    close: () => sessionManager.abort(),
  };
}

// A client of Connect's leaves a stream by its signal alone.
function leaving<Answer>(
  { headers = AUTHORIZED, timeoutMs }: StreamOptions = {},
  call: (options: CallOptions) => AsyncIterable<Answer>,
): AsyncIterator<Answer> {
  const controller = new AbortController();
  const answers = call({ headers, timeoutMs, signal: controller.signal })[Symbol.asyncIterator]();
  return {
    next: () => answers.next(),
    async return() {
      controller.abort();
      return { done: true, value: undefined };
    },
  };
}

function overGrpcJs(url: string): StreamClient {
  const channel = openChannel(url);
  return {
    watch: (cursor = "", options) =>
      streamOver(channel, "Watch", [WatchRequestSchema, WatchResponseSchema], once({ cursor }), options),
    verifyStream: (questions, options) =>
      streamOver(
        channel,
        "VerifyStream",
        [VerifyStreamRequestSchema, VerifyStreamResponseSchema],
        questions,
        options,
      ),
    close: () => channel.close(),
  };
}

async function* once<Message>(message: Message): AsyncIterable<Message> {
  yield message;
}

async function* streamOver<Input extends DescMessage, Output extends DescMessage>(
  channel: GrpcClient,
  rpc: string,
  [input, output]: readonly [Input, Output],
  messages: AsyncIterable<MessageInitShape<Input>>,
  { headers = AUTHORIZED, timeoutMs }: StreamOptions = {},
) {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const stream = channel.makeBidiStreamRequest(
    `/${KeyService.typeName}/${rpc}`,
    (message: MessageInitShape<Input>) => Buffer.from(toBinary(input, create(input, message))),
    (bytes) => fromBinary(output, bytes),
    metadata,
    timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
  );
  const send = async () => {
    for await (const message of messages) stream.write(message);
    stream.end();
  };
  void send();
  try {
    yield* stream;
  } catch (error) {
    const { details, code } = error as ServiceError;
    throw new ConnectError(details, code as number);
  } finally {
    stream.cancel();
  }
}

type Open = readonly [title: string, open: (url: string) => StreamClient];

export const WATCH_CLIENTS: readonly [Open, ...Open[]] = [
  ["gRPC by grpc-js", overGrpcJs],
  ["gRPC by connect-node", (url) => overConnect(url, "grpc", "2")],
  ["gRPC-Web over HTTP/1.1", (url) => overConnect(url, "grpcWeb", "1.1")],
  ["Connect JSON over HTTP/1.1", (url) => overConnect(url, "connect", "1.1")],
  ["Connect JSON over HTTP/2", (url) => overConnect(url, "connect", "2")],
];

/** Those that can send while they receive. */
export const DUPLEX_CLIENTS = WATCH_CLIENTS.filter(([title]) => !title.endsWith("HTTP/1.1"));

/** The next answer of a stream that goes on. */
export async function nextOf<Answer>(answers: AsyncIterator<Answer>): Promise<Answer> {
  const { value, done } = await answers.next();
  if (done) throw new Error("the stream is over");
  return value;
}

/** The code that a stream ends with. */
export async function endOf(answers: AsyncIterator<unknown>): Promise<string> {
  try {
    while (!(await answers.next()).done);
    return "ok";
  } catch (error) {
    return Code[ConnectError.from(error).code] ?? "";
  }
}

/** All events that a watch tells up to the one that fits. */
export async function eventsUntil(
  watch: AsyncIterator<WatchResponse>,
  isLast: (event: Event) => boolean,
): Promise<readonly Event[]> {
  const events: Event[] = [];
  while (!events.some(isLast)) events.push(...(await newsOf(watch)).events);
  return events;
}

/** The next response of a watch that has events, or that says to forget everything. */
export async function newsOf(watch: AsyncIterator<WatchResponse>): Promise<WatchResponse> {
  for (;;) {
    const response = await nextOf(watch);
    if (response.reset || response.events.length > 0) return response;
  }
}
