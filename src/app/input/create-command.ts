// What a Create asks for, checked: the fields of the record that are the creator's to choose, and the
// request's name.
import { createHash } from "node:crypto";
import { requestKeyOf } from "../../domain/api-key/key-id.ts";
import type { KeyRecord } from "../../domain/key.ts";
import { KEY_TYPE_TRAITS, KEY_TYPES, type KeyType } from "../../domain/key-type.ts";
import type { Owner } from "../../domain/principal.ts";
import type { KeyPolicy } from "../ports.ts";
import { checkCidrs, checkRoles, checkScopes } from "./grant-fields.ts";
import {
  checkMetadata,
  checkOwner,
  DESCRIPTION_BYTES_MAX,
  NAME_BYTES_MAX,
  OWNER_PATHS,
  type OwnerInput,
  PROVIDER_BYTES_MAX,
  PROVIDER_PATTERN,
  REQUEST_ID_BYTES_MAX,
} from "./key-fields.ts";
import { checkLifetime, type LifetimeInput } from "./key-lifetime.ts";
import { Violations } from "./violations.ts";

/** As it comes from a transport: texts are empty when left out. */
export interface CreateKeyInput extends OwnerInput, LifetimeInput {
  readonly type: string | undefined;
  readonly name: string;
  readonly description: string;
  readonly metadata?: unknown;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly allowedCidrs: readonly string[];
  readonly provider: string;
  readonly exclusive: boolean;
  readonly requestId: string;
}

type ChosenFields = Pick<
  KeyRecord,
  | "type"
  | "owner"
  | "provider"
  | "name"
  | "description"
  | "metadata"
  | "scopes"
  | "roles"
  | "allowedCidrs"
  | "expireTime"
>;

export interface CreateCommand {
  readonly fields: ChosenFields;
  readonly isExclusive: boolean;
  readonly requestId?: string;
  readonly request?: NonNullable<KeyRecord["request"]>;
}

/** Owner fields that only some types may carry: what no type needs is refused rather than kept unread. */
const PROTO_FIELDS = { ...OWNER_PATHS, provider: "provider" } as const;

/** Throws `invalid_argument` with every violation. */
export function checkCreate(
  input: CreateKeyInput,
  callerId: string,
  policy: KeyPolicy,
  now: number,
): CreateCommand {
  const violations = new Violations();
  const type = violations.oneOf("type", input.type, KEY_TYPES, { isRequired: true });
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
  const requestId = violations.text("request_id", input.requestId, { bytesMax: REQUEST_ID_BYTES_MAX });
  if (type !== undefined) checkTypeFields(violations, type, owner, provider);
  const expireTime = checkLifetime(violations, input, type, policy, now);
  violations.throwIfAny();
  if (type === undefined) throw new TypeError("a missing type is a violation");

  const fields: ChosenFields = {
    type,
    owner,
    name: input.name,
    description: input.description,
    provider,
    metadata,
    scopes: [...new Set(input.scopes)],
    roles: [...new Set(input.roles)],
    allowedCidrs: [...new Set(input.allowedCidrs)],
    expireTime,
  };
  const request =
    requestId === undefined
      ? undefined
      : { key: requestKeyOf(callerId, requestId), digest: requestDigest(input) };
  return { fields, isExclusive: input.exclusive, requestId, request };
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

// Taken from the request as it was asked, so that a ttl, which means another end each time, is equal to
// itself.
function requestDigest(input: CreateKeyInput): string {
  // Named one by one, since transports hand in more than this; the type sees to it that none is forgotten.
  const asked: Record<Exclude<keyof CreateKeyInput, "requestId">, unknown> = {
    type: input.type,
    userId: input.userId,
    organizationId: input.organizationId,
    serviceAccountId: input.serviceAccountId,
    name: input.name,
    description: input.description,
    metadata: input.metadata,
    scopes: input.scopes,
    roles: input.roles,
    allowedCidrs: input.allowedCidrs,
    provider: input.provider,
    exclusive: input.exclusive,
    expireTime: input.expireTime,
    ttlMs: input.ttlMs,
  };
  return createHash("sha256").update(canonicalJson(asked)).digest("base64url");
}

// JSON with its names in one order: clients may send the entries of a map in any.
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, item: unknown) => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
