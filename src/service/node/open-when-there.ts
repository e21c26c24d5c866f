// Opens the store, however long it takes to be there.
import { setTimeout } from "node:timers/promises";
import type { Config } from "../../config/load-config.ts";
import type { Log } from "../../observability/log.ts";
import { isStoreUnavailable } from "../../store/errors.ts";
import { openStore } from "../../store/open-store.ts";
import type { Store } from "../../store/store.ts";

/** Pauses between attempts to reach a store that does not answer at start. */
const OPEN_PAUSE_MS_MIN = 500;
const OPEN_PAUSE_MS_MAX = 10_000;

/** Undefined when `signal` came first. */
export async function openWhenThere(
  config: Config,
  log: Log,
  signal: AbortSignal,
): Promise<Store | undefined> {
  let pauseMs = OPEN_PAUSE_MS_MIN;
  while (!signal.aborted) {
    try {
      return await openStore(config.store);
    } catch (error) {
      if (!isStoreUnavailable(error)) throw error;
      log.warn(
        { err: (error as Error).cause, retryInMs: pauseMs },
        "the store does not answer; trying again",
      );
      // An abort ends the pause, and then the loop.
      await setTimeout(pauseMs, undefined, { signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, OPEN_PAUSE_MS_MAX);
    }
  }
  return undefined;
}
