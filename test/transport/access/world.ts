// The keys that one cell of the matrix is about: one inside the caller's bounds, one outside of them, and one
// that is not there. Each world has users and organizations of its own, since some calls end all of theirs.
import { createHash } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { ROOT_KEY } from "../../running-service.ts";
import { type Answers, strangeApiKey } from "../cases/case.ts";
import type { MatrixClient } from "./matrix-client.ts";

export const ROOT = { authorization: `Bearer ${ROOT_KEY}` };

/** Of which tenant something is: "a" is the caller's own. */
export interface Tenant {
  readonly user: "a" | "b";
  readonly org: "a" | "b";
}

/** What a cell is asked about. */
export interface Resource {
  readonly keyId: string;
  readonly apiKey: string;
  /** As a service key carries it. */
  readonly owner: Owner;
  /** The principals that RevokeAll and EraseUser are asked about. */
  readonly principals: Owner;
}

export type Owner = Readonly<Record<"userId" | "organizationId" | "serviceAccountId", string>>;

export interface World {
  readonly own: Resource;
  readonly foreign: Resource;
  readonly absent: Resource;
  /** The owner fields of a tenant of this world. */
  readonly ownerOf: (tenant: Tenant) => Owner;
}

let worlds = 0;

/** A call of the operator's that has to succeed. */
export async function asRoot(
  client: MatrixClient,
  rpc: "Create" | "Get" | "Update" | "Revoke",
  ask: JsonObject,
) {
  const { code, response = {}, message } = await client.call(rpc, ask, ROOT);
  if (code !== "ok") throw new Error(`${rpc}: ${code} ${message}`);
  return response as { readonly apiKey: string; readonly key: { readonly keyId: string } & JsonObject };
}

/** `foreign` is whose the key outside is. */
export async function newWorld(client: MatrixClient, foreign: Tenant): Promise<World> {
  const run = `${process.pid}-${++worlds}`;
  const ownerOf = ({ user, org }: Tenant): Owner => ({
    userId: `user-${user}-${run}`,
    organizationId: `org-${org}-${run}`,
    serviceAccountId: `account-${user}${org}-${run}`,
  });
  const create = async (tenant: Tenant, principals: Tenant): Promise<Resource> => {
    const owner = ownerOf(tenant);
    const { apiKey, key } = await asRoot(client, "Create", { type: "KEY_TYPE_SERVICE", ...owner });
    return { keyId: key.keyId, apiKey, owner, principals: ownerOf(principals) };
  };
  const nobody = { userId: `x-${run}`, organizationId: `y-${run}`, serviceAccountId: `z-${run}` };
  return {
    own: await create({ user: "a", org: "a" }, { user: "a", org: "a" }),
    foreign: await create(foreign, { user: "b", org: "b" }),
    absent: { keyId: "flk_sAAAAAAAAAAA", apiKey: absentApiKey(), owner: nobody, principals: nobody },
    ownerOf,
  };
}

const NO_ANSWERS: Answers = { kept: {}, run: "" };
const absentApiKey = () => String(strangeApiKey("prod").of(NO_ANSWERS));

let imports = 0;

/** A record of a key that nobody has imported yet. */
export function importRecord(owner: Owner): JsonObject {
  const digest = createHash("sha256").update(`lk-${process.pid}-${++imports}`).digest("hex");
  return { format: "legacy", algorithm: "DIGEST_ALGORITHM_SHA256_HEX", digest, ...owner };
}
