// Between the wire messages and the domain. Only translation: nothing is decided and nothing is refused here;
// what cannot be translated becomes NaN or the bare enum number, which the use case then reports as a
// violation.
import { create, type JsonObject } from "@bufbuild/protobuf";
import { type Duration, type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { EventKind, type Event as EventMessage, EventSchema } from "../../../../gen/fleetkey/v1/event_pb.js";
import {
  DenialReason as DenialReasonEnum,
  type Key,
  KeySchema,
  KeyState as KeyStateEnum,
  KeyType as KeyTypeEnum,
} from "../../../../gen/fleetkey/v1/key_pb.js";
import {
  type RefreshRequest,
  type RevokeRequest,
  type VerifyRequest,
  type VerifyResponse,
  VerifyResponseSchema,
} from "../../../../gen/fleetkey/v1/key_service_pb.js";
import type { TargetInput } from "../../../app/input/key-fields.ts";
import type { VerifyKeyInput } from "../../../app/verify/verify-key.ts";
import type { NumberedEvent } from "../../../domain/audit/event.ts";
import { etagOf, keyPrefixOf, newestGeneration } from "../../../domain/key.ts";
import { graceEndOf, revocationOf, stateOf } from "../../../domain/lifecycle.ts";
import type { KeyView, Verdict } from "../../../domain/verdict.ts";

// Enum values are named as the domain's words, in capitals.
type EnumObject = Readonly<Record<string, string | number>>;

/**
 * The domain's word for an enum value; undefined for the unspecified one, the number for one that is not
 * known.
 */
function enumWord(values: EnumObject, value: number): string | undefined {
  return value === 0 ? undefined : String(values[value] ?? value).toLowerCase();
}

function enumValue(values: EnumObject, word: string): number {
  const value = values[word.toUpperCase()];
  if (typeof value !== "number") throw new TypeError(`the contract has no value for ${word}`);
  return value;
}

export const keyTypeWord = (value: KeyTypeEnum) => enumWord(KeyTypeEnum, value);
export const keyStateWord = (value: KeyStateEnum) => enumWord(KeyStateEnum, value);
export const eventKindWord = (value: EventKind) => enumWord(EventKind, value);

/** Milliseconds since the Unix epoch, NaN outside of what a Timestamp may hold. */
export function timeMs(timestamp: Timestamp | undefined): number | undefined {
  if (timestamp === undefined) return undefined;
  const { seconds, nanos } = timestamp;
  const isValid = seconds >= -62_135_596_800n && seconds <= 253_402_300_799n && nanos >= 0 && nanos < 1e9;
  return isValid ? timestampMs(timestamp) : Number.NaN;
}

/** Milliseconds, NaN outside of what a Duration may hold. */
export function durationMs(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const { seconds, nanos } = duration;
  const isValid = Math.abs(Number(seconds)) <= 315_576_000_000 && Math.abs(nanos) < 1e9;
  return isValid ? Number(seconds) * 1_000 + Math.trunc(nanos / 1e6) : Number.NaN;
}

export function targetInput(target: RefreshRequest["target"] | RevokeRequest["target"]): TargetInput {
  switch (target.case) {
    case "keyId":
      return { by: "key_id", keyId: target.value };
    case "apiKey":
      return { by: "api_key", apiKey: target.value };
    case "owner":
      return { by: "owner", type: keyTypeWord(target.value.type), owner: target.value };
    default:
      return undefined;
  }
}

/** The key as its readers see it at this time. */
export function keyMessage(view: KeyView, now: number): Key {
  const { key } = view;
  const revocation = revocationOf(view);
  return create(KeySchema, {
    keyId: key.keyId,
    type: enumValue(KeyTypeEnum, key.type),
    keyPrefix: keyPrefixOf(key),
    state: enumValue(KeyStateEnum, stateOf(view, now)),
    ...key.owner,
    name: key.name,
    description: key.description,
    metadata: key.metadata === undefined ? undefined : (JSON.parse(key.metadata) as JsonObject),
    scopes: [...key.scopes],
    roles: [...key.roles],
    allowedCidrs: [...key.allowedCidrs],
    provider: key.provider,
    environment: key.environment,
    createTime: timestampFromMs(key.createTime),
    createdBy: key.createdBy,
    updateTime: timestampFromMs(key.updateTime),
    expireTime: optionalTime(key.expireTime),
    revokeTime: optionalTime(revocation?.time),
    revokeReason: revocation?.reason,
    generation: newestGeneration(key).number,
    previousExpireTime: optionalTime(graceEndOf(key, now)),
    exclusive: key.slot !== undefined,
    etag: etagOf(key),
  });
}

/** What a Verify asks. */
export function verifyInput({ expectedType, ...request }: VerifyRequest): VerifyKeyInput {
  return { ...request, expectedType: keyTypeWord(expectedType) };
}

/** A verdict as its caller sees it at this time. */
export function verifyResponse(verdict: Verdict, now: number): VerifyResponse {
  const key = verdict.view && keyMessage(verdict.view, now);
  if (verdict.valid) return create(VerifyResponseSchema, { valid: true, key });
  const denialReason = enumValue(DenialReasonEnum, verdict.reason);
  const missingScopes = [...(verdict.missingScopes ?? [])];
  return create(VerifyResponseSchema, { valid: false, denialReason, key, missingScopes });
}

export function eventMessage(event: NumberedEvent): EventMessage {
  return create(EventSchema, {
    number: BigInt(event.number),
    eventId: event.eventId,
    kind: enumValue(EventKind, event.kind),
    time: timestampFromMs(event.time),
    caller: event.caller,
    keyId: event.keyId,
    keyType: event.keyType === undefined ? KeyTypeEnum.UNSPECIFIED : enumValue(KeyTypeEnum, event.keyType),
    ...event.owner,
    reason: event.reason,
    requestId: event.requestId,
    address: event.address,
  });
}

function optionalTime(ms: number | undefined): Timestamp | undefined {
  return ms === undefined ? undefined : timestampFromMs(ms);
}
