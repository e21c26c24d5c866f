// Covers app/list-events.ts: every change is listed once its call was answered, in one order, filtered and
// a page at a time. Page tokens are in paging.test.ts.
import { describe, expect, it } from "vitest";
import { type ListEventsInput, listEvents } from "../../../src/app/events/list-events.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { START } from "../../domain/build.ts";
import { creationOf, keyAt } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { violatedFields } from "../outcomes.ts";
import {
  byApiKey,
  byId,
  eventsInput,
  NEEDED,
  refreshInput,
  revokeInput,
  revokeUserInput,
} from "../requests.ts";
import { create, NOBODY, OTHER_CALLER, openWorld, ROOT, type World } from "../world.ts";

/** Seven changes, a second apart from START on, named for the filters below. */
async function sevenChanges({ ports, clock }: World) {
  const tick = () => {
    clock.now += 1_000;
  };
  const user = await create(ports, { organizationId: "org-1" });
  tick();
  const service = await create(ports, NEEDED.service, OTHER_CALLER);
  tick();
  await refreshKey(ports, ROOT, refreshInput(byId(user.key.keyId)));
  tick();
  await refreshKey(ports, NOBODY, refreshInput(byApiKey(service.apiKey)));
  tick();
  await revokeAllForUser(ports, ROOT, revokeUserInput());
  tick();
  await revokeKey(ports, OTHER_CALLER, revokeInput(byId(service.key.keyId)));
  tick();
  await revokeKey(ports, ROOT, revokeInput(byId(user.key.keyId)));
  return { user: user.key.keyId, service: service.key.keyId };
}

onEachStore("ListEvents", (open) => {
  it("lists what fits all the filters, in the order of the changes", async () => {
    const world = await open();
    const { user, service } = await sevenChanges(world);
    const times = async (filter: Partial<ListEventsInput>) => {
      const { events } = await listEvents(world.ports, ROOT, eventsInput(filter));
      return events.map(({ time }) => (time - START) / 1_000);
    };
    const cases: readonly (readonly [Partial<ListEventsInput>, readonly number[]])[] = [
      [{}, [0, 1, 2, 3, 4, 5, 6]],
      [{ keyId: user }, [0, 2, 6]],
      [{ keyId: service }, [1, 3, 5]],
      [{ keyId: "flk_u00000000000" }, []],
      [{ userId: "user-1" }, [0, 2, 4, 6]],
      [{ organizationId: "org-1" }, [0, 2, 6]],
      [{ serviceAccountId: "account-1" }, [1, 3, 5]],
      [{ caller: "root" }, [0, 2, 4, 6]],
      [{ caller: OTHER_CALLER.id ?? "" }, [1, 5]],
      [{ caller: service }, [3]],
      [{ kind: "key_created" }, [0, 1]],
      [{ kind: "key_refreshed" }, [2, 3]],
      [{ kind: "key_revoked" }, [5, 6]],
      [{ kind: "principal_revoked" }, [4]],
      [{ startTime: START + 4_000 }, [4, 5, 6]],
      [{ startTime: START + 4_001 }, [5, 6]],
      [{ endTime: START + 4_000 }, [0, 1, 2, 3]],
      [{ startTime: START + 1_000, endTime: START + 1_001 }, [1]],
      [{ startTime: START, endTime: START }, []],
      [{ userId: "user-1", kind: "key_revoked", caller: "root", keyId: user }, [6]],
    ];
    for (const [filter, expected] of cases) {
      expect([filter, await times(filter)]).toEqual([filter, expected]);
    }
  });

  it.each([1, 2, 3, 7, 8])("gives every event once and in order, by pages of %i", async (pageSize) => {
    const world = await open();
    await sevenChanges(world);
    const numbers: number[] = [];
    let pageToken = "";
    do {
      const page = await listEvents(world.ports, ROOT, eventsInput({ pageSize, pageToken }));
      expect(page.events.length).toBeLessThanOrEqual(pageSize);
      numbers.push(...page.events.map(({ number }) => number));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(numbers).toHaveLength(7);
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  });
});

describe("A page of ListEvents", () => {
  it.each([
    [0, 50],
    [1, 1],
    [1_000, 1_000],
    [1_001, 1_000],
    [4_294_967_295, 1_000],
  ])("of page_size %i holds %i events", async (pageSize, expected) => {
    const { ports, store } = await openWorld();
    for (let seed = 1; seed <= 1_001; seed++) {
      const key = keyAt(seed, { epochs: [] });
      await store.keys.insert(key, creationOf(key));
    }
    const page = await listEvents(ports, ROOT, eventsInput({ pageSize }));
    expect(page.events).toHaveLength(expected);
    expect(page.nextPageToken).not.toBe("");
  });

  it.each<[string, Partial<ListEventsInput>, readonly string[]]>([
    ["a key_id that is none", { keyId: "user-1" }, ["key_id"]],
    ["an unknown kind", { kind: "9" }, ["kind"]],
    ["a start that is no time", { startTime: Number.NaN }, ["start_time"]],
    ["an end that is no time", { endTime: Number.NaN }, ["end_time"]],
    ["a caller that is too long", { caller: "a".repeat(129) }, ["caller"]],
    [
      "all of it",
      { keyId: "x", userId: "\0", caller: "\0", kind: "", startTime: Number.NaN, pageToken: "x" },
      ["key_id", "user_id", "caller", "kind", "start_time", "page_token"],
    ],
  ])("is refused for %s", async (_, filter, fields) => {
    const { ports } = await openWorld();
    expect(await violatedFields(listEvents(ports, ROOT, eventsInput(filter)))).toEqual(fields);
  });
});
