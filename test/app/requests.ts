// Requests as a transport hands them in, each field open to an override: texts are empty when they are left
// out.

import type { ListEventsInput } from "../../src/app/events/list-events.ts";
import type { CreateKeyInput } from "../../src/app/input/create-command.ts";
import type { OwnerInput, TargetInput } from "../../src/app/input/key-fields.ts";
import type { UpdateKeyInput } from "../../src/app/input/update-command.ts";
import type { ListKeysInput } from "../../src/app/keys/read-keys.ts";
import type { RefreshKeyInput } from "../../src/app/keys/refresh-key.ts";
import type { RevokeKeyInput } from "../../src/app/keys/revoke-key.ts";
import type { RevokeUserInput } from "../../src/app/principals/revoke-principal.ts";
import type { KeyType } from "../../src/domain/key-type.ts";

const NO_OWNER: OwnerInput = { userId: "", organizationId: "", serviceAccountId: "" };

/** What each type needs beside its name. */
export const NEEDED: Readonly<Record<KeyType, Partial<CreateKeyInput>>> = {
  user: { type: "user", userId: "user-1" },
  organization: { type: "organization", userId: "", organizationId: "org-1" },
  service: { type: "service", userId: "", serviceAccountId: "account-1" },
  publishable: { type: "publishable", userId: "" },
  integration: { type: "integration", userId: "", provider: "stripe" },
};

/** A user key of user-1. */
export function createInput(overrides: Partial<CreateKeyInput> = {}): CreateKeyInput {
  return {
    ...NO_OWNER,
    type: "user",
    userId: "user-1",
    name: "",
    description: "",
    scopes: [],
    roles: [],
    allowedCidrs: [],
    provider: "",
    exclusive: false,
    requestId: "",
    ...overrides,
  };
}

export function refreshInput(target: TargetInput, overrides: Partial<RefreshKeyInput> = {}): RefreshKeyInput {
  return { target, graceMs: 0, etag: "", requestId: "", ...overrides };
}

/** Without a path it names nothing to change. */
export function updateInput(keyId: string, overrides: Partial<UpdateKeyInput> = {}): UpdateKeyInput {
  const texts = { name: "", description: "", etag: "" };
  const lists = { paths: [], scopes: [], roles: [], allowedCidrs: [] };
  return { keyId, ...texts, ...lists, disabled: false, ...overrides };
}

export function revokeInput(target: TargetInput, reason = ""): RevokeKeyInput {
  return { target, reason };
}

export function revokeUserInput(overrides: Partial<RevokeUserInput> = {}): RevokeUserInput {
  return { userId: "user-1", organizationId: "", reason: "", requestId: "", ...overrides };
}

export function listInput(overrides: Partial<ListKeysInput> = {}): ListKeysInput {
  return {
    ...NO_OWNER,
    type: undefined,
    state: undefined,
    name: "",
    pageSize: 0,
    pageToken: "",
    ...overrides,
  };
}

export function eventsInput(overrides: Partial<ListEventsInput> = {}): ListEventsInput {
  return { ...NO_OWNER, keyId: "", caller: "", kind: undefined, pageSize: 0, pageToken: "", ...overrides };
}

export function byId(keyId: string): TargetInput {
  return { by: "key_id", keyId };
}

export function byApiKey(apiKey: string): TargetInput {
  return { by: "api_key", apiKey };
}

export function byOwner(owner: Partial<OwnerInput>, type: string | undefined = "user"): TargetInput {
  return { by: "owner", type, owner: { ...NO_OWNER, ...owner } };
}
