// Covers app/read-keys.ts: Get, and what List lets through: filters, states as of the answer, page sizes
// and short pages. Walks and page tokens are in paging.test.ts.
import { describe, expect, it } from "vitest";
import { getKey, type ListKeysInput, listKeys } from "../../../src/app/keys/read-keys.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { revokeAllForUser } from "../../../src/app/principals/revoke-principal.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { KEY_STATES } from "../../../src/domain/lifecycle.ts";
import { DISABLEMENT, START } from "../../domain/build.ts";
import { creationOf, keyAt } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, violatedFields } from "../outcomes.ts";
import { byId, listInput, NEEDED, revokeInput, revokeUserInput } from "../requests.ts";
import { create, openWorld, ROOT, type World } from "../world.ts";

const MEMBER = { userId: "user-1", organizationId: "org-1" };

/** Writes that many keys, the first `disabled` of them switched off. */
async function fill({ store }: World, count: number, disabled = 0): Promise<readonly string[]> {
  const keyIds: string[] = [];
  for (let seed = 1; seed <= count; seed++) {
    const key = keyAt(seed, {
      createTime: START + seed,
      disablement: seed <= disabled ? DISABLEMENT : undefined,
      epochs: [],
    });
    await store.keys.insert(key, creationOf(key));
    keyIds.push(key.keyId);
  }
  return keyIds;
}

const list = async ({ ports }: World, overrides: Partial<ListKeysInput> = {}) => {
  const { keys, nextPageToken } = await listKeys(ports, ROOT, listInput(overrides));
  return { keyIds: keys.map(({ view }) => view.key.keyId), nextPageToken };
};

describe("Get", () => {
  it.each(KEY_TYPES)("answers with the record of a %s key", async (type) => {
    const { ports } = await openWorld();
    const { key } = await create(ports, NEEDED[type]);
    expect(await getKey(ports, ROOT, key.keyId)).toEqual({ view: { key, principals: new Map() } });
  });

  it.each(["", "flk_", "flk_u0000000000", "u00000000000", "flk_u00000000000 ", "FLK_u00000000000"])(
    "refuses what is no key_id: %j",
    async (keyId) => {
      const { ports } = await openWorld();
      expect(await violatedFields(getKey(ports, ROOT, keyId))).toEqual(["key_id"]);
    },
  );

  it("finds no key that is not there", async () => {
    const { ports } = await openWorld();
    expect(await codeOf(getKey(ports, ROOT, "flk_u00000000000"))).toBe("not_found KEY_NOT_FOUND");
  });
});

onEachStore("The filters of List", (open) => {
  it("narrow together", async () => {
    const world = await open();
    const made: Record<string, string> = {};
    const asked = {
      user: NEEDED.user,
      member: MEMBER,
      organization: NEEDED.organization,
      service: { ...NEEDED.service, userId: "user-2" },
      publishable: { ...NEEDED.publishable, ...MEMBER },
      integration: NEEDED.integration,
    };
    for (const [name, fields] of Object.entries(asked)) {
      world.clock.now += 1;
      made[name] = (await create(world.ports, fields)).key.keyId;
    }
    const cases: readonly (readonly [Partial<ListKeysInput>, readonly string[]])[] = [
      [{}, Object.keys(asked)],
      [{ type: "user" }, ["user", "member"]],
      [{ type: "service" }, ["service"]],
      [{ userId: "user-1" }, ["user", "member", "publishable"]],
      [{ organizationId: "org-1" }, ["member", "organization", "publishable"]],
      [MEMBER, ["member", "publishable"]],
      [{ ...MEMBER, type: "publishable" }, ["publishable"]],
      [{ serviceAccountId: "account-1" }, ["service"]],
      [{ serviceAccountId: "account-1", userId: "user-1" }, []],
      [{ userId: "user" }, []],
    ];
    for (const [filter, names] of cases) {
      expect(await list(world, filter)).toEqual({
        keyIds: names.map((name) => made[name]),
        nextPageToken: "",
      });
    }
  });

  it("know the state of each key as of the answer", async () => {
    const world = await open();
    const { ports, clock, store } = world;
    const active = await create(ports, NEEDED.service);
    const expired = await create(ports, { ...NEEDED.service, ttlMs: 5_000 });
    const revoked = await create(ports, NEEDED.service);
    const ended = await create(ports);
    const disabled = keyAt(1, { owner: {}, epochs: [], disablement: DISABLEMENT });
    await store.keys.insert(disabled, creationOf(disabled));
    await revokeKey(ports, ROOT, revokeInput(byId(revoked.key.keyId)));
    await revokeAllForUser(ports, ROOT, revokeUserInput());
    const idsOf = (...keys: readonly { readonly key: { readonly keyId: string } }[]) =>
      keys.map(({ key }) => key.keyId).toSorted();
    const byState = async () =>
      Promise.all(KEY_STATES.map(async (state) => (await list(world, { state })).keyIds.toSorted()));
    const dead = [[disabled.keyId], [], idsOf(revoked, ended)];
    expect(await byState()).toEqual([idsOf(active, expired), ...dead]);
    clock.now += 5_000;
    expect(await byState()).toEqual([idsOf(active), dead[0], idsOf(expired), dead[2]]);
  });

  it.each<[Partial<ListKeysInput>, readonly string[]]>([
    [{ type: "USER" }, ["type"]],
    [{ state: "7" }, ["state"]],
    [{ userId: "a".repeat(129) }, ["user_id"]],
    [{ organizationId: "\0" }, ["organization_id"]],
    [
      { type: "", state: "", serviceAccountId: "\n", pageToken: "x" },
      ["type", "state", "service_account_id", "page_token"],
    ],
  ])("are refused: %j", async (filter, fields) => {
    const world = await open();
    expect(await violatedFields(list(world, filter))).toEqual(fields);
  });
});

describe("A page of List", () => {
  it.each([
    [0, 50],
    [1, 1],
    [50, 50],
    [999, 999],
    [1_000, 1_000],
    [1_001, 1_000],
    [4_294_967_295, 1_000],
  ])("of page_size %i holds %i keys", async (pageSize, expected) => {
    const world = await openWorld();
    const keyIds = await fill(world, 1_002);
    for (const state of [undefined, "active"]) {
      const page = await list(world, { pageSize, state });
      expect(page.keyIds).toEqual(keyIds.slice(0, expected));
      expect(page.nextPageToken).not.toBe("");
    }
  });

  it("can be empty with more to come, when few keys are in the state", async () => {
    const world = await openWorld();
    const keyIds = await fill(world, 4_001, 4_000);
    const first = await list(world, { state: "active" });
    expect(first.keyIds).toEqual([]);
    const second = await list(world, { state: "active", pageToken: first.nextPageToken });
    expect(second).toEqual({ keyIds: keyIds.slice(-1), nextPageToken: "" });
  });

  it("of an empty store is the last one", async () => {
    const world = await openWorld();
    expect(await list(world)).toEqual({ keyIds: [], nextPageToken: "" });
    expect(await list(world, { state: "revoked", pageSize: 1 })).toEqual({ keyIds: [], nextPageToken: "" });
  });
});
