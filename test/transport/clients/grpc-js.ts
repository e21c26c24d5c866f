// A client over @grpc/grpc-js, which shares no code with the server's gRPC: what it understands, others do.
import { fromBinary, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { credentials, Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  type CallOptions,
  type Client,
  methodOf,
  type Outcome,
  pathOf,
  type Rpc,
  readDetails,
} from "./client.ts";
import { requestMessage, responseJson } from "./message.ts";

/** A channel to `http:` or `unix:`, over HTTP/2 in clear text. */
export function openChannel(baseUrl: string): GrpcClient {
  const target = baseUrl.startsWith("unix:") ? baseUrl : new URL(baseUrl).host;
  return new GrpcClient(target, credentials.createInsecure());
}

/** gRPC over HTTP/2 in clear text. */
export function grpcJs(baseUrl: string): Client {
  const channel = openChannel(baseUrl);
  return {
    carries: ["unknown_number"],
    call: (rpc, request, options) => call(channel, rpc, request, options),
    close: () => channel.close(),
  };
}

function call(channel: GrpcClient, rpc: Rpc, request: JsonObject, options: CallOptions): Promise<Outcome> {
  const { input, output } = methodOf(rpc);
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(options.headers)) metadata.set(name, value);
  return new Promise((resolve) => {
    channel.makeUnaryRequest(
      pathOf(rpc),
      (message) => Buffer.from(toBinary(input, message)),
      (bytes) => fromBinary(output, bytes),
      requestMessage(rpc, request, options),
      metadata,
      (error, response) => {
        if (error) resolve(outcomeOf(error));
        else resolve({ code: "ok", response: response && responseJson(rpc, response) });
      },
    );
  });
}

function outcomeOf(error: ServiceError): Outcome {
  const [status] = error.metadata.get("grpc-status-details-bin");
  const packed = Buffer.isBuffer(status) ? readStatus(status) : [];
  return {
    code: codeToString(error.code as number),
    message: error.details,
    details: readDetails(
      packed.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value })),
    ),
  };
}

/** google.rpc.Status: code (1), message (2), details (3, repeated Any). Gives the details. */
function readStatus(bytes: Uint8Array): readonly Any[] {
  const reader = new BinaryReader(bytes);
  const details: Any[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === 3) details.push(fromBinary(AnySchema, reader.bytes()));
    else reader.skip(wireType);
  }
  return details;
}
