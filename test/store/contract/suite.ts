// The contract of a store as one suite, by noun. A backend's test hands in how a fresh, empty store is
// opened; the cases themselves are data, which broken-store.test.ts runs on stores that must fail.
import { describe, it } from "vitest";
import type { Store } from "../../../src/store/store.ts";
import type { StoreCase } from "./case.ts";
import { concurrencyCases } from "./concurrency.ts";
import { eventRemovalCases } from "./event-removal.ts";
import { eventCases } from "./events.ts";
import { feedCases } from "./feed.ts";
import { insertBatchCases } from "./insert-batch.ts";
import { keyCases } from "./keys.ts";
import { listFilterCases } from "./list-filters.ts";
import { listingCases } from "./listing.ts";
import { pepperCheckCases } from "./pepper-checks.ts";
import { principalCases } from "./principals.ts";
import { quotaCases } from "./quotas.ts";
import { removeCases } from "./remove.ts";
import { replaceMacCases } from "./replace-mac.ts";
import { slotAndRequestCases } from "./slots-and-requests.ts";
import { textCases } from "./texts.ts";
import { usageCases } from "./usage.ts";

/** Opens a fresh, empty store. Closing it is all that is done with it afterwards. */
export type OpenStore = () => Promise<Store>;

export const CONTRACT = {
  keys: keyCases,
  insertBatch: insertBatchCases,
  replaceMac: replaceMacCases,
  remove: removeCases,
  slotsAndRequests: slotAndRequestCases,
  listing: [...listingCases, ...listFilterCases],
  principals: principalCases,
  events: [...eventCases, ...eventRemovalCases],
  feed: feedCases,
  usage: usageCases,
  quotas: quotaCases,
  pepperChecks: pepperCheckCases,
  texts: textCases,
  concurrency: concurrencyCases,
} as const satisfies Readonly<Record<string, readonly StoreCase[]>>;

export type ContractNoun = keyof typeof CONTRACT;

/** What several nodes on one database must be held to as well: all but what one alone can get wrong. */
export const SPREAD_NOUNS: readonly ContractNoun[] = [
  "keys",
  "insertBatch",
  "remove",
  "principals",
  "events",
  "feed",
  "usage",
  "quotas",
  "concurrency",
];

/** Runs one case on a store of its own. */
export async function runCase({ run }: StoreCase, openStore: OpenStore): Promise<void> {
  const store = await openStore();
  try {
    await run(store);
  } finally {
    await store.close();
  }
}

/** The whole contract. */
export function describeContract(openStore: OpenStore): void {
  for (const noun of Object.keys(CONTRACT) as ContractNoun[]) describeNoun(noun, openStore);
}

/** The part of the contract that is about one noun. */
export function describeNoun(noun: ContractNoun, openStore: OpenStore): void {
  describe(noun, () => {
    for (const each of CONTRACT[noun]) it(each.title, () => runCase(each, openStore));
  });
}
