// Requests from JSON to messages and answers back, for clients that are generated from the contract.
import { fromJson, type JsonObject, type Message, toJson } from "@bufbuild/protobuf";
import { DETAILS_REGISTRY } from "../../../src/transport/connect/errors.ts";
import { type CallOptions, methodOf, type Rpc, UNKNOWN_NUMBER } from "./client.ts";

/** The request as a message, with an unknown field when the call asks for one. */
export function requestMessage(rpc: Rpc, request: JsonObject, options: CallOptions): Message {
  const { input } = methodOf(rpc);
  const message = fromJson(input, request);
  if (options.withUnknownNumber === true) {
    // Wire type 2 with one byte of content, as the encoder expects it: the length, then the bytes.
    message.$unknown = [{ no: UNKNOWN_NUMBER, wireType: 2, data: Uint8Array.of(1, 0x78) }];
  }
  return message;
}

export function responseJson(rpc: Rpc, response: Message): JsonObject {
  return toJson(methodOf(rpc).output, response, { registry: DETAILS_REGISTRY }) as JsonObject;
}
