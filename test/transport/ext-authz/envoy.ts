// Asks as Envoy does: gRPC, by a library that shares no code with the server's, over one channel.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
} from "../../../gen/envoy/service/auth/v3/external_auth_pb.js";
import { openChannel } from "../clients/grpc-js.ts";
import { type CheckInput, checkRequest, type Headers, type Told, toldBy } from "./asked.ts";

const PATH = "/envoy.service.auth.v3.Authorization/Check";

export interface Envoy {
  /** Rejects when there is an error instead of an answer. */
  check(input: CheckInput, metadata?: Headers): Promise<Told>;
  /** What comes of these bytes: what is told, or the name of gRPC's status. */
  send(bytes: Uint8Array, metadata?: Headers): Promise<Told | string>;
  close(): void;
}

export function envoy(url: string): Envoy {
  const channel = openChannel(url);
  const send = (bytes: Uint8Array, headers: Headers = {}): Promise<CheckResponse> => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new Promise((resolve, reject) => {
      channel.makeUnaryRequest(
        PATH,
        (message: Uint8Array) => Buffer.from(message),
        (answer) => fromBinary(CheckResponseSchema, answer),
        bytes,
        metadata,
        (error, response) => (response === undefined ? reject(error) : resolve(response)),
      );
    });
  };
  return {
    async check(input, metadata) {
      return toldBy(await send(toBinary(CheckRequestSchema, checkRequest(input)), metadata));
    },
    async send(bytes, metadata) {
      try {
        return toldBy(await send(bytes, metadata));
      } catch (error) {
        return status[(error as ServiceError).code] ?? "";
      }
    },
    close: () => channel.close(),
  };
}
