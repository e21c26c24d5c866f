// What an Update asks for, checked: which fields of a key to set, and to what. Only the fields that the mask
// names are looked at. What depends on the key as it is now is keys/update-key.ts's.
import { keyTypeOf } from "../../domain/api-key/key-id.ts";
import type { KeyUpdate } from "../../domain/key-changes.ts";
import type { KeyPolicy } from "../ports.ts";
import { endTrouble } from "./chosen/key-lifetime.ts";
import { checkQuota, checkRateLimit, type QuotaInput, type RateLimitInput } from "./chosen/limit-fields.ts";
import { checkCidrs, checkRoles, checkScopes } from "./grant-fields.ts";
import {
  checkKeyId,
  checkMetadata,
  DESCRIPTION_BYTES_MAX,
  ETAG_BYTES_MAX,
  NAME_BYTES_MAX,
} from "./key-fields.ts";
import { Violations } from "./violations.ts";

/** As it comes from a transport: texts are empty when left out, times are NaN when they were not valid. */
export interface UpdateKeyInput {
  readonly keyId: string;
  /** Of the update_mask, as the proto names fields. */
  readonly paths: readonly string[];
  readonly name: string;
  readonly description: string;
  readonly metadata?: unknown;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly expireTime?: number;
  readonly allowedCidrs: readonly string[];
  readonly rateLimit?: RateLimitInput;
  readonly quota?: QuotaInput;
  readonly disabled: boolean;
  readonly previousExpireTime?: number;
  readonly etag: string;
}

export interface UpdateCommand {
  readonly keyId: string;
  readonly update: KeyUpdate;
  readonly etag?: string;
  /** Why a key cannot be given this expireTime, unless it has it already. */
  readonly expireTimeTrouble?: string;
}

/** A time that has come, by any clock. */
const AT_ONCE = Number.NEGATIVE_INFINITY;

type FieldCheck = (violations: Violations, input: UpdateKeyInput, policy: KeyPolicy) => KeyUpdate;

/** By its path in the mask: checks a field and gives what it is set to. */
const FIELDS: ReadonlyMap<string, FieldCheck> = new Map<string, FieldCheck>([
  [
    "name",
    (violations, { name }) => {
      violations.text("name", name, { bytesMax: NAME_BYTES_MAX });
      return { name };
    },
  ],
  [
    "description",
    (violations, { description }) => {
      violations.text("description", description, { bytesMax: DESCRIPTION_BYTES_MAX });
      return { description };
    },
  ],
  ["metadata", (violations, { metadata }) => ({ metadata: checkMetadata(violations, metadata) })],
  [
    "scopes",
    (violations, { scopes }) => {
      checkScopes(violations, "scopes", scopes);
      return { scopes: [...new Set(scopes)] };
    },
  ],
  [
    "roles",
    (violations, { roles }, policy) => {
      checkRoles(violations, "roles", roles, policy.roles);
      return { roles: [...new Set(roles)] };
    },
  ],
  ["expire_time", (_, { expireTime }) => ({ expireTime })],
  [
    "allowed_cidrs",
    (violations, { allowedCidrs }) => {
      checkCidrs(violations, "allowed_cidrs", allowedCidrs);
      return { allowedCidrs: [...new Set(allowedCidrs)] };
    },
  ],
  ["rate_limit", (violations, { rateLimit }) => ({ rateLimit: checkRateLimit(violations, rateLimit) })],
  ["quota", (violations, { quota }) => ({ quota: checkQuota(violations, quota) })],
  ["disabled", (_, { disabled }) => ({ isDisabled: disabled })],
  [
    "previous_expire_time",
    (violations, { previousExpireTime }) => {
      if (Number.isNaN(previousExpireTime)) {
        violations.add("previous_expire_time", "must be a time from year 1 to 9999");
      }
      return { previousEndTime: previousExpireTime ?? AT_ONCE };
    },
  ],
]);

/** Throws `invalid_argument` with every violation. */
export function checkUpdate(input: UpdateKeyInput, policy: KeyPolicy, now: number): UpdateCommand {
  const violations = new Violations();
  const ofKey = violations.within("key");
  checkKeyId(ofKey, "key_id", input.keyId);
  const paths = new Set(input.paths);
  if (paths.size === 0) violations.add("update_mask", "is required");
  let update: KeyUpdate = {};
  for (const path of paths) {
    const check = FIELDS.get(path);
    if (check !== undefined) update = { ...update, ...check(ofKey, input, policy) };
  }
  if (![...paths].every((path) => FIELDS.has(path))) {
    violations.add("update_mask", `must hold nothing but ${[...FIELDS.keys()].join(", ")}`);
  }
  const etag = violations.text("etag", input.etag, { bytesMax: ETAG_BYTES_MAX });
  const expireTimeTrouble = paths.has("expire_time")
    ? endTrouble(input.expireTime, keyTypeOf(input.keyId), policy, now)
    : undefined;
  // Told here with the rest. Alone it waits for the key: what that has already can be set again.
  if (expireTimeTrouble !== undefined && !violations.isEmpty) ofKey.add("expire_time", expireTimeTrouble);
  violations.throwIfAny();
  return { keyId: input.keyId, update, etag, expireTimeTrouble };
}
