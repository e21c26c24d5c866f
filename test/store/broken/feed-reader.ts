// Stores whose feed, as nodes follow it, tells too little, too much or too late: a node would go on trusting
// what has changed.
import type { FeedEntry, FeedReader } from "../../../src/store/store.ts";
import { type Breakage, breakPart } from "./breakage.ts";

function broken(title: string, overrides: (target: FeedReader) => Partial<FeedReader>): Breakage {
  return { title: `feed.${title}`, noun: "feed", breakStore: breakPart("feed", overrides) };
}

/** A feed that answers something else than the sound one. */
function entriesTo(title: string, change: (entries: readonly FeedEntry[]) => readonly FeedEntry[]): Breakage {
  return broken(title, (target) => ({
    readAfter: async (after, limit) => change(await target.readAfter(after, limit)),
  }));
}

const heads: readonly Breakage[] = [
  broken("readHead is one behind", (target) => ({
    readHead: async () => Math.max(0, (await target.readHead()) - 1),
  })),
  broken("readHead is one ahead", (target) => ({ readHead: async () => (await target.readHead()) + 1 })),
  {
    title: "feed.readHead goes on telling what it told first",
    noun: "feed",
    breakStore: (sound) => {
      let first: Promise<number> | undefined;
      const readHead = () => {
        first ??= sound.feed.readHead();
        return first;
      };
      return breakPart("feed", () => ({ readHead }))(sound);
    },
  },
  {
    title: "feed.readHead counts the entries that are there",
    noun: "feed",
    breakStore: breakPart("feed", (target) => ({
      readHead: async () => (await target.readAfter(0, 100_000)).length,
    })),
  },
  {
    title: "feed.readHead takes the last change of a key for the last of all",
    noun: "feed",
    breakStore: breakPart("feed", (target) => ({
      readHead: async () => {
        const entries = await target.readAfter(0, 100_000);
        return entries.findLast(({ keyId }) => keyId !== undefined)?.number ?? 0;
      },
    })),
  },
];

const entries: readonly Breakage[] = [
  broken("readAfter repeats the entry at `after`", (target) => ({
    readAfter: (after, limit) => target.readAfter(after - 1, limit),
  })),
  broken("readAfter skips one entry behind `after`", (target) => ({
    readAfter: (after, limit) => target.readAfter(after + 1, limit),
  })),
  broken("readAfter gives one entry more than the limit", (target) => ({
    readAfter: (after, limit) => target.readAfter(after, limit + 1),
  })),
  broken("readAfter gives one entry less than the limit", (target) => ({
    readAfter: async (after, limit) => (await target.readAfter(after, limit)).slice(0, limit - 1),
  })),
  entriesTo("readAfter begins with the newest", (found) => found.toReversed()),
  entriesTo("readAfter does not name keys", (found) => found.map(({ keyId: _, ...entry }) => entry)),
  entriesTo("readAfter does not name principals", (found) =>
    found.map(({ principalId: _, ...entry }) => entry),
  ),
  entriesTo("readAfter leaves out what names no key", (found) =>
    found.filter(({ keyId }) => keyId !== undefined),
  ),
  entriesTo("readAfter numbers from 1", (found) =>
    found.map((entry, index) => ({ ...entry, number: index + 1 })),
  ),
  entriesTo("readAfter tells when it happened", (found) => found.map((entry) => ({ ...entry, time: 1 }))),
];

const numbers: readonly Breakage[] = [
  broken("readNumbers gives all up to the highest", (target) => ({
    readNumbers: async (asked) =>
      (await target.readAfter(0, 100_000)).filter(({ number }) => number <= Math.max(0, ...asked)),
  })),
  broken("readNumbers gives one of several", (target) => ({
    readNumbers: (asked) => target.readNumbers(asked.slice(-1)),
  })),
  broken("readNumbers makes an entry of what is missing", (target) => ({
    readNumbers: async (asked) => {
      const found = await target.readNumbers(asked);
      return asked.map((number) => found.find((entry) => entry.number === number) ?? { number });
    },
  })),
  broken("readNumbers remembers what was removed", (target) => {
    const remembered = new Map<number, FeedEntry>();
    return {
      readAfter: async (after, limit) => {
        const found = await target.readAfter(after, limit);
        for (const entry of found) remembered.set(entry.number, entry);
        return found;
      },
      readNumbers: async (asked) => [
        ...(await target.readNumbers(asked)),
        ...asked.flatMap((number) => remembered.get(number) ?? []),
      ],
    };
  }),
];

export const brokenFeedReaders: readonly Breakage[] = [...heads, ...entries, ...numbers];
