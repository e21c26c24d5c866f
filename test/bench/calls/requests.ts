// The requests that the rows make, byte for byte, and how a right answer to each begins.
import { create, toBinary } from "@bufbuild/protobuf";
import { KeyType } from "../../../gen/fleetkey/v1/key_pb.js";
import {
  BatchVerifyRequestSchema,
  CreateRequestSchema,
  RefreshRequestSchema,
  VerifyRequestSchema,
} from "../../../gen/fleetkey/v1/key_service_pb.js";
import { API_KEY_LENGTH, ENVIRONMENT } from "../keys/make-keys.ts";
import type { Load, Population, Wire } from "../row.ts";

/** Who is asked, and by whom. */
export interface Target {
  readonly url: string;
  /** The api_key of the caller, where one is asked for. */
  readonly credential?: string;
}

export interface RequestForm {
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  /** The body with one text in it. */
  readonly body: (text: string) => Buffer;
  /** Of the data of an answer, as load/task.ts says it. */
  readonly expects: string;
}

const CONTENT_TYPES: Readonly<Record<Wire, string>> = {
  grpc: "application/grpc+proto",
  "json-http1": "application/json",
  "json-http2": "application/json",
};

/** The header of a gRPC message: a flag and its length. */
const ANY_PREFIX = ".".repeat(10);
const LENGTH_2 = "....";
const VALID = "0801";
const DENIED = "080010";
/** Of an answer to a Verify. */
const VERDICTS: Readonly<Record<Population, string>> = {
  stored: VALID,
  "key-ids": "",
  unknown: `${DENIED}02`,
  "bad-checksum": `${DENIED}01`,
};
const JSON_VALID = '{"valid":true,';
const API_KEY_BEGINS = hex(`fl_user_${ENVIRONMENT}_`);

/** `batch` are the api_keys that a BatchVerify asks about. */
export function requestForm(load: Load, { credential }: Target, batch: readonly string[]): RequestForm {
  const headers: [string, string][] = [["content-type", CONTENT_TYPES[load.wire]]];
  if (load.wire === "grpc") headers.push(["te", "trailers"]);
  if (credential !== undefined) headers.push(["authorization", `Bearer ${credential}`]);
  const path = `/fleetkey.v1.KeyService/${load.call}`;
  if (load.wire === "grpc") return { path, headers, ...grpcForm(load, batch) };
  if (load.call !== "Verify" || load.of !== "stored") throw new Error("no row asks for this in JSON");
  const body = (apiKey: string) => Buffer.from(JSON.stringify({ apiKey }));
  return { path, headers, body, expects: hex(JSON_VALID) };
}

function grpcForm(load: Load, batch: readonly string[]): Pick<RequestForm, "body" | "expects"> {
  switch (load.call) {
    case "Verify":
      return {
        body: (apiKey) => grpcMessage(toBinary(VerifyRequestSchema, create(VerifyRequestSchema, { apiKey }))),
        expects: ANY_PREFIX + VERDICTS[load.of],
      };
    case "VerifyStream":
      return { body: streamMessage, expects: `${ANY_PREFIX}08......12${LENGTH_2}${VALID}` };
    case "BatchVerify": {
      const message = create(BatchVerifyRequestSchema, { requests: batch.map((apiKey) => ({ apiKey })) });
      const body = grpcMessage(toBinary(BatchVerifyRequestSchema, message));
      return { body: () => body, expects: `${ANY_PREFIX}0a${LENGTH_2}0a${LENGTH_2}${VALID}` };
    }
    case "Create": {
      const fields = { type: KeyType.USER, userId: "user-of-bench", name: "made by the bench" };
      const body = grpcMessage(toBinary(CreateRequestSchema, create(CreateRequestSchema, fields)));
      return { body: () => body, expects: `${ANY_PREFIX}0a${byte(API_KEY_LENGTH)}${API_KEY_BEGINS}` };
    }
    case "Refresh":
      return {
        body: (keyId) => {
          const message = create(RefreshRequestSchema, { target: { case: "keyId", value: keyId } });
          return grpcMessage(toBinary(RefreshRequestSchema, message));
        },
        expects: `${ANY_PREFIX}0a${byte(API_KEY_LENGTH)}${API_KEY_BEGINS}`,
      };
  }
}

/** A message as gRPC sends it, not compressed. */
export function grpcMessage(message: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

// VerifyStreamRequest: field 1 is a number, of three bytes here; field 2 the VerifyRequest.
function streamMessage(apiKey: string): Buffer {
  const request = toBinary(VerifyRequestSchema, create(VerifyRequestSchema, { apiKey }));
  return grpcMessage(Buffer.concat([Buffer.of(0x08, 0x80, 0x80, 0x01, 0x12, request.length), request]));
}

function hex(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}

function byte(value: number): string {
  return value.toString(16).padStart(2, "0");
}
