// The clients that the matrix is asked through: those of the cases, and for the streams a message each, with
// the first answer to it told as that of a call.
import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type MessageShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { type Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  type ImportResponse,
  ImportResponseSchema,
  KeyService,
} from "../../../gen/fleetkey/v1/key_service_pb.js";
import { DETAILS_REGISTRY } from "../../../src/transport/connect/errors.ts";
import type { Client, Outcome, Rpc } from "../clients/client.ts";
import { connectWebJson } from "../clients/connect-transports.ts";
import { grpcJs, openChannel } from "../clients/grpc-js.ts";

const STREAMS = {
  Import: KeyService.method.import,
  VerifyStream: KeyService.method.verifyStream,
  Watch: KeyService.method.watch,
} as const;

type StreamRpc = keyof typeof STREAMS;

/** Every rpc there is. */
export type MatrixRpc = Rpc | StreamRpc;

type Headers = Readonly<Record<string, string>>;

export interface MatrixClient {
  call(rpc: MatrixRpc, request: JsonObject, headers: Headers): Promise<Outcome>;
  close(): void;
}

type Send = (rpc: StreamRpc, request: JsonObject, headers: Headers) => Promise<Outcome>;

/** gRPC by a library that shares no code with the server's. */
export function overGrpcJs(url: string): MatrixClient {
  const channel = openChannel(url);
  const send: Send = (rpc, request, headers) => sendOverGrpcJs(channel, rpc, request, headers);
  return clientOf(grpcJs(url), send, () => channel.close());
}

/** Connect JSON over HTTP/1.1; streams over HTTP/2, since some of them need it. */
export function overJson(url: string): MatrixClient {
  const sessionManager = new Http2SessionManager(url);
  const jsonOptions = { registry: DETAILS_REGISTRY };
  const transport = createConnectTransport({
    ...{ baseUrl: url, httpVersion: "2", useBinaryFormat: false, jsonOptions, sessionManager },
  });
  const send: Send = (rpc, request, headers) => sendOverConnect(transport, rpc, request, headers);
  return clientOf(connectWebJson(url), send, () => sessionManager.abort());
}

function clientOf(client: Client, send: Send, close: () => void): MatrixClient {
  return {
    call: (rpc, request, headers) =>
      isStream(rpc) ? send(rpc, request, headers) : client.call(rpc, request, { headers }),
    close() {
      client.close();
      close();
    },
  };
}

const isStream = (rpc: MatrixRpc): rpc is StreamRpc => rpc in STREAMS;

async function sendOverConnect(
  transport: Transport,
  rpc: StreamRpc,
  request: JsonObject,
  headers: Headers,
): Promise<Outcome> {
  const method = STREAMS[rpc];
  const left = new AbortController();
  async function* messages() {
    yield fromJson(method.input, request) as never;
  }
  try {
    const { message } = await transport.stream(method as never, left.signal, undefined, headers, messages());
    for await (const response of message) return outcomeOf(method.output, response as never);
    throw new Error("no answer came");
  } catch (thrown) {
    const { code, rawMessage, details } = ConnectError.from(thrown, Code.Unknown);
    const text = JSON.stringify(
      details.map((detail) => "type" in detail && [detail.type, [...detail.value]]),
    );
    return { code: codeToString(code), message: `${rawMessage} ${text}` };
  } finally {
    left.abort();
  }
}

function sendOverGrpcJs(
  channel: GrpcClient,
  rpc: StreamRpc,
  request: JsonObject,
  headers: Headers,
): Promise<Outcome> {
  const { input, output } = STREAMS[rpc];
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const stream = channel.makeBidiStreamRequest(
    `/${KeyService.typeName}/${rpc}`,
    (message: JsonObject) =>
      Buffer.from(toBinary(input as DescMessage, fromJson(input as DescMessage, message))),
    (bytes) => fromBinary(output as DescMessage, bytes),
    metadata,
  );
  return new Promise((resolve) => {
    stream.on("data", (response) => {
      resolve(outcomeOf(output, response));
      stream.cancel();
    });
    stream.on("error", ({ code, details, metadata: trailers }: ServiceError) => {
      const [packed] = trailers.get("grpc-status-details-bin");
      const text = Buffer.isBuffer(packed) ? packed.toString("base64") : packed;
      resolve({ code: codeToString(code as number), message: `${details} ${text}` });
    });
    stream.write(request);
    stream.end();
  });
}

function outcomeOf<Output extends DescMessage>(output: Output, response: MessageShape<Output>): Outcome {
  if (output.typeName === ImportResponseSchema.typeName) return importOutcome(response as never);
  const options = { registry: DETAILS_REGISTRY };
  return { code: "ok", response: toJson(output, response, options) as JsonObject };
}

/** Of a batch with one record. */
function importOutcome({ results: [result] }: ImportResponse): Outcome {
  if (result === undefined) throw new Error("no result came for the record");
  const { error, keyId } = result;
  if (error === undefined) return { code: "ok", response: { keyId } };
  const details = JSON.stringify(error.details.map(({ typeUrl, value }) => [typeUrl, [...value]]));
  return { code: codeToString(error.code), message: `${error.message} ${details}` };
}
