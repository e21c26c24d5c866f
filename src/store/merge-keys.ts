// One order over several collections: each backend reads its collections in order, this merges them.
import type { KeyRecord } from "../domain/key.ts";
import type { KeyPosition } from "./store.ts";

/** Compares by (createTime, keyId); the order of List. */
export function compareKeyPositions(a: KeyPosition, b: KeyPosition): number {
  if (a.createTime !== b.createTime) return a.createTime - b.createTime;
  return a.keyId < b.keyId ? -1 : a.keyId > b.keyId ? 1 : 0;
}

/** The first `limit` keys of lists that are each in order and cut at `limit`. */
export function mergeKeys(lists: readonly (readonly KeyRecord[])[], limit: number): readonly KeyRecord[] {
  return lists.flat().sort(compareKeyPositions).slice(0, limit);
}
