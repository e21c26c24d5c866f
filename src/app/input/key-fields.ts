// Bounds and forms of the fields that requests share. Each bound is published in the proto comments.
import { lookupOf } from "../../domain/api-key/key-id.ts";
import { KEY_TYPES } from "../../domain/key-type.ts";
import { OWNER_FIELDS, type Owner } from "../../domain/principal.ts";
import type { Target } from "../target/find-target.ts";
import type { Violations } from "./violations.ts";

export const ID_BYTES_MAX = 128;
export const NAME_BYTES_MAX = 256;
export const DESCRIPTION_BYTES_MAX = 1_024;
export const REASON_BYTES_MAX = 256;
export const REQUEST_ID_BYTES_MAX = 128;
export const PROVIDER_BYTES_MAX = 64;
export const PROVIDER_PATTERN = /^[a-z0-9_.-]+$/;
export const ETAG_BYTES_MAX = 64;
export const METADATA_BYTES_MAX = 8_192;
export const METADATA_DEPTH_MAX = 16;
export const PAGE_SIZE_DEFAULT = 50;
export const PAGE_SIZE_MAX = 1_000;

/** Owner fields as they come from a transport: empty when left out. */
export interface OwnerInput {
  readonly userId: string;
  readonly organizationId: string;
  readonly serviceAccountId: string;
}

/** No owner at all. */
export const NO_OWNER: OwnerInput = { userId: "", organizationId: "", serviceAccountId: "" };

/** The owner fields as the protos name them. */
export const OWNER_PATHS = {
  userId: "user_id",
  organizationId: "organization_id",
  serviceAccountId: "service_account_id",
} as const;

/** A target as it comes from a transport; undefined when none was given. */
export type TargetInput =
  | { readonly by: "key_id"; readonly keyId: string }
  | { readonly by: "owner"; readonly type: string | undefined; readonly owner: OwnerInput }
  | { readonly by: "api_key"; readonly apiKey: string }
  | undefined;

/** Checks the owner fields; `path` is what precedes them, such as `owner.`. */
export function checkOwner(violations: Violations, input: OwnerInput, path = ""): Owner {
  const rule = { bytesMax: ID_BYTES_MAX };
  const userId = violations.text(`${path}user_id`, input.userId, rule);
  const organizationId = violations.text(`${path}organization_id`, input.organizationId, rule);
  const serviceAccountId = violations.text(`${path}service_account_id`, input.serviceAccountId, rule);
  return { userId, organizationId, serviceAccountId };
}

/** Checks a key_id's form; one that cannot exist is as wrong as a mistyped field. */
export function checkKeyId(violations: Violations, field: string, keyId: string): void {
  if (keyId === "") violations.add(field, "is required");
  else if (lookupOf(keyId) === undefined) violations.add(field, "must be flk_ and 12 base62 characters");
}

/** Checks a target. An api_key's own form is not a violation: it is refused as one that is not there. */
export function checkTarget(violations: Violations, input: TargetInput): Target | undefined {
  if (input === undefined) {
    violations.add("target", "one of key_id, owner, api_key is required");
    return undefined;
  }
  if (input.by === "key_id") {
    checkKeyId(violations, "key_id", input.keyId);
    return input;
  }
  if (input.by === "api_key") {
    if (input.apiKey === "") violations.add("api_key", "is required");
    return input;
  }
  const type = violations.oneOf("owner.type", input.type, KEY_TYPES, { isRequired: true });
  const owner = checkOwner(violations, input.owner, "owner.");
  if (OWNER_FIELDS.every((field) => owner[field] === undefined)) {
    violations.add("owner", "one of user_id, organization_id, service_account_id is required");
  }
  return type === undefined ? undefined : { by: "owner", type, owner };
}

/** Checks metadata and gives it as JSON text. Undefined when left out. */
export function checkMetadata(violations: Violations, metadata: unknown): string | undefined {
  if (metadata === undefined) return undefined;
  const trouble = metadataTrouble(metadata, METADATA_DEPTH_MAX);
  if (trouble !== undefined) {
    violations.add("metadata", trouble);
    return undefined;
  }
  const text = JSON.stringify(metadata);
  if (Buffer.byteLength(text) > METADATA_BYTES_MAX) {
    violations.add("metadata", `must be at most ${METADATA_BYTES_MAX} bytes as JSON`);
  }
  return text;
}

// What JSON text cannot carry unharmed is refused, since metadata is promised to be kept as given.
function metadataTrouble(value: unknown, depthLeft: number): string | undefined {
  if (typeof value === "string") return value.isWellFormed() ? undefined : "must hold well-formed Unicode";
  if (typeof value === "number") return Number.isFinite(value) ? undefined : "must hold finite numbers";
  if (typeof value !== "object" || value === null) return undefined;
  if (depthLeft === 0) return `must be at most ${METADATA_DEPTH_MAX} levels deep`;
  for (const [name, item] of Object.entries(value)) {
    const trouble = metadataTrouble(name, 0) ?? metadataTrouble(item, depthLeft - 1);
    if (trouble !== undefined) return trouble;
  }
  return undefined;
}

/** The page size to use: 0 means the default, and more than the maximum means the maximum. */
export function pageSizeOf(requested: number): number {
  return requested === 0 ? PAGE_SIZE_DEFAULT : Math.min(requested, PAGE_SIZE_MAX);
}
