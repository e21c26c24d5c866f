// From Fleetkey's errors to Connect's, which Connect writes as gRPC, gRPC-Web or Connect. Details follow
// AIP-193.
import { create, createRegistry } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../../gen/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "../../../gen/google/rpc/status_pb.js";
import { type ErrorCode, FleetkeyError } from "../../domain/errors.ts";
import type { Log } from "../../observability/log.ts";

/** The domain of every ErrorInfo. */
export const ERROR_DOMAIN = "fleetkey";

const CODES: Readonly<Record<ErrorCode, Code>> = {
  invalid_argument: Code.InvalidArgument,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  failed_precondition: Code.FailedPrecondition,
  aborted: Code.Aborted,
  unauthenticated: Code.Unauthenticated,
  permission_denied: Code.PermissionDenied,
  resource_exhausted: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
};

/** Maps an error that is meant for the caller. */
export function toConnectError(error: FleetkeyError): ConnectError {
  const { reason, metadata = {}, violations, retryAfterMs } = error.details;
  const mapped = new ConnectError(error.message, CODES[error.code]);
  mapped.details = [{ desc: ErrorInfoSchema, value: { reason, domain: ERROR_DOMAIN, metadata } }];
  if (violations !== undefined) {
    mapped.details.push({ desc: BadRequestSchema, value: { fieldViolations: [...violations] } });
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = {
      seconds: BigInt(Math.floor(retryAfterMs / 1_000)),
      nanos: (retryAfterMs % 1_000) * 1e6,
    };
    mapped.details.push({ desc: RetryInfoSchema, value: { retryDelay } });
    mapped.metadata.set("retry-after", String(Math.ceil(retryAfterMs / 1_000)));
  }
  if (error.code === "unauthenticated") mapped.metadata.set("www-authenticate", "Bearer");
  return mapped;
}

/** The error as part of an answer; the numbers of Connect's codes are gRPC's. */
export function toStatus({ code, rawMessage, details }: ConnectError): Status {
  const packed = details.flatMap((detail) =>
    "desc" in detail ? [anyPack(detail.desc, create(detail.desc, detail.value))] : [],
  );
  return create(StatusSchema, { code, message: rawMessage, details: packed });
}

/** What details can be, for JSON, which spells them out. */
export const DETAILS_REGISTRY = createRegistry(ErrorInfoSchema, BadRequestSchema, RetryInfoSchema);

/** Maps whatever was thrown. A bug tells the caller nothing but that it is one; `report` gets all of it. */
export function asConnectError(thrown: unknown, report: (bug: unknown) => void): ConnectError {
  if (thrown instanceof FleetkeyError) return toConnectError(thrown);
  if (thrown instanceof ConnectError) return thrown;
  // Whoever waited for the answer does not.
  if (thrown instanceof Error && thrown.name === "AbortError") return ConnectError.from(thrown);
  report(thrown);
  const internal = new ConnectError("internal error", Code.Internal);
  internal.details = [
    { desc: ErrorInfoSchema, value: { reason: "INTERNAL", domain: ERROR_DOMAIN, metadata: {} } },
  ];
  return internal;
}

/** Maps what ended a call, and tells the log what its operator must know; never a message or a header. */
export function toldError(log: Log, rpc: string | undefined, thrown: unknown): ConnectError {
  const error = asConnectError(thrown, (bug) => log.error({ err: bug, rpc }, "bug"));
  if (error.code === Code.Unavailable) log.warn({ err: causeOf(thrown), rpc }, "unavailable");
  return error;
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof ConnectError || !(thrown instanceof Error) ? thrown : (thrown.cause ?? thrown);
}
