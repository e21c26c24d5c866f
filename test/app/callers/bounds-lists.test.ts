// What a bound caller's lists show: of keys and events exactly what lies inside and fits the filter, a page
// at a time as well, and no token or filter that leads outside.
import { expect, it } from "vitest";
import type { Caller } from "../../../src/access/caller.ts";
import { listEvents } from "../../../src/app/events/list-events.ts";
import { getKey, type ListKeysInput, listKeys } from "../../../src/app/keys/read-keys.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { revokeAllForOrganization, revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { OWNER_FIELDS, type Owner } from "../../../src/domain/principal.ts";
import { onEachStore } from "../backends.ts";
import { violatedFields } from "../outcomes.ts";
import { byId, eventsInput, listInput, refreshInput, revokeInput, revokeUserInput } from "../requests.ts";
import { feedOf, ROOT, type World } from "../world.ts";
import { callerOf, noting, OPERATOR, writesOf } from "./callers.ts";
import { createOwned, KINDS, OWNERS } from "./tenants.ts";

/** Whether an owner carries all that a filter names, said anew, without the code that is tested. */
const carries = (owner: Owner, wanted: Owner) =>
  OWNER_FIELDS.every((field) => !wanted[field] || owner[field] === wanted[field]);

/** A key of each owner there is, two of some. */
async function keysOfAll({ ports, clock }: World): Promise<readonly KeyRecord[]> {
  const keys: KeyRecord[] = [];
  for (const owner of [...OWNERS, ...OWNERS.slice(0, 4)]) {
    clock.now += 1;
    keys.push((await createOwned(ports, owner, { name: "listed" })).key);
  }
  return keys;
}

