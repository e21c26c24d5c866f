// A node with a memory, put together as the service does it, on the store of a world that other nodes share.
// It looks at the feed when it is told to, and its stopwatch is set by hand.
import type { AppPorts } from "../../src/app/ports.ts";
import { readStored } from "../../src/app/target/read-view.ts";
import { EventTail } from "../../src/cache/event-tail.ts";
import { forgettingStore } from "../../src/cache/forgetting-store.ts";
import { HeldKeys } from "../../src/cache/held-keys.ts";
import { Lease } from "../../src/cache/lease.ts";
import { type HandStopwatch, handStopwatch } from "../cache/hand-stopwatch.ts";
import { noting } from "./callers/callers.ts";
import { limitsOn } from "./world.ts";

export const LEASE_MS = 2_000;

export interface HeldNode {
  readonly ports: AppPorts;
  readonly held: HeldKeys;
  readonly stopwatch: HandStopwatch;
  /** What it asked the store, as `keys.read`; not what it asked the feed. */
  readonly calls: string[];
  /** Hears of whatever was changed until now. */
  look(): Promise<void>;
}

/** One that has looked at the feed. */
export async function heldNode(ports: AppPorts): Promise<HeldNode> {
  const noted = noting(ports);
  const { store } = noted.ports;
  const stopwatch = handStopwatch();
  const lease = new Lease(stopwatch, LEASE_MS);
  const held = new HeldKeys({
    entriesMax: 100,
    ageMsMax: 600_000,
    lease,
    stopwatch,
    readStored: (keyId) => readStored(store, keyId),
  });
  const tail = new EventTail({
    feed: ports.store.feed,
    stopwatch,
    listener: {
      changed(entries) {
        for (const entry of entries) held.forget(entry);
      },
      doubted: () => held.forgetAll(),
      heard: (_, sentAt) => lease.renew(sentAt),
    },
  });
  const look = async () => {
    stopwatch.pass(1);
    await tail.poll();
  };
  await look();
  const forgetting = forgettingStore(store, async (changed) => held.forget(changed));
  return {
    ports: { ...ports, store: forgetting, views: held, limits: limitsOn(ports.store) },
    held,
    stopwatch,
    calls: noted.calls,
    look,
  };
}
