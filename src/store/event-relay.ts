// The sweeper: brings events into the feed whose writer died or was cut off before it came to it. Every node
// runs it.
import type { Clock } from "../lib/clock.ts";
import { repeat } from "../lib/repeat.ts";
import type { EventStore } from "./store.ts";

const PAUSE_MS = 1_000;
/** An event younger than this is still in the hands of its writer. */
const AGE_MS_MIN = 2_000;

/** One sweep; returns how many records had events waiting. */
export function relayEvents(events: EventStore, clock: Clock): Promise<number> {
  return events.relayPending(clock() - AGE_MS_MIN);
}

/** Sweeps until the returned function is called. A failed sweep is told and tried again. */
export function startRelay(
  events: EventStore,
  clock: Clock,
  tell: { readonly relayed: (count: number) => void; readonly failed: (error: unknown) => void },
): () => Promise<void> {
  return repeat(PAUSE_MS, async () => {
    try {
      const count = await relayEvents(events, clock);
      if (count > 0) tell.relayed(count);
    } catch (error) {
      tell.failed(error);
    }
  });
}