/** The key_ids of all pages. */
async function listed(
  ports: AppPorts,
  caller: Caller,
  input: Partial<ListKeysInput>,
): Promise<readonly string[]> {
  const keyIds: string[] = [];
  let pageToken = "";
  do {
    // The caller's own key, which is inside too, has another name.
    const page = await listKeys(ports, caller, listInput({ name: "listed", ...input, pageToken }));
    keyIds.push(...page.keys.map(({ view }) => view.key.keyId));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return keyIds;
}

const FILTERS: readonly Owner[] = [{}, ...OWNERS, { userId: "user-9" }];

onEachStore("A List of a caller bound to", (open) => {
  it.each(KINDS)("$kind shows what lies inside and fits, whatever owner it asks for", async ({ bounds }) => {
    const world = await open();
    const { ports } = world;
    const { caller } = await callerOf(ports, bounds);
    const keys = await keysOfAll(world);
    for (const filter of FILTERS) {
      const expected = keys
        .filter(({ owner }) => carries(owner, bounds) && carries(owner, filter))
        .map(({ keyId }) => keyId);
      for (const input of [{}, { pageSize: 1 }, { state: "active" }, { unusedSince: 9e15 }]) {
        expect([filter, input, await listed(ports, caller, { ...filter, ...input })]).toEqual([
          filter,
          input,
          expected,
        ]);
      }
    }
    for (const keyId of await listed(ports, caller, {})) await getKey(ports, caller, keyId);
  });

  it.each(KINDS)("$kind costs the same for an owner outside, whether it has keys or not", async (kind) => {
    const { bounds, outside } = kind;
    const world = await open();
    const { caller } = await callerOf(world.ports, bounds);
    const { ports, calls } = noting(world.ports);
    const trace = async (filter: Owner) => {
      calls.length = 0;
      const keys = await listKeys(ports, caller, listInput({ ...filter, name: "listed" }));
      const events = await listEvents(ports, caller, eventsInput({ ...filter, kind: "key_revoked" }));
      return { keys, events, calls: [...calls] };
    };
    const filters = outside.filter((owner) => !carries(bounds, owner));
    for (const filter of filters) {
      const before = await trace(filter);
      const { key } = await createOwned(world.ports, filter, { name: "listed" });
      await revokeKey(world.ports, ROOT, revokeInput(byId(key.keyId)));
      expect(await trace(filter)).toEqual(before);
      expect([before.keys.keys, before.events.events, writesOf(before.calls)]).toEqual([[], [], []]);
    }
    expect(filters.length).toBeGreaterThan(0);
  });

  it("no user and no organization shows all", async () => {
    const world = await open();
    const { caller } = await callerOf(world.ports, OPERATOR);
    const keys = await keysOfAll(world);
    expect(await listed(world.ports, caller, {})).toEqual(keys.map(({ keyId }) => keyId));
  });
});

onEachStore("A ListEvents of a caller bound to", (open) => {
  it.each(KINDS)("$kind shows what happened inside, whatever it asks for", async ({ bounds }) => {
    const world = await open();
    const { ports } = world;
    const { caller } = await callerOf(ports, bounds);
    const keys = await keysOfAll(world);
    for (const { keyId } of keys.slice(0, 8)) await refreshKey(ports, ROOT, refreshInput(byId(keyId)));
    for (const organizationId of ["", "org-1", "org-2"]) {
      await revokeAllForUser(ports, ROOT, revokeUserInput({ organizationId }));
    }
    const circumstances = { reason: "", requestId: "" };
    await revokeAllForOrganization(ports, ROOT, { organizationId: "org-1", ...circumstances });
    const all = await feedOf(ports);
    const inside = all.filter(({ owner }) => carries(owner, bounds));
    expect(inside.length).toBeLessThan(all.length);
    for (const filter of FILTERS) {
      const { events } = await listEvents(ports, caller, eventsInput({ ...filter, pageSize: 1_000 }));
      expect([filter, events]).toEqual([filter, inside.filter(({ owner }) => carries(owner, filter))]);
    }
    for (const { keyId } of keys) {
      const { events } = await listEvents(ports, caller, eventsInput({ keyId }));
      expect(events).toEqual(inside.filter((event) => event.keyId === keyId));
    }
    const { events } = await listEvents(ports, caller, eventsInput({ caller: "root", pageSize: 1_000 }));
    expect(events).toEqual(inside.filter((event) => event.caller === "root"));
  });
});

onEachStore("A page token", (open) => {
  const ORG = { organizationId: "org-1" };

  it("of an unbound caller, or of one with other bounds, is not for a bound one", async () => {
    const world = await open();
    const { ports } = world;
    const { caller } = await callerOf(ports, ORG);
    const { caller: other } = await callerOf(ports, { organizationId: "org-2" });
    await keysOfAll(world);
    for (const foreign of [ROOT, other]) {
      const keys = await listKeys(ports, foreign, listInput({ pageSize: 1 }));
      const events = await listEvents(ports, foreign, eventsInput({ pageSize: 1 }));
      expect([keys.nextPageToken, events.nextPageToken]).not.toContain("");
      const { nextPageToken: keysToken } = keys;
      const { nextPageToken: eventsToken } = events;
      expect(await violatedFields(listKeys(ports, caller, listInput({ pageToken: keysToken })))).toEqual([
        "page_token",
      ]);
      expect(
        await violatedFields(listEvents(ports, caller, eventsInput({ pageToken: eventsToken }))),
      ).toEqual(["page_token"]);
    }
  });

  it("of an unbound caller for the very same keys leads to no others", async () => {
    const world = await open();
    const { ports } = world;
    const { caller } = await callerOf(ports, ORG);
    await keysOfAll(world);
    const first = await listKeys(ports, ROOT, listInput({ ...ORG, pageSize: 1 }));
    const rest = await listKeys(ports, caller, listInput({ pageToken: first.nextPageToken, pageSize: 100 }));
    expect(rest.keys.length).toBeGreaterThan(0);
    for (const { view } of rest.keys) expect(view.key.owner.organizationId).toBe("org-1");
  });

  it("for an owner outside shows nothing, whoever it is from", async () => {
    const world = await open();
    const { ports } = world;
    const { caller } = await callerOf(ports, ORG);
    await keysOfAll(world);
    const outside = { organizationId: "org-2" };
    const { nextPageToken } = await listKeys(ports, ROOT, listInput({ pageSize: 1 }));
    const page = listKeys(ports, caller, listInput({ ...outside, pageToken: nextPageToken }));
    expect(await page).toEqual({ keys: [], nextPageToken: "" });
  });
});
