// The fields of a key that are its creator's to choose, checked in one place for Create and Import.
import type { KeyRecord } from "../../../domain/key.ts";
import { KEY_TYPE_TRAITS, type KeyType } from "../../../domain/key-type.ts";
import type { Owner } from "../../../domain/principal.ts";
import type { KeyPolicy } from "../../ports.ts";
import { checkCidrs, checkRoles, checkScopes } from "../grant-fields.ts";
import {
  checkMetadata,
  checkOwner,
  DESCRIPTION_BYTES_MAX,
  NAME_BYTES_MAX,
  OWNER_PATHS,
  type OwnerInput,
  PROVIDER_BYTES_MAX,
  PROVIDER_PATTERN,
} from "../key-fields.ts";
import type { Violations } from "../violations.ts";
import { checkLifetime, type LifetimeInput } from "./key-lifetime.ts";
import { checkQuota, checkRateLimit, type QuotaInput, type RateLimitInput } from "./limit-fields.ts";

/** As they come from a transport: texts are empty when left out. */
export interface ChosenInput extends OwnerInput, LifetimeInput {
  readonly name: string;
  readonly description: string;
  readonly metadata?: unknown;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly allowedCidrs: readonly string[];
  readonly rateLimit?: RateLimitInput;
  readonly quota?: QuotaInput;
  readonly provider: string;
}

export type ChosenFields = Pick<
  KeyRecord,
  | "owner"
  | "provider"
  | "name"
  | "description"
  | "metadata"
  | "scopes"
  | "roles"
  | "allowedCidrs"
  | "rateLimit"
  | "quota"
  | "expireTime"
>;

/** Owner fields that only some types may carry: what no type needs is refused rather than kept unread. */
const PROTO_FIELDS = { ...OWNER_PATHS, provider: "provider" } as const;

/** Checks them all. Without a type, whose lack is the caller's to tell, what depends on it goes unchecked. */
export function checkChosenFields(
  violations: Violations,
  type: KeyType | undefined,
  input: ChosenInput,
  policy: KeyPolicy,
  now: number,
): ChosenFields {
  const owner = checkOwner(violations, input);
  const provider = violations.text("provider", input.provider, {
    bytesMax: PROVIDER_BYTES_MAX,
    pattern: PROVIDER_PATTERN,
  });
  violations.text("name", input.name, { bytesMax: NAME_BYTES_MAX });
  violations.text("description", input.description, { bytesMax: DESCRIPTION_BYTES_MAX });
  const metadata = checkMetadata(violations, input.metadata);
  checkScopes(violations, "scopes", input.scopes);
  checkRoles(violations, "roles", input.roles, policy.roles);
  checkCidrs(violations, "allowed_cidrs", input.allowedCidrs);
  const rateLimit = checkRateLimit(violations, input.rateLimit);
  const quota = checkQuota(violations, input.quota);
  if (type !== undefined) checkTypeFields(violations, type, owner, provider);
  const expireTime = checkLifetime(violations, input, type, policy, now);
  return {
    owner,
    name: input.name,
    description: input.description,
    provider,
    metadata,
    scopes: [...new Set(input.scopes)],
    roles: [...new Set(input.roles)],
    allowedCidrs: [...new Set(input.allowedCidrs)],
    rateLimit,
    quota,
    expireTime,
  };
}

function checkTypeFields(
  violations: Violations,
  type: KeyType,
  owner: Owner,
  provider: string | undefined,
): void {
  const given = { ...owner, provider };
  for (const field of KEY_TYPE_TRAITS[type].required) {
    if (given[field] === undefined) violations.add(PROTO_FIELDS[field], "is required for this key type");
  }
  for (const field of ["serviceAccountId", "provider"] as const) {
    if (given[field] !== undefined && !KEY_TYPE_TRAITS[type].required.includes(field)) {
      violations.add(PROTO_FIELDS[field], "is not for this key type");
    }
  }
}
