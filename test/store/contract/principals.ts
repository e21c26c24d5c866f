// The contract of PrincipalStore: the first write and the later ones, all guarded; a principal without a
// record was never raised.
import { expect } from "vitest";
import {
  newPrincipal,
  type Principals,
  principalIdOf,
  RAISES_KEPT_MAX,
} from "../../../src/domain/principal.ts";
import type { Store } from "../../../src/store/store.ts";
import { OWNER } from "../../domain/build.ts";
import { firstRaiseOf, type PrincipalChange, principalErasureOf, raiseOf } from "../build.ts";
import { expectFeed, type StoreCase } from "./case.ts";

const USER = { userId: "user-1" };
const OTHER = { userId: "user-2" };
const NOBODY = principalIdOf({ userId: "nobody" });

async function write(store: Store, ...changes: readonly PrincipalChange[]): Promise<void> {
  for (const { next, event } of changes) expect(await store.principals.write(next, event)).toBe("written");
}

const reads: readonly StoreCase[] = (["read", "readMany"] as const).flatMap((method) => [
  {
    title: `${method}: empty for principals that were never raised, and for none`,
    run: async (store) => {
      expect(await store.principals[method]([NOBODY])).toEqual(new Map());
      expect(await store.principals[method]([])).toEqual(new Map());
    },
  },
  {
    title: `${method}: the records of those that are asked for and were raised, by id, even when asked twice`,
    run: async (store) => {
      const [user, other, both] = [firstRaiseOf(USER), firstRaiseOf(OTHER), firstRaiseOf(OWNER)];
      const again = raiseOf(both.next);
      await write(store, user, other, both, again);
      const ids = [user.next.principalId, NOBODY, both.next.principalId, user.next.principalId];
      const expected = [user.next, again.next].map((record) => [record.principalId, record] as const);
      expect(await store.principals[method](ids)).toEqual(new Map(expected));
    },
  },
]);

const writes: readonly StoreCase[] = [
  {
    title: "write at revision 1: the first record and its event; a second first one is a conflict",
    run: async (store) => {
      const first = firstRaiseOf();
      await write(store, first);
      const late = firstRaiseOf(OWNER, "another reason");
      expect(await store.principals.write(late.next, late.event)).toBe("conflict");
      const { principalId } = first.next;
      expect((await store.principals.read([principalId])).get(principalId)).toEqual(first.next);
      await expectFeed(store, [first.event]);
    },
  },
  {
    title: "write at a later revision: only upon the one before it",
    run: async (store) => {
      const first = firstRaiseOf();
      const second = raiseOf(first.next);
      const third = raiseOf(second.next);
      await write(store, first);
      expect(await store.principals.write(third.next, third.event)).toBe("conflict");
      await write(store, second);
      const late = raiseOf(first.next, "late");
      expect(await store.principals.write(late.next, late.event)).toBe("conflict");
      await write(store, third);
      const { principalId } = first.next;
      expect((await store.principals.read([principalId])).get(principalId)).toEqual(third.next);
      await expectFeed(store, [first.event, second.event, third.event]);
    },
  },
  {
    title: "write at a later revision without a record: conflict, nothing is written",
    run: async (store) => {
      const second = raiseOf(firstRaiseOf().next);
      expect(await store.principals.write(second.next, second.event)).toBe("conflict");
      expect((await store.principals.read([second.next.principalId])).size).toBe(0);
      await expectFeed(store, []);
    },
  },
  {
    title: `write: a record with all of its ${RAISES_KEPT_MAX} raises is kept as it is, others apart from it`,
    run: async (store) => {
      const other = firstRaiseOf(OTHER);
      await write(store, other);
      let current = newPrincipal(USER);
      for (let epoch = 1; epoch <= RAISES_KEPT_MAX + 2; epoch++) {
        const change = raiseOf(current, `reason ${epoch}`);
        await write(store, change);
        current = change.next;
      }
      const found = await store.principals.read([current.principalId, other.next.principalId]);
      expect(found.get(current.principalId)).toEqual(current);
      expect(found.get(other.next.principalId)).toEqual(other.next);
    },
  },
];

const confirms: readonly StoreCase[] = [
  {
    title: "confirm of a principal: true at its revision and nothing is seen of it; false at any other",
    run: async (store) => {
      const first = firstRaiseOf();
      const { principalId } = first.next;
      await write(store, first);
      expect(await store.principals.confirm(principalId, 1)).toBe(true);
      for (const revision of [0, 2])
        expect(await store.principals.confirm(principalId, revision)).toBe(false);
      expect(await store.principals.confirm(NOBODY, 1)).toBe(false);
      expect(await store.principals.confirm(NOBODY, 0)).toBe(false);
      expect(await store.principals.read([principalId, NOBODY])).toEqual(
        new Map([[principalId, first.next]]),
      );
      await expectFeed(store, [first.event]);
      await write(store, raiseOf(first.next));
      expect(await store.principals.confirm(principalId, 2)).toBe(true);
    },
  },
];

/** The principals that listOfUser gives, by id. */
async function listOfUser(store: Store, userId: string, limit = 9): Promise<Principals> {
  const records = await store.principals.listOfUser(userId, limit);
  expect(new Set(records.map(({ principalId }) => principalId)).size).toBe(records.length);
  return new Map(records.map((record) => [record.principalId, record]));
}

const lists: readonly StoreCase[] = [
  {
    title: "listOfUser: every record whose owner carries the user, as it is now, and no other",
    run: async (store) => {
      const others = [
        OTHER,
        { organizationId: "user-1" },
        { userId: "user-10" },
        { serviceAccountId: "user-1" },
      ];
      const [user, inOrg] = [firstRaiseOf(USER), firstRaiseOf(OWNER)];
      await write(store, user, inOrg, ...others.map((owner) => firstRaiseOf(owner)));
      const again = raiseOf(inOrg.next);
      await write(store, again);
      const expected = [user.next, again.next].map((record) => [record.principalId, record] as const);
      expect(await listOfUser(store, "user-1")).toEqual(new Map(expected));
      expect(await listOfUser(store, "nobody")).toEqual(new Map());
    },
  },
  {
    title: "listOfUser: at most `limit`",
    run: async (store) => {
      const owners = [1, 2, 3].map((index) => ({ ...USER, organizationId: `org-${index}` }));
      await write(store, ...owners.map((owner) => firstRaiseOf(owner)));
      for (const limit of [1, 2, 3, 4]) {
        expect((await listOfUser(store, "user-1", limit)).size).toBe(Math.min(limit, 3));
      }
    },
  },
  {
    title: "listOfUser: a record that was erased does not come, and is read by its id as before",
    run: async (store) => {
      const [user, inOrg] = [firstRaiseOf(USER), firstRaiseOf(OWNER)];
      await write(store, user, inOrg);
      const erased = principalErasureOf(inOrg.next);
      await write(store, erased);
      expect(await listOfUser(store, "user-1")).toEqual(new Map([[user.next.principalId, user.next]]));
      const { principalId } = inOrg.next;
      expect(await store.principals.read([principalId])).toEqual(new Map([[principalId, erased.next]]));
      await write(store, principalErasureOf(user.next));
      expect(await listOfUser(store, "user-1")).toEqual(new Map());
    },
  },
];

export const principalCases: readonly StoreCase[] = [...reads, ...writes, ...confirms, ...lists];
