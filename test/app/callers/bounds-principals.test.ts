// A bound caller's RevokeAll ends exactly the keys that carry the principal and lie inside its bounds, or is
// refused when no one principal is that. EraseUser is for callers without bounds.
import { expect, it } from "vitest";
import type { Caller } from "../../../src/access/caller.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { eraseUser } from "../../../src/app/principals/erase-user.ts";
import {
  revokeAllForOrganization,
  revokeAllForServiceAccount,
  revokeAllForUser,
} from "../../../src/app/principals/revoke-principal.ts";
import { OWNER_FIELDS, type Owner } from "../../../src/domain/principal.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, refusalOf } from "../outcomes.ts";
import { create, feedOf, verdictOf } from "../world.ts";
import { callerOf, noting, OPERATOR } from "./callers.ts";
import { createOwned, KINDS, type Kind, OWNERS } from "./tenants.ts";

type RevokeAll = (ports: AppPorts, caller: Caller) => Promise<number>;

const CIRCUMSTANCES = { reason: "", requestId: "" };
const NOTHING_INSIDE = 0;
const CUT_THROUGH = "permission_denied OUTSIDE_BOUNDS";

const user =
  (userId: string, organizationId = ""): RevokeAll =>
  (ports, caller) =>
    revokeAllForUser(ports, caller, { userId, organizationId, ...CIRCUMSTANCES });
const organization =
  (organizationId: string): RevokeAll =>
  (ports, caller) =>
    revokeAllForOrganization(ports, caller, { organizationId, ...CIRCUMSTANCES });
const account =
  (serviceAccountId: string): RevokeAll =>
  (ports, caller) =>
    revokeAllForServiceAccount(ports, caller, { serviceAccountId, ...CIRCUMSTANCES });

/** Each call and what it names. */
const CALLS: readonly (readonly [string, RevokeAll, Owner])[] = [
  ["user-1", user("user-1"), { userId: "user-1" }],
  ["user-2", user("user-2"), { userId: "user-2" }],
  ["user-1 in org-1", user("user-1", "org-1"), { userId: "user-1", organizationId: "org-1" }],
  ["user-1 in org-2", user("user-1", "org-2"), { userId: "user-1", organizationId: "org-2" }],
  ["user-2 in org-1", user("user-2", "org-1"), { userId: "user-2", organizationId: "org-1" }],
  ["org-1", organization("org-1"), { organizationId: "org-1" }],
  ["org-2", organization("org-2"), { organizationId: "org-2" }],
  ["account-1", account("account-1"), { serviceAccountId: "account-1" }],
  ["account-2", account("account-2"), { serviceAccountId: "account-2" }],
];

/** Whether an owner carries all that a filter names, said anew, without the code that is tested. */
const carries = (owner: Owner, wanted: Owner) =>
  OWNER_FIELDS.every((field) => !wanted[field] || owner[field] === wanted[field]);

/** What both say; undefined when they contradict each other. */
function bothOf(bounds: Owner, named: Owner): Owner | undefined {
  const both = { ...bounds, ...named };
  return carries(both, bounds) ? both : undefined;
}

/** The users, organizations, users within organizations, and service accounts: what keys can be ended by. */
const PRINCIPAL_SHAPES = ["userId", "organizationId", "organizationId,userId", "serviceAccountId"];
const isPrincipal = (owner: Owner) => PRINCIPAL_SHAPES.includes(Object.keys(owner).toSorted().join(","));

function expectationOf({ bounds }: Kind, named: Owner): "nothing" | "ends" | "refused" {
  const both = bothOf(bounds, named);
  if (both === undefined) return "nothing";
  return isPrincipal(both) ? "ends" : "refused";
}

const CASES = KINDS.flatMap((kind) =>
  CALLS.map(([what, revokeAll, named]) => ({
    ...kind,
    what,
    revokeAll,
    named,
    expected: expectationOf(kind, named),
  })),
);
const casesThat = (wanted: string) => CASES.filter(({ expected }) => expected === wanted);

