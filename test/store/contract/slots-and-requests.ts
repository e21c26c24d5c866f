// The contract of the two ways to a key that do not name it: the holder of an exclusive place, and the
// request that created it.
import { expect } from "vitest";
import { requestKeyOf, slotIdOf } from "../../../src/domain/api-key/key-id.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { ENVIRONMENT, OWNER } from "../../domain/build.ts";
import { keyAt, refreshOf, revocationOf } from "../build.ts";
import { insertKeys, type StoreCase } from "./case.ts";

const SLOT = slotIdOf(ENVIRONMENT, "user", OWNER);
const OTHER_SLOT = slotIdOf(ENVIRONMENT, "user", { userId: "user-2" });
const REQUEST = { key: requestKeyOf("caller-1", "request-1"), digest: "digest-1" };

const slots: readonly StoreCase[] = [
  {
    title: "readSlotHolder: undefined for a place that nobody had",
    run: async (store) => {
      await insertKeys(store, keyAt(1), keyAt(2, { slot: { id: OTHER_SLOT, number: 1 } }));
      expect(await store.keys.readSlotHolder("user", SLOT)).toBeUndefined();
    },
  },
  {
    title: "readSlotHolder: the highest number as a number, in whatever order they came",
    run: async (store) => {
      const keys = [9, 100, 2, 10].map((number) => keyAt(number, { slot: { id: SLOT, number } }));
      await insertKeys(store, ...keys, keyAt(11, { slot: { id: OTHER_SLOT, number: 1_000 } }));
      expect(await store.keys.readSlotHolder("user", SLOT)).toEqual(keys[1]);
    },
  },
  {
    title: "readSlotHolder: the highest number even when it is revoked and a lower one is not",
    run: async (store) => {
      const first = keyAt(1, { slot: { id: SLOT, number: 1 } });
      const second = keyAt(2, { slot: { id: SLOT, number: 2 } });
      await insertKeys(store, first, second);
      const { next, event } = revocationOf(second);
      expect(await store.keys.update(next, event)).toBe("written");
      expect(await store.keys.readSlotHolder("user", SLOT)).toEqual(next);
    },
  },
  ...(KEY_TYPES.map((type) => ({
    title: `readSlotHolder: among ${type} keys only those`,
    run: async (store) => {
      const keys = KEY_TYPES.map((each, index) =>
        keyAt(index, { type: each, slot: { id: SLOT, number: index + 1 } }),
      );
      await insertKeys(store, ...keys);
      expect(await store.keys.readSlotHolder(type, SLOT)).toEqual(keys.find((key) => key.type === type));
    },
  })) satisfies readonly StoreCase[]),
];

const requests: readonly StoreCase[] = [
  {
    title: "readRequest: undefined for a request that created nothing",
    run: async (store) => {
      await insertKeys(store, keyAt(1), keyAt(2, { request: REQUEST }));
      expect(await store.keys.readRequest(requestKeyOf("caller-1", "request-2"))).toBeUndefined();
      expect(await store.keys.readRequest("")).toBeUndefined();
    },
  },
  ...(KEY_TYPES.map((type) => ({
    title: `readRequest: finds a ${type} key, as it is now`,
    run: async (store) => {
      const key = keyAt(1, { type, request: REQUEST });
      await insertKeys(
        store,
        keyAt(2, { type }),
        key,
        keyAt(3, { type, request: { ...REQUEST, key: "other" } }),
      );
      expect(await store.keys.readRequest(REQUEST.key)).toEqual(key);
      const { next, event } = refreshOf(key);
      expect(await store.keys.update(next, event)).toBe("written");
      expect(await store.keys.readRequest(REQUEST.key)).toEqual(next);
    },
  })) satisfies readonly StoreCase[]),
];

export const slotAndRequestCases: readonly StoreCase[] = [...slots, ...requests];
