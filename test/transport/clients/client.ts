// What a case sees of a client: one method that makes a call and tells the outcome in the same words,
// whatever the transport. How a call travels and how an error is read from it is each client's.
import {
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type JsonObject,
  toJson,
} from "@bufbuild/protobuf";
import { EventService } from "../../../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../../../gen/fleetkey/v1/key_service_pb.js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../../gen/google/rpc/error_details_pb.js";

/**
 * Requests that only some transports can carry: JSON with a name, binary with a number, that the contract
 * lacks.
 */
export type Oddity = "unknown_name" | "unknown_number";

/** A field number that no request has. */
export const UNKNOWN_NUMBER = 4_000;

export interface Client {
  readonly carries: readonly Oddity[];
  call(rpc: Rpc, request: JsonObject, options: CallOptions): Promise<Outcome>;
  close(): void;
}

export interface CallOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** Adds UNKNOWN_NUMBER to the message; for clients that carry it. */
  readonly withUnknownNumber?: boolean;
}

/** How a call ended; `code` is "ok" or an error code as Connect spells it. */
export interface Outcome {
  readonly code: string;
  readonly message?: string;
  readonly details?: ErrorDetailsRead;
  readonly response?: JsonObject;
}

export interface ErrorDetailsRead {
  readonly errorInfo?: { readonly reason: string; readonly domain: string; readonly metadata: JsonObject };
  /** The fields of BadRequest's violations, in the order in which they came. */
  readonly violations?: readonly string[];
  readonly retryDelay?: string;
}

const METHODS = {
  Create: KeyService.method.create,
  Refresh: KeyService.method.refresh,
  Update: KeyService.method.update,
  Revoke: KeyService.method.revoke,
  RevokeAllForUser: KeyService.method.revokeAllForUser,
  RevokeAllForOrganization: KeyService.method.revokeAllForOrganization,
  RevokeAllForServiceAccount: KeyService.method.revokeAllForServiceAccount,
  EraseUser: KeyService.method.eraseUser,
  ReportLeak: KeyService.method.reportLeak,
  Verify: KeyService.method.verify,
  BatchVerify: KeyService.method.batchVerify,
  Get: KeyService.method.get,
  List: KeyService.method.list,
  ListEvents: EventService.method.listEvents,
} as const;

export type Rpc = keyof typeof METHODS;

export function methodOf(rpc: Rpc): DescMethodUnary {
  return METHODS[rpc];
}

/** `/fleetkey.v1.KeyService/Create`, the path of the rpc in every protocol. */
export function pathOf(rpc: Rpc): string {
  const method = methodOf(rpc);
  return `/${method.parent.typeName}/${method.name}`;
}

/** Reads packed error details: the full name of a message and its bytes. */
export function readDetails(
  packed: readonly { readonly type: string; readonly value: Uint8Array }[],
): ErrorDetailsRead {
  const json = (schema: DescMessage): JsonObject | undefined => {
    const found = packed.find(({ type }) => type === schema.typeName);
    return found && (toJson(schema, fromBinary(schema, found.value)) as JsonObject);
  };
  const errorInfo = json(ErrorInfoSchema);
  const badRequest = json(BadRequestSchema) as { fieldViolations?: { field?: string }[] } | undefined;
  return {
    errorInfo: errorInfo && ({ metadata: {}, ...errorInfo } as ErrorDetailsRead["errorInfo"]),
    violations: badRequest?.fieldViolations?.map(({ field = "" }) => field),
    retryDelay: json(RetryInfoSchema)?.["retryDelay"] as string | undefined,
  };
}

/** An error in Connect's JSON form, as the body of an answer or as a tool prints it. */
export function readErrorJson(text: string): Outcome {
  const error = JSON.parse(text) as {
    readonly code: string;
    readonly message?: string;
    readonly details?: readonly { readonly type: string; readonly value: string }[];
  };
  const packed = error.details?.map(({ type, value }) => ({ type, value: Buffer.from(value, "base64") }));
  return { code: error.code, message: error.message, details: readDetails(packed ?? []) };
}
