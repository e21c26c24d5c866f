// The clients that the matrix is asked through: those of the cases, and Import through its stream, with the
// outcome of its one record told as that of a call.
import { fromBinary, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { type Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  ImportRequestSchema,
  type ImportResponse,
  ImportResponseSchema,
  KeyService,
} from "../../../gen/fleetkey/v1/key_service_pb.js";
import { DETAILS_REGISTRY } from "../../../src/transport/connect/errors.ts";
import type { Client, Outcome, Rpc } from "../clients/client.ts";
import { connectWebJson } from "../clients/connect-transports.ts";
import { grpcJs, openChannel } from "../clients/grpc-js.ts";

/** Every rpc there is. */
export type MatrixRpc = Rpc | "Import";

type Headers = Readonly<Record<string, string>>;

export interface MatrixClient {
  call(rpc: MatrixRpc, request: JsonObject, headers: Headers): Promise<Outcome>;
  close(): void;
}

type Import = (request: JsonObject, headers: Headers) => Promise<Outcome>;

/** gRPC by a library that shares no code with the server's. */
export function overGrpcJs(url: string): MatrixClient {
  const channel = openChannel(url);
  const send: Import = (request, headers) => importOverGrpcJs(channel, request, headers);
  return clientOf(grpcJs(url), send, () => channel.close());
}

/** Connect JSON over HTTP/1.1; Import, which that cannot carry, over HTTP/2. */
export function overJson(url: string): MatrixClient {
  const sessionManager = new Http2SessionManager(url);
  const jsonOptions = { registry: DETAILS_REGISTRY };
  const transport = createConnectTransport({
    ...{ baseUrl: url, httpVersion: "2", useBinaryFormat: false, jsonOptions, sessionManager },
  });
  const { import: start } = createClient(KeyService, transport);
  const send: Import = async (request, headers) => {
    async function* batches() {
      yield fromJson(ImportRequestSchema, request);
    }
    try {
      for await (const response of start(batches(), { headers })) return outcomeOf(response);
      throw new Error("no answer came for the batch");
    } catch (thrown) {
      const { code, rawMessage, details } = ConnectError.from(thrown, Code.Unknown);
      const text = JSON.stringify(
        details.map((detail) => "type" in detail && [detail.type, [...detail.value]]),
      );
      return { code: codeToString(code), message: `${rawMessage} ${text}` };
    }
  };
  return clientOf(connectWebJson(url), send, () => sessionManager.abort());
}

function clientOf(client: Client, send: Import, close: () => void): MatrixClient {
  return {
    call: (rpc, request, headers) =>
      rpc === "Import" ? send(request, headers) : client.call(rpc, request, { headers }),
    close() {
      client.close();
      close();
    },
  };
}

function importOverGrpcJs(channel: GrpcClient, request: JsonObject, headers: Headers): Promise<Outcome> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const stream = channel.makeBidiStreamRequest(
    "/fleetkey.v1.KeyService/Import",
    (batch: JsonObject) => Buffer.from(toBinary(ImportRequestSchema, fromJson(ImportRequestSchema, batch))),
    (bytes) => fromBinary(ImportResponseSchema, bytes),
    metadata,
  );
  return new Promise((resolve) => {
    stream.on("data", (response: ImportResponse) => resolve(outcomeOf(response)));
    stream.on("error", ({ code, details, metadata: trailers }: ServiceError) => {
      const [packed] = trailers.get("grpc-status-details-bin");
      const text = Buffer.isBuffer(packed) ? packed.toString("base64") : packed;
      resolve({ code: codeToString(code as number), message: `${details} ${text}` });
    });
    stream.write(request);
    stream.end();
  });
}

/** Of a batch with one record. */
function outcomeOf({ results: [result] }: ImportResponse): Outcome {
  if (result === undefined) throw new Error("no result came for the record");
  const { error, keyId } = result;
  if (error === undefined) return { code: "ok", response: { keyId } };
  const details = JSON.stringify(error.details.map(({ typeUrl, value }) => [typeUrl, [...value]]));
  return { code: codeToString(error.code), message: `${error.message} ${details}` };
}
