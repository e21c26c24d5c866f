// Keys and verdicts as messages. Only translation: nothing is decided here.
import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { type Key, KeySchema } from "../../../../gen/fleetkey/v1/key_pb.js";
import {
  type BatchVerifyResultSchema,
  type LimitStatusSchema,
  type VerifyResponse,
  VerifyResponseSchema,
} from "../../../../gen/fleetkey/v1/key_service_pb.js";
import type { BatchOutcome } from "../../../app/verify/verify-key.ts";
import type { LimitStatus } from "../../../domain/grant/limit.ts";
import { etagOf, type KeyRecord, keyPrefixOf, newestGeneration } from "../../../domain/key.ts";
import { graceEndOf, revocationOf, stateOf } from "../../../domain/lifecycle.ts";
import type { LastUse } from "../../../domain/usage.ts";
import type { KeyView, Verdict } from "../../../domain/verdict.ts";
import { asConnectError, toStatus } from "../errors.ts";
import {
  DENIAL_REASON_WORDS,
  durationOf,
  KEY_STATE_WORDS,
  KEY_TYPE_WORDS,
  QUOTA_PERIOD_WORDS,
  timeOf,
} from "./words.ts";

/** The key as its readers see it at this time. */
export function keyMessage(view: KeyView, now: number, lastUse?: LastUse): Key {
  const { key } = view;
  const revocation = revocationOf(view);
  return create(KeySchema, {
    keyId: key.keyId,
    type: KEY_TYPE_WORDS.valueOf(key.type),
    keyPrefix: keyPrefixOf(key),
    state: KEY_STATE_WORDS.valueOf(stateOf(view, now)),
    ...key.owner,
    name: key.name,
    description: key.description,
    metadata: key.metadata === undefined ? undefined : (JSON.parse(key.metadata) as JsonObject),
    ...grantFields(key),
    provider: key.provider,
    environment: key.environment,
    createTime: timeOf(key.createTime),
    createdBy: key.createdBy,
    updateTime: timeOf(key.updateTime),
    expireTime: timeOf(key.expireTime),
    disabled: key.disablement !== undefined,
    disableTime: timeOf(key.disablement?.time),
    revokeTime: timeOf(revocation?.time),
    revokeReason: revocation?.reason,
    generation: newestGeneration(key).number,
    previousExpireTime: timeOf(graceEndOf(key, now)),
    lastUse: lastUse && { ...lastUse, time: timeOf(lastUse.time) },
    exclusive: key.slot !== undefined,
    etag: etagOf(key),
  });
}

function grantFields({ scopes, roles, allowedCidrs, rateLimit, quota }: KeyRecord) {
  return {
    scopes: [...scopes],
    roles: [...roles],
    allowedCidrs: [...allowedCidrs],
    rateLimit: rateLimit && { limit: rateLimit.limit, window: durationOf(rateLimit.windowMs) },
    quota: quota && { limit: quota.limit, period: QUOTA_PERIOD_WORDS.valueOf(quota.period) },
  };
}

/** A verdict as its caller sees it at this time. */
export function verifyResponse(verdict: Verdict, now: number): VerifyResponse {
  const limits = {
    key: verdict.view && keyMessage(verdict.view, now),
    rateLimitStatus: limitStatus(verdict.limits?.rateLimit),
    quotaStatus: limitStatus(verdict.limits?.quota),
  };
  if (verdict.valid) return create(VerifyResponseSchema, { valid: true, ...limits });
  const denialReason = DENIAL_REASON_WORDS.valueOf(verdict.reason);
  const missingScopes = [...(verdict.missingScopes ?? [])];
  return create(VerifyResponseSchema, { valid: false, denialReason, missingScopes, ...limits });
}

/** What became of one Verify of many. `report` is told of bugs. */
export function verifyResult(
  outcome: BatchOutcome,
  now: number,
  report: (bug: unknown) => void,
): MessageInitShape<typeof BatchVerifyResultSchema>["result"] {
  return "verdict" in outcome
    ? { case: "verify", value: verifyResponse(outcome.verdict, now) }
    : { case: "error", value: toStatus(asConnectError(outcome.failure, report)) };
}

function limitStatus(
  status: LimitStatus | undefined,
): MessageInitShape<typeof LimitStatusSchema> | undefined {
  if (status === undefined) return undefined;
  const { limit, remaining, resetMs } = status;
  return { limit, remaining, reset: resetMs === undefined ? undefined : durationOf(resetMs) };
}
