// The ways in which a caller comes by a key, each with the same wanted fields: it makes the key, changes one
// to be so, changes or refreshes one that is so. One rule is for all of them.
import type { Caller } from "../../../src/access/caller.ts";
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import { createKey } from "../../../src/app/keys/create-key.ts";
import { importBatch } from "../../../src/app/keys/import-keys.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { updateKey } from "../../../src/app/keys/update-key.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { FleetkeyError } from "../../../src/domain/errors.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { legacyKey, sha256Record } from "../imports.ts";
import { byApiKey, byId, byOwner, createInput, refreshInput, updateInput } from "../requests.ts";
import { create, feedOf, stored } from "../world.ts";
import { noting, writesOf } from "./callers.ts";

/** What the key is to hold. */
export type Wanted = Pick<
  Partial<CreateKeyInput>,
  "scopes" | "roles" | "expireTime" | "allowedCidrs" | "rateLimit" | "quota"
>;

/** Whose keys they are: inside the bounds of every caller of the grant tests. */
export const TARGET_OWNER = { userId: "user-1", organizationId: "org-1" };

/** What an Update names to give a key all that is wanted, and takes away what is not. */
const PATHS = ["scopes", "roles", "expire_time", "allowed_cidrs", "rate_limit", "quota"];

/** Prepares as root; gives the attempt. */
type Way = (ports: AppPorts, wanted: Wanted) => Promise<(ports: AppPorts, caller: Caller) => Promise<string>>;

/** A key with a name of its own, so that it is known from the caller's. */
const made = (ports: AppPorts, wanted: Wanted, overrides: Partial<CreateKeyInput> = {}) =>
  create(ports, { ...TARGET_OWNER, ...wanted, ...overrides });

export const WAYS: readonly (readonly [string, Way])[] = [
  [
    "Create",
    async (_, wanted) => async (ports, caller) => {
      const result = await createKey(ports, caller, createInput({ ...TARGET_OWNER, ...wanted }));
      return result.view.key.keyId;
    },
  ],
  [
    "Import",
    async (_, wanted) => async (ports, caller) => {
      const record = sha256Record(legacyKey(77), { ...TARGET_OWNER, ...wanted });
      const batch = { records: [record], isDryRun: false, requestId: "" };
      const [outcome] = await importBatch(ports, caller, batch);
      if (outcome?.kind === "imported") return outcome.keyId;
      throw outcome?.kind === "refused" ? outcome.error : new Error("the key was there before");
    },
  ],
  [
    "Update to it",
    async (root, wanted) => {
      const { key } = await made(root, {});
      const input = updateInput(key.keyId, { ...wanted, paths: PATHS });
      return async (ports, caller) => (await updateKey(ports, caller, input)).key.keyId;
    },
  ],
  [
    "Update of a key that is so",
    async (root, wanted) => {
      const { key } = await made(root, wanted);
      const input = updateInput(key.keyId, { name: "new", paths: ["name"] });
      return async (ports, caller) => (await updateKey(ports, caller, input)).key.keyId;
    },
  ],
  [
    "Refresh by key_id",
    async (root, wanted) => {
      const { key } = await made(root, wanted);
      return refreshOf(byId(key.keyId));
    },
  ],
  [
    "Refresh by owner",
    async (root, wanted) => {
      await made(root, wanted, { exclusive: true });
      return refreshOf(byOwner(TARGET_OWNER));
    },
  ],
  [
    "Refresh by api_key",
    async (root, wanted) => {
      const { apiKey } = await made(root, wanted);
      return refreshOf(byApiKey(apiKey));
    },
  ],
];

function refreshOf(target: ReturnType<typeof byId>) {
  return async (ports: AppPorts, caller: Caller) =>
    (await refreshKey(ports, caller, refreshInput(target))).view.key.keyId;
}

/**
 * The key that the caller came by, or the refusal as its code, reason and what it names. A refusal must have
 * written nothing and told of nothing.
 */
export async function outcomeOf(
  ports: AppPorts,
  way: Way,
  wanted: Wanted,
  caller: Caller,
): Promise<KeyRecord | string> {
  const attempt = await way(ports, wanted);
  const before = await feedOf(ports);
  const { ports: noted, calls } = noting(ports);
  try {
    return await stored(ports, await attempt(noted, caller));
  } catch (error) {
    if (!(error instanceof FleetkeyError)) throw error;
    const after = await feedOf(ports);
    if (writesOf(calls).length > 0) throw new Error(`refused after ${writesOf(calls).join(", ")}`);
    if (after.length !== before.length) throw new Error("what was refused is told as done");
    const { field } = error.details.metadata ?? {};
    return [error.code, error.details.reason, ...(field === undefined ? [] : [field])].join(" ");
  }
}
