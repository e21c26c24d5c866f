// A walk over keys in pieces: each run goes on where the one before it stopped and looks at a bounded number
// of keys, so that upkeep never takes a node away from its calls, however many keys there are.
import { setImmediate } from "node:timers/promises";
import { KEY_TYPES } from "../../domain/key-type.ts";
import type { KeyView } from "../../domain/verdict.ts";
import { isStoreUnavailable } from "../../store/errors.ts";
import type { KeyPosition, KeyQuery } from "../../store/store.ts";
import type { AppPorts } from "../ports.ts";
import { viewsOf } from "../target/read-view.ts";

/** How many keys one run looks at. */
export const RUN_KEYS_MAX = 5_000;
const PAGE_KEYS = 500;

export class KeyWalk {
  readonly #ports: AppPorts;
  /** Only remembered: a node that starts anew begins at the first key. */
  #after: KeyPosition | undefined;

  constructor(ports: AppPorts) {
    this.#ports = ports;
  }

  /**
   * Shows the next keys to `visit`, as they were listed, and counts for how many it says that it did
   * something. A key that it fails for does not hold up the others; that is thrown when all had their turn. A
   * store that does not answer ends the run, and the next one begins with the same page.
   */
  async run(
    query: Pick<KeyQuery, "expireFrom" | "expireBefore">,
    visit: (view: KeyView) => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<number> {
    let count = 0;
    let trouble: unknown;
    for (let seen = 0; seen < RUN_KEYS_MAX; seen += PAGE_KEYS) {
      const page = { types: KEY_TYPES, owner: {}, ...query, after: this.#after, limit: PAGE_KEYS };
      const keys = await this.#ports.store.keys.list(page);
      for (const view of await viewsOf(this.#ports, keys)) {
        if (signal.aborted) return count;
        try {
          if (!(await visit(view))) continue;
          count += 1;
        } catch (error) {
          if (isStoreUnavailable(error)) throw error;
          trouble ??= error;
        }
        // A store in this process answers without a pause; calls get their turn.
        await setImmediate();
      }
      this.#after = keys.length < PAGE_KEYS ? undefined : keys.at(-1);
      if (this.#after === undefined) break;
      await setImmediate();
    }
    if (trouble !== undefined) throw trouble;
    return count;
  }
}
