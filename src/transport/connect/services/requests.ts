// Requests as the use cases take them. Only translation: nothing is checked here, and nothing refused.

import type { Quota, RateLimit } from "../../../../gen/fleetkey/v1/key_pb.js";
import type {
  CreateRequest,
  ImportRecord,
  ListRequest,
  RefreshRequest,
  RevokeRequest,
  UpdateRequest,
  VerifyRequest,
} from "../../../../gen/fleetkey/v1/key_service_pb.js";
import type { CreateKeyInput } from "../../../app/input/create-command.ts";
import type { ImportRecordInput } from "../../../app/input/import-record.ts";
import type { TargetInput } from "../../../app/input/key-fields.ts";
import type { UpdateKeyInput } from "../../../app/input/update-command.ts";
import type { ListKeysInput } from "../../../app/keys/read-keys.ts";
import type { VerifyKeyInput } from "../../../app/verify/verify-key.ts";
import {
  DIGEST_ALGORITHM_WORDS,
  durationMs,
  KEY_STATE_WORDS,
  KEY_TYPE_WORDS,
  QUOTA_PERIOD_WORDS,
  timeMs,
} from "./words.ts";

interface Limits {
  readonly rateLimit?: RateLimit;
  readonly quota?: Quota;
}

function limitInputs({ rateLimit, quota }: Limits) {
  return {
    rateLimit: rateLimit && { limit: rateLimit.limit, windowMs: durationMs(rateLimit.window) },
    quota: quota && { limit: quota.limit, period: QUOTA_PERIOD_WORDS.wordOf(quota.period) },
  };
}

export function createInput({ expireTime, ttl, type, ...request }: CreateRequest): CreateKeyInput {
  return {
    ...request,
    ...limitInputs(request),
    type: KEY_TYPE_WORDS.wordOf(type),
    expireTime: timeMs(expireTime),
    ttlMs: durationMs(ttl),
  };
}

export function importInput({ algorithm, expireTime, ...record }: ImportRecord): ImportRecordInput {
  return {
    ...record,
    ...limitInputs(record),
    algorithm: DIGEST_ALGORITHM_WORDS.wordOf(algorithm),
    expireTime: timeMs(expireTime),
  };
}

/** Without a key its fields are empty; the use case then misses its key_id. */
export function updateInput({ key, updateMask, etag }: UpdateRequest): UpdateKeyInput {
  return {
    keyId: key?.keyId ?? "",
    paths: updateMask?.paths ?? [],
    name: key?.name ?? "",
    description: key?.description ?? "",
    metadata: key?.metadata,
    scopes: key?.scopes ?? [],
    roles: key?.roles ?? [],
    allowedCidrs: key?.allowedCidrs ?? [],
    ...limitInputs(key ?? {}),
    expireTime: timeMs(key?.expireTime),
    previousExpireTime: timeMs(key?.previousExpireTime),
    disabled: key?.disabled ?? false,
    etag,
  };
}

export function targetInput(target: RefreshRequest["target"] | RevokeRequest["target"]): TargetInput {
  switch (target.case) {
    case "keyId":
      return { by: "key_id", keyId: target.value };
    case "apiKey":
      return { by: "api_key", apiKey: target.value };
    case "owner":
      return { by: "owner", type: KEY_TYPE_WORDS.wordOf(target.value.type), owner: target.value };
    default:
      return undefined;
  }
}

/** What a Verify asks. */
export function verifyInput({ expectedType, ...request }: VerifyRequest): VerifyKeyInput {
  return { ...request, expectedType: KEY_TYPE_WORDS.wordOf(expectedType) };
}

export function listInput({
  type,
  state,
  expireBefore,
  unusedSince,
  ...request
}: ListRequest): ListKeysInput {
  return {
    ...request,
    type: KEY_TYPE_WORDS.wordOf(type),
    state: KEY_STATE_WORDS.wordOf(state),
    expireBefore: timeMs(expireBefore),
    unusedSince: timeMs(unusedSince),
  };
}
