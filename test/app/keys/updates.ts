// Updates as data: a key of which every field is set, what each of them is changed to, and what the record
// has then.
import type { UpdateKeyInput } from "../../../src/app/input/update-command.ts";
import { updateKey } from "../../../src/app/keys/update-key.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { START } from "../../domain/build.ts";
import { updateInput } from "../requests.ts";
import { ROOT, type World } from "../world.ts";

export const update = ({ ports }: World, keyId: string, input: Partial<UpdateKeyInput>, caller = ROOT) =>
  updateKey(ports, caller, updateInput(keyId, input));

/** What a key is created with, each field another one than below. */
export const BEFORE = {
  organizationId: "org-1",
  name: "before",
  description: "before",
  metadata: { before: true },
  scopes: ["before"],
  roles: ["reader"],
  allowedCidrs: ["192.0.2.0/24"],
  rateLimit: { limit: 1, windowMs: 1_000 },
  quota: { limit: 1, period: "day" },
  expireTime: START + 50_000,
};

/** A field, what it is set to, and what the record has then. */
export const UPDATES: readonly (readonly [string, Partial<UpdateKeyInput>, Partial<KeyRecord>])[] = [
  ["name", { name: "after ✓" }, { name: "after ✓" }],
  ["description", { description: "after" }, { description: "after" }],
  ["metadata", { metadata: { after: [null] } }, { metadata: '{"after":[null]}' }],
  ["scopes", { scopes: ["b", "a", "b"] }, { scopes: ["b", "a"] }],
  ["roles", { roles: [] }, { roles: [] }],
  ["allowed_cidrs", { allowedCidrs: ["::1", "::1"] }, { allowedCidrs: ["::1"] }],
  ["rate_limit", { rateLimit: { limit: 2, windowMs: 1_000 } }, { rateLimit: { limit: 2, windowMs: 1_000 } }],
  ["quota", { quota: { limit: 1, period: "none" } }, { quota: { limit: 1, period: "none" } }],
  ["expire_time", { expireTime: START + 1_001 }, { expireTime: START + 1_001 }],
  [
    "disabled",
    { disabled: true },
    { disablement: { time: START + 1_000, caller: "root", isByOperator: true } },
  ],
];

export const CLEARED: readonly (readonly [string, Partial<KeyRecord>])[] = [
  ["name", { name: "" }],
  ["description", { description: "" }],
  ["metadata", { metadata: undefined }],
  ["scopes", { scopes: [] }],
  ["roles", { roles: [] }],
  ["allowed_cidrs", { allowedCidrs: [] }],
  ["rate_limit", { rateLimit: undefined }],
  ["quota", { quota: undefined }],
  ["expire_time", { expireTime: undefined }],
];
