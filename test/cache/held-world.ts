// HeldKeys whose reads of the store are answered by hand, under a lease that is renewed by hand.
import { HeldKeys, type HeldKeysOptions } from "../../src/cache/held-keys.ts";
import { Lease } from "../../src/cache/lease.ts";
import type { KeyRecord } from "../../src/domain/key.ts";
import type { KeyView } from "../../src/domain/verdict.ts";
import { momentOf } from "../../src/lib/clock.ts";
import { buildView } from "../domain/build.ts";
import { keyAt } from "../store/build.ts";
import { handStopwatch, settled } from "./hand-stopwatch.ts";

export const LEASE_MS = 2_000;
export const AGE_MS = 600_000;

/** One read that the store was asked for. */
export interface StoreRead {
  readonly keyId: string;
  readonly answer: PromiseWithResolvers<KeyView | undefined>;
}

interface HeldWorldOptions extends Partial<Pick<HeldKeysOptions, "entriesMax">> {
  readonly isRenewed?: boolean;
}

export function heldWorld({ isRenewed = true, ...overrides }: HeldWorldOptions = {}) {
  const stopwatch = handStopwatch();
  const lease = new Lease(stopwatch, LEASE_MS);
  const reads: StoreRead[] = [];
  const held = new HeldKeys({
    entriesMax: 100,
    ageMsMax: AGE_MS,
    lease,
    stopwatch,
    readStored(keyId) {
      const answer = Promise.withResolvers<KeyView | undefined>();
      reads.push({ keyId, answer });
      return answer.promise;
    },
    ...overrides,
  });
  const renew = () => lease.renew(momentOf(stopwatch));
  /** The store answers the oldest read that waits. */
  const land = async (view?: KeyView) => {
    await settled();
    const read = reads.shift();
    if (read === undefined) throw new Error("nothing is read");
    read.answer.resolve(view);
    await settled();
  };
  /** Reads this key and holds it. */
  const hold = async (view: KeyView) => {
    const result = held.read(view.key.keyId);
    await land(view);
    await result;
  };
  if (isRenewed) renew();
  stopwatch.pass(1);
  return { stopwatch, lease, reads, held, renew, land, hold };
}

/** The view of a new key, another one for each seed. */
export function viewAt(seed: number, overrides: Partial<KeyRecord> = {}): KeyView {
  return buildView(keyAt(seed, overrides));
}
