// Stores that each break the contract in one way, made of a sound one. They prove that the suite can fail:
// each names the part of the suite that must notice it. broken/ has most of them.
import type { KeyStore } from "../../src/store/store.ts";
import { brokenBatchesAndRemoval } from "./broken/batches-and-removal.ts";
import { type Breakage, breakPart } from "./broken/breakage.ts";
import { brokenErasure } from "./broken/erasure.ts";
import { brokenFeeds } from "./broken/feed.ts";
import { brokenFeedReaders } from "./broken/feed-reader.ts";
import { brokenKeys } from "./broken/keys.ts";
import { brokenQuotaCounts } from "./broken/quotas.ts";
import { brokenUsages } from "./broken/usage.ts";
import { PART_METHODS } from "./contract/recorded-store.ts";
import type { ContractNoun } from "./contract/suite.ts";

const NOUN_OF_KEY_METHOD: Readonly<Record<keyof KeyStore, ContractNoun>> = {
  insert: "keys",
  insertBatch: "insertBatch",
  read: "keys",
  update: "keys",
  confirm: "keys",
  replaceMac: "replaceMac",
  remove: "remove",
  list: "listing",
  readSlotHolder: "slotsAndRequests",
  readRequest: "slotsAndRequests",
};

function nounOf(part: keyof typeof PART_METHODS, method: string): ContractNoun {
  return part === "keys" ? NOUN_OF_KEY_METHOD[method as keyof KeyStore] : part;
}

// A method that does nothing is the plainest of all mistakes; not one of them may go unnoticed.
const missingMethods = (Object.keys(PART_METHODS) as (keyof typeof PART_METHODS)[]).flatMap((part) =>
  Object.keys(PART_METHODS[part]).map((method) => ({
    title: `${part}.${method} does nothing`,
    noun: nounOf(part, method),
    breakStore: breakPart(part, () => ({ [method]: async () => undefined })),
  })),
);

export const BREAKAGES: readonly Breakage[] = [
  ...missingMethods,
  ...brokenKeys,
  ...brokenBatchesAndRemoval,
  ...brokenFeeds,
  ...brokenFeedReaders,
  ...brokenErasure,
  ...brokenUsages,
  ...brokenQuotaCounts,
];
