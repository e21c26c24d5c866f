// The contract of PrincipalStore: the first write and the later ones, all guarded; a principal without a
// record was never raised.
import { expect } from "vitest";
import { newPrincipal, principalIdOf, RAISES_KEPT_MAX } from "../../../src/domain/principal.ts";
import type { Store } from "../../../src/store/store.ts";
import { OWNER } from "../../domain/build.ts";
import { firstRaiseOf, type PrincipalChange, raiseOf } from "../build.ts";
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

export const principalCases: readonly StoreCase[] = [...reads, ...writes, ...confirms];
