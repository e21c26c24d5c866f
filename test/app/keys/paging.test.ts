// Covers walks through List and ListEvents page by page: nothing is left out or comes twice, whatever
// happens meanwhile, and a page_token is good for its own query alone.
import { describe, expect, it } from "vitest";
import { type ListEventsInput, listEvents } from "../../../src/app/events/list-events.ts";
import { type ListKeysInput, listKeys } from "../../../src/app/keys/read-keys.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { KEY_TYPES, type KeyType } from "../../../src/domain/key-type.ts";
import { buildPepper } from "../../domain/build.ts";
import { countOf } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, violatedFields } from "../outcomes.ts";
import { byId, eventsInput, listInput, NEEDED, revokeInput } from "../requests.ts";
import { create, openWorld, ROOT, restarted, type World } from "../world.ts";

const TOKEN_REFUSED = "invalid_argument INVALID_ARGUMENT";

/** All key_ids of a walk; `meanwhile` runs after each page. */
async function walk(
  ports: AppPorts,
  filters: Partial<ListKeysInput>,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<readonly string[]> {
  const keyIds: string[] = [];
  let pageToken = "";
  do {
    const page = await listKeys(ports, ROOT, listInput({ ...filters, pageToken }));
    keyIds.push(...page.keys.map(({ view }) => view.key.keyId));
    pageToken = page.nextPageToken;
    await meanwhile();
  } while (pageToken !== "");
  return keyIds;
}

/** Creates keys of all types in turn, several at the same ms. */
async function fill({ ports, clock }: World, count: number): Promise<readonly string[]> {
  const keyIds: string[] = [];
  for (let made = 0; made < count; made++) {
    const type: KeyType = KEY_TYPES[made % KEY_TYPES.length] ?? "user";
    if (made % 4 === 0) clock.now += 1;
    keyIds.push((await create(ports, { ...NEEDED[type], userId: "user-1" })).key.keyId);
  }
  return keyIds;
}

onEachStore("A walk through List", (open) => {
  it.each([1, 2, 7, 1_000])("gives every key once and in one order, by pages of %i", async (pageSize) => {
    const world = await open();
    const keyIds = await fill(world, 13);
    const walked = await walk(world.ports, { pageSize });
    expect(walked.toSorted()).toEqual(keyIds.toSorted());
    expect(walked).toEqual(await walk(world.ports, {}));
    const { keys } = await listKeys(world.ports, ROOT, listInput({ pageSize: 1_000 }));
    const order = keys.map(({ view: { key } }) => [key.createTime, key.keyId] as const);
    const sorted = order.toSorted(([a, x], [b, y]) => a - b || (x < y ? -1 : 1));
    expect(order).toEqual(sorted);
  });

  it("leaves out and repeats no key that was there before, while keys are made and revoked", async () => {
    const world = await open();
    const { ports } = world;
    const keyIds = await fill(world, countOf(40, 1_000));
    let turn = 0;
    const walked = await walk(ports, { userId: "user-1", pageSize: 7 }, async () => {
      // As many are made as a page holds, for the first pages; then the walk comes to its end.
      const born = turn < 5 ? await fill(world, 7) : [];
      const doomed = keyIds[(turn * 13) % keyIds.length] ?? "";
      await revokeKey(ports, ROOT, revokeInput(byId(doomed)));
      if (born[0] !== undefined) await revokeKey(ports, ROOT, revokeInput(byId(born[0])));
      turn += 1;
    });
    expect(new Set(walked).size).toBe(walked.length);
    const before = new Set(keyIds);
    expect(walked.filter((keyId) => before.has(keyId)).toSorted()).toEqual(keyIds.toSorted());
  });

  it("by state leaves out no key that is in it all the while", async () => {
    const world = await open();
    const { ports } = world;
    const keyIds = await fill(world, 30);
    const steady = keyIds.filter((_, index) => index % 3 !== 0);
    let next = 0;
    const walked = await walk(ports, { state: "active", pageSize: 4 }, async () => {
      const doomed = keyIds[next * 3];
      if (doomed !== undefined) await revokeKey(ports, ROOT, revokeInput(byId(doomed)));
      next += 1;
    });
    expect(new Set(walked).size).toBe(walked.length);
    expect(walked.filter((keyId) => steady.includes(keyId)).toSorted()).toEqual(steady.toSorted());
  });

  it("may change its page size on the way", async () => {
    const world = await open();
    await fill(world, 10);
    const all = await walk(world.ports, {});
    const first = await listKeys(world.ports, ROOT, listInput({ pageSize: 3 }));
    const rest = await listKeys(
      world.ports,
      ROOT,
      listInput({ pageSize: 100, pageToken: first.nextPageToken }),
    );
    expect([...first.keys, ...rest.keys].map(({ view }) => view.key.keyId)).toEqual(all);
  });
});

describe("A page_token", () => {
  /** A token of List for user-1, and one of ListEvents. */
  async function openTokens() {
    const world = await openWorld();
    await fill(world, 3);
    const keys = await listKeys(world.ports, ROOT, listInput({ userId: "user-1", pageSize: 1 }));
    const events = await listEvents(world.ports, ROOT, eventsInput({ userId: "user-1", pageSize: 1 }));
    const list = (pageToken: string, overrides: Partial<ListKeysInput> = {}, ports = world.ports) =>
      listKeys(ports, ROOT, listInput({ userId: "user-1", pageToken, ...overrides }));
    const listAll = (pageToken: string, overrides: Partial<ListEventsInput> = {}, ports = world.ports) =>
      listEvents(ports, ROOT, eventsInput({ userId: "user-1", pageToken, ...overrides }));
    return { world, keys: keys.nextPageToken, events: events.nextPageToken, list, listAll };
  }

  it("A changed token is never followed, whichever character was changed.", async () => {
    const { keys, events, list, listAll } = await openTokens();
    for (const [token, follow] of [
      [keys, list],
      [events, listAll],
    ] as const) {
      await follow(token);
      for (let at = 0; at < token.length; at++) {
        const other = token[at] === "A" ? "B" : "A";
        const changed = token.slice(0, at) + other + token.slice(at + 1);
        expect(await codeOf(follow(changed))).toBe(TOKEN_REFUSED);
      }
    }
  });

  it.each<[string, (token: string) => string]>([
    ["garbage", () => "next"],
    ["a dot", () => "."],
    ["a number", () => "2"],
    ["one with something behind it", (token) => `${token}A`],
    ["one with another part", (token) => `${token}.A`],
    ["one with padding", (token) => `${token}=`],
    ["one cut by one", (token) => token.slice(0, -1)],
    ["its position alone", (token) => token.split(".")[0] ?? ""],
    ["one of 10 MB", (token) => token.repeat(100_000)],
    ["one with a lone surrogate", (token) => `${token}\ud800`],
    ["a position of its own making", () => `${Buffer.from("[1,0,null]").toString("base64url")}.AAAA`],
  ])("is refused when it is %s", async (_, change) => {
    const { keys, list, events, listAll } = await openTokens();
    expect(await violatedFields(list(change(keys)))).toEqual(["page_token"]);
    expect(await violatedFields(listAll(change(events)))).toEqual(["page_token"]);
  });

  it.each<[string, Partial<ListKeysInput>]>([
    ["user", { userId: "user-2" }],
    ["user left out", { userId: "" }],
    ["organization", { organizationId: "org-1" }],
    ["type", { type: "user" }],
    ["state", { state: "active" }],
    ["name", { name: "laptop" }],
    ["expiry", { expireBefore: 9e12 }],
    ["use", { unusedSince: 9e12 }],
  ])("of List is refused with another %s", async (_, filter) => {
    const { keys, list } = await openTokens();
    expect(await violatedFields(list(keys, filter))).toEqual(["page_token"]);
  });

  it.each<[string, Partial<ListEventsInput>]>([
    ["user", { userId: "user-2" }],
    ["key", { keyId: "flk_u00000000000" }],
    ["caller", { caller: "root" }],
    ["kind", { kind: "key_created" }],
    ["start", { startTime: 0 }],
    ["end", { endTime: 9e12 }],
  ])("of ListEvents is refused with another %s", async (_, filter) => {
    const { events, listAll } = await openTokens();
    expect(await violatedFields(listAll(events, filter))).toEqual(["page_token"]);
  });

  it("of the one listing is refused by the other", async () => {
    const { keys, events, list, listAll } = await openTokens();
    expect(await violatedFields(list(events))).toEqual(["page_token"]);
    expect(await violatedFields(listAll(keys))).toEqual(["page_token"]);
  });

  it("survives a pepper's rotation, and ends when its pepper is no longer accepted", async () => {
    const { world, keys, events, list, listAll } = await openTokens();
    const rotated = restarted(world, [buildPepper(2), buildPepper(1)]);
    const expected = await list(keys);
    expect((await list(keys, {}, rotated)).keys).toEqual(expected.keys);
    expect(await listAll(events, {}, rotated)).toEqual(await listAll(events));
    const ended = restarted(world, [buildPepper(2)]);
    expect(await violatedFields(list(keys, {}, ended))).toEqual(["page_token"]);
    const replaced = restarted(world, [buildPepper(1, 99)]);
    expect(await violatedFields(listAll(events, {}, replaced))).toEqual(["page_token"]);
  });
});
