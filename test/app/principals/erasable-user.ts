// A user of whom everything is stored that can be: keys of every type in every state, their uses, revocations
// with reasons, events with addresses and urls. Every personal text holds the user's id, so that a search for
// it finds whatever an erasure left behind.
import { UNBOUND } from "../../../src/access/bounds.ts";
import { createKey } from "../../../src/app/keys/create-key.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { changeKey } from "../../../src/app/target/change-key.ts";
import { keyEvent } from "../../../src/domain/audit/event.ts";
import { reportLeak, updateKey } from "../../../src/domain/key-changes.ts";
import { KEY_TYPES, type KeyType } from "../../../src/domain/key-type.ts";
import { byId, createInput, NEEDED, refreshInput, revokeInput, revokeUserInput } from "../requests.ts";
import { ROOT } from "../world.ts";

export interface ErasableUser {
  readonly userId: string;
  readonly apiKeys: readonly string[];
  readonly keyIds: readonly string[];
  /** The addresses that are stored of the user; they cannot hold the id. */
  readonly addresses: readonly string[];
}

/** Another one for each number up to 250, with two keys of each type (one, of organization). */
export async function makeUser(
  ports: AppPorts,
  number: number,
  types: readonly KeyType[] = KEY_TYPES,
): Promise<ErasableUser> {
  const userId = `jane-doe-${number}`;
  const addresses = [`198.51.100.${number}`, `203.0.113.${number}`];
  const [usedFrom = "", calledFrom = ""] = addresses;
  const caller = { ...ROOT, address: calledFrom };
  const personal = (what: string) => `${what} of ${userId}`;
  const apiKeys: string[] = [];
  const keyIds: string[] = [];
  for (const type of types) {
    for (const organizationId of ["org-1", ""]) {
      if (type === "organization" && organizationId === "") continue;
      const created = await createKey(
        ports,
        caller,
        createInput({
          ...NEEDED[type],
          userId,
          organizationId,
          name: personal("laptop"),
          description: personal("the key"),
          metadata: { mail: `${userId}@example.com` },
          allowedCidrs: [`${usedFrom}/32`],
          requestId: `${type} ${organizationId} ${number}`,
        }),
      );
      if (created.isReplayed) throw new Error("the user was there before");
      apiKeys.push(created.apiKey);
      keyIds.push(created.view.key.keyId);
    }
  }
  const [first = "", second = "", third = "", fourth = ""] = keyIds;
  await ports.store.usage.add(
    keyIds.map((keyId) => ({
      keyId,
      time: ports.clock(),
      address: usedFrom,
      userAgent: personal("browser"),
      count: 3,
    })),
  );
  await refreshKey(
    ports,
    caller,
    refreshInput(byId(first), { graceMs: 1_000, requestId: `refresh ${number}` }),
  );
  await revokeKey(ports, caller, revokeInput(byId(second), personal("key stolen from home")));
  await rename(ports, third, personal("phone"));
  await reportAsLeaked(ports, fourth, `https://paste.example/${userId}`);
  for (const organizationId of ["org-1", "org-2"]) {
    await revokeAllForUser(
      ports,
      caller,
      revokeUserInput({ userId, organizationId, reason: personal("illness") }),
    );
  }
  return { userId, apiKeys, keyIds, addresses };
}

async function rename(ports: AppPorts, keyId: string, name: string): Promise<void> {
  await changeKey(ports, UNBOUND, keyId, ({ key }) => {
    const now = ports.clock();
    const next = updateKey(key, { name }, { now, caller: "root" });
    const at = { now, randomBytes: ports.randomBytes };
    return { next, event: keyEvent("key_updated", { before: key, after: next }, { caller: "root" }, at) };
  });
}

async function reportAsLeaked(ports: AppPorts, keyId: string, url: string): Promise<void> {
  await changeKey(ports, UNBOUND, keyId, ({ key }) => {
    const now = ports.clock();
    const next = reportLeak(key, now);
    const cause = { caller: "github", source: "github", url };
    const at = { now, randomBytes: ports.randomBytes };
    return { next, event: keyEvent("key_leak_reported", { before: key, after: next }, cause, at) };
  });
}