onEachStore("A RevokeAll by a caller bound to", (open) => {
  it.each(casesThat("ends"))("$kind, for $what, ends what is inside and nothing else", async (row) => {
    const { bounds, named, revokeAll } = row;
    const { ports } = await open();
    const keys = [];
    for (const owner of OWNERS) keys.push({ owner, ...(await createOwned(ports, owner)) });
    const { caller, ...own } = await callerOf(ports, bounds);
    const isMeant = (owner: Owner) => carries(owner, bounds) && carries(owner, named);
    const meant = keys.filter(({ owner }) => isMeant(owner));
    expect(await revokeAll(ports, caller)).toBe(meant.length + Number(isMeant(own.key.owner)));
    for (const { apiKey, owner } of keys) {
      expect([owner, await verdictOf(ports, apiKey)]).toEqual([owner, isMeant(owner) ? "revoked" : "valid"]);
    }
    expect((await feedOf(ports)).at(-1)).toMatchObject({ kind: "principal_revoked", caller: caller.id });
  });

  it.each(casesThat("nothing"))("$kind, for $what, finds none, at no cost", async ({ bounds, revokeAll }) => {
    const world = await open();
    const { caller } = await callerOf(world.ports, bounds);
    const { ports, calls } = noting(world.ports);
    const keys = [];
    expect(await revokeAll(ports, caller)).toBe(NOTHING_INSIDE);
    for (const owner of OWNERS) keys.push(await createOwned(world.ports, owner));
    const events = await feedOf(world.ports);
    expect(await revokeAll(ports, caller)).toBe(NOTHING_INSIDE);
    expect(calls).toEqual([]);
    for (const { apiKey } of keys) expect(await verdictOf(world.ports, apiKey)).toBe("valid");
    expect(await feedOf(world.ports)).toEqual(events);
  });

  it.each(casesThat("refused"))("$kind, for $what, is refused whole, keys or none", async (row) => {
    const { bounds, revokeAll } = row;
    const world = await open();
    const { caller } = await callerOf(world.ports, bounds);
    const { ports, calls } = noting(world.ports);
    const before = await refusalOf(revokeAll(ports, caller));
    const keys = [];
    for (const owner of OWNERS) keys.push(await createOwned(world.ports, owner));
    expect(await refusalOf(revokeAll(ports, caller))).toEqual(before);
    expect(await codeOf(revokeAll(ports, caller))).toBe(CUT_THROUGH);
    expect(calls).toEqual([]);
    for (const { apiKey } of keys) expect(await verdictOf(world.ports, apiKey)).toBe("valid");
  });

  it("there is a case of each kind", () => {
    for (const expected of ["ends", "nothing", "refused"]) {
      expect(casesThat(expected).length).toBeGreaterThan(2);
    }
  });

  it("an organization ends a user's keys of it alone, also those that are made later elsewhere", async () => {
    const { ports } = await open();
    const { caller } = await callerOf(ports, { organizationId: "org-1" });
    const inside = await create(ports, { organizationId: "org-1" });
    const elsewhere = [await create(ports), await create(ports, { organizationId: "org-2" })];
    const [revokeUser] = CALLS.map(([, revokeAll]) => revokeAll);
    expect(await revokeUser?.(ports, caller)).toBe(1);
    elsewhere.push(await create(ports, { organizationId: "org-3" }));
    expect(await verdictOf(ports, inside.apiKey)).toBe("revoked");
    for (const { apiKey } of elsewhere) expect(await verdictOf(ports, apiKey)).toBe("valid");
  });
});

onEachStore("EraseUser", (open) => {
  it.each(KINDS)("is refused to an administrator bound to $kind, whoever the user is", async ({ bounds }) => {
    const world = await open();
    const inside = await createOwned(world.ports, { userId: "user-1", ...bounds });
    const { caller } = await callerOf(world.ports, bounds, { scopes: ["fleetkey:admin"] });
    const { ports, calls } = noting(world.ports);
    const erase = (userId: string) => eraseUser(ports, caller, { userId, requestId: "" });
    const refusals = [];
    for (const userId of ["user-1", "user-2", "user-9"]) refusals.push(await refusalOf(erase(userId)));
    expect(new Set(refusals.map((refusal) => JSON.stringify(refusal))).size).toBe(1);
    expect(await codeOf(erase("user-1"))).toBe("permission_denied OUTSIDE_BOUNDS");
    expect(calls).toEqual([]);
    expect(await verdictOf(world.ports, inside.apiKey)).toBe("valid");
  });

  it("is done by an administrator without bounds", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports);
    const { caller } = await callerOf(ports, OPERATOR, { scopes: ["fleetkey:admin"] });
    expect((await eraseUser(ports, caller, { userId: "user-1", requestId: "" })).keyCount).toBe(1);
    expect(await verdictOf(ports, apiKey)).toBe("revoked");
  });
});
