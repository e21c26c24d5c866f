// When keys were last used, as their readers may know it.
import { isErasedUse, type LastUse } from "../../domain/usage.ts";
import type { AppPorts } from "../ports.ts";

/** By key_id; a key that was never used, or whose use was erased, is missing. */
export async function lastUsesOf(
  { store }: AppPorts,
  keyIds: readonly string[],
): Promise<ReadonlyMap<string, LastUse>> {
  if (keyIds.length === 0) return new Map();
  const uses = await store.usage.readMany(keyIds);
  return new Map([...uses].filter(([, use]) => !isErasedUse(use)));
}
