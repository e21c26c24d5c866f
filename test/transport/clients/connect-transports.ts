// Clients over Connect's own transports: connect-node for gRPC, connect-web, which browsers run, for the
// others.
import type { DescMethodUnary, JsonObject, Message, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { DETAILS_REGISTRY } from "../../../src/transport/connect/errors.ts";
import {
  type CallOptions,
  type Client,
  methodOf,
  type Oddity,
  type Outcome,
  type Rpc,
  readDetails,
} from "./client.ts";
import { requestMessage, responseJson } from "./message.ts";

const BINARY: readonly Oddity[] = ["unknown_number"];

/** `certificate` is the one to trust. */
export function connectNodeGrpc(baseUrl: string, certificate: string): Client {
  const sessionManager = new Http2SessionManager(baseUrl, {}, { ca: certificate });
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  return {
    ...clientOver(transport, BINARY),
    close: () => sessionManager.abort(),
  };
}

export function connectWebJson(baseUrl: string): Client {
  const transport = createConnectTransport({
    baseUrl,
    useBinaryFormat: false,
    jsonOptions: { registry: DETAILS_REGISTRY },
  });
  return clientOver(transport, []);
}

export function connectWebBinary(baseUrl: string): Client {
  const transport = createConnectTransport({ baseUrl, useBinaryFormat: true });
  return clientOver(transport, BINARY);
}

/** Reads through GET what the contract marks as free of side effects. */
export function connectWebGet(baseUrl: string): Client {
  const transport = createConnectTransport({ baseUrl, useBinaryFormat: true, useHttpGet: true });
  return clientOver(transport, BINARY);
}

export function connectWebGrpcWeb(baseUrl: string): Client {
  return clientOver(createGrpcWebTransport({ baseUrl }), BINARY);
}

function clientOver(transport: Transport, carries: readonly Oddity[]): Client {
  return {
    carries,
    call: (rpc, request, options) => callOver(transport, rpc, request, options),
    close: () => {},
  };
}

async function callOver(
  transport: Transport,
  rpc: Rpc,
  request: JsonObject,
  options: CallOptions,
): Promise<Outcome> {
  const message = requestMessage(rpc, request, options) as MessageInitShape<DescMethodUnary["input"]>;
  try {
    const { message: response } = await transport.unary(
      methodOf(rpc),
      undefined,
      undefined,
      options.headers,
      message,
    );
    return { code: "ok", response: responseJson(rpc, response as Message) };
  } catch (thrown) {
    const error = ConnectError.from(thrown, Code.Unknown);
    const packed = error.details.filter((detail) => "type" in detail);
    return { code: codeToString(error.code), message: error.rawMessage, details: readDetails(packed) };
  }
}
