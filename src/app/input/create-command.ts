// What a Create asks for, checked: the fields of the record (chosen-fields.ts), and the request's name.
import { createHash } from "node:crypto";
import { requestKeyOf } from "../../domain/api-key/key-id.ts";
import type { KeyRecord } from "../../domain/key.ts";
import { KEY_TYPES } from "../../domain/key-type.ts";
import type { KeyPolicy } from "../ports.ts";
import { type ChosenFields, type ChosenInput, checkChosenFields } from "./chosen/chosen-fields.ts";
import { REQUEST_ID_BYTES_MAX } from "./key-fields.ts";
import { Violations } from "./violations.ts";

/** As it comes from a transport: texts are empty when left out. */
export interface CreateKeyInput extends ChosenInput {
  readonly type: string | undefined;
  readonly exclusive: boolean;
  readonly requestId: string;
}

export interface CreateCommand {
  readonly fields: ChosenFields & Pick<KeyRecord, "type">;
  readonly isExclusive: boolean;
  readonly requestId?: string;
  readonly request?: NonNullable<KeyRecord["request"]>;
}

/** Throws `invalid_argument` with every violation. */
export function checkCreate(
  input: CreateKeyInput,
  callerId: string,
  policy: KeyPolicy,
  now: number,
): CreateCommand {
  const violations = new Violations();
  const type = violations.oneOf("type", input.type, KEY_TYPES, { isRequired: true });
  const chosen = checkChosenFields(violations, type, input, policy, now);
  const requestId = violations.text("request_id", input.requestId, { bytesMax: REQUEST_ID_BYTES_MAX });
  violations.throwIfAny();
  if (type === undefined) throw new TypeError("a missing type is a violation");

  const fields = { type, ...chosen };
  return { fields, isExclusive: input.exclusive, requestId, request: requestOf(input, callerId) };
}

/** Recognizes a repetition of the request; undefined when it has no request_id. */
export function requestOf(input: CreateKeyInput, callerId: string): CreateCommand["request"] {
  const { requestId } = input;
  if (requestId === "") return undefined;
  return { key: requestKeyOf(callerId, requestId), digest: requestDigest(input) };
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
    rateLimit: input.rateLimit,
    quota: input.quota,
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
