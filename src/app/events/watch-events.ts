// Watch: every change as it comes, for clients that keep a cache of their own. It reads the feed whenever the
// news says that there is more, a page at a time as fast as its client takes them, so that nothing piles up.
// A client that hears nothing must know that it hears nothing: so there is a beat.
import { narrowed } from "../../access/bounds.ts";
import type { Caller } from "../../access/caller.ts";
import type { NumberedEvent } from "../../domain/audit/event.ts";
import { FleetkeyError, unavailable } from "../../domain/errors.ts";
import type { Owner } from "../../domain/principal.ts";
import type { EventStore, FeedReader } from "../../store/store.ts";
import { checkCursor, formatCursor } from "./watch-cursor.ts";
import { type ChangeNews, Inbox } from "./watch-inbox.ts";

/** Watches in one process. */
export const WATCHERS_MAX = 100;
/** Events in one response: as large as they can be, they stay below the 4 MiB that gRPC clients take. */
export const WATCH_PAGE = 50;
/** Half of what the contract promises. */
const BEAT_MS = 500;
/** How many beats a watch waits for a position to begin at. */
const BEGIN_BEATS_MAX = 10;
/** Who comes back from further behind forgets everything. */
const WHOLE_MAX = 10_000;
const FEED_PAGE = 1_000;

export interface WatchPorts {
  readonly store: { readonly events: Pick<EventStore, "list">; readonly feed: FeedReader };
  readonly news: ChangeNews;
  /** How long a caller is taken for what it was, and how old what is heard of can be. */
  readonly leaseMs: number;
}

export interface WatchCall {
  /** Who watches, asked within the last lease. Rejects when it may not any more. */
  readonly caller: () => Promise<Caller>;
  /** Ends the watch with its reason. */
  readonly signal: AbortSignal;
  /** Of the last response that was taken in; empty: from now on. */
  readonly cursor: string;
}

export interface WatchedChanges {
  readonly events: readonly NumberedEvent[];
  readonly cursor: string;
  /** What the client remembers may have changed without an event that tells so. */
  readonly isReset: boolean;
}

/** Goes on until its signal, its caller or the store ends it. */
export async function* watchEvents(ports: WatchPorts, call: WatchCall): AsyncGenerator<WatchedChanges> {
  const from = checkCursor(call.cursor);
  const { news, leaseMs } = ports;
  if (news.followers >= WATCHERS_MAX) throw tooManyWatchers();
  const inbox = new Inbox(call.signal, Math.min(BEAT_MS, leaseMs));
  const leave = news.follow(inbox);
  try {
    yield* follow(ports, call, inbox, from);
  } finally {
    leave();
    inbox.close();
  }
}

async function* follow(
  { store, news }: WatchPorts,
  { caller, signal }: WatchCall,
  inbox: Inbox,
  from: number | undefined,
): AsyncGenerator<WatchedChanges> {
  const begun = await knownPosition(news, inbox);
  let cursor = from ?? begun;
  // What was doubted while nobody watched for this client shows as a gap.
  let isReset = !(await isWhole(store.feed, cursor, begun));
  let isDue = true;
  for (;;) {
    signal.throwIfAborted();
    const { bounds } = await caller();
    const reader = { events: store.events, owner: narrowed(bounds, {}) ?? {} };
    // The doubt is told before the position behind it, so whoever gets this one gets the doubt.
    const { position } = news;
    isReset = inbox.takeDoubt() || isReset;
    isDue = inbox.takeBeat() || isDue;
    const late = await readLate(reader, inbox, cursor);
    const page = await readPage(reader, cursor, position ?? cursor);
    if (position !== undefined && position < cursor) await assertReached(store.feed, cursor);
    if (page.cursor > cursor && cursor < begun) await assertKept(store.feed, cursor);
    for (const { number } of page.events) inbox.lateNumbers.delete(number);
    const events = [...late, ...page.events];
    const hasRead = page.cursor > cursor;
    cursor = page.cursor;
    if (isReset || events.length > 0) {
      yield { events, cursor: formatCursor(cursor), isReset };
      isReset = false;
    } else if (isDue && position !== undefined && !hasRead) {
      // Only where nothing was read just now: that can take long, and there may be more by then.
      yield { events, cursor: formatCursor(cursor), isReset };
      isDue = false;
    } else if (!hasRead) {
      await inbox.next();
    }
  }
}

/** Forgets the doubts before it. */
async function knownPosition(news: ChangeNews, inbox: Inbox): Promise<number> {
  let beats = 0;
  while (beats < BEGIN_BEATS_MAX) {
    const { position } = news;
    if (position !== undefined) {
      inbox.takeDoubt();
      return position;
    }
    await inbox.next();
    if (inbox.takeBeat()) beats += 1;
  }
  throw unavailable("this node does not hear of changes now", "CHANGES_NOT_HEARD");
}

interface Reader {
  readonly events: WatchPorts["store"]["events"];
  readonly owner: Owner;
}

interface Page {
  readonly events: readonly NumberedEvent[];
  /** All that lies between is told. */
  readonly cursor: number;
  readonly isLast: boolean;
}

// Events above the position are there before some below it: not yet.
async function readPage({ events, owner }: Reader, after: number, upTo: number): Promise<Page> {
  if (upTo <= after) return { events: [], cursor: after, isLast: true };
  const read = await events.list({ owner, after, limit: WATCH_PAGE });
  const safe = read.filter(({ number }) => number <= upTo);
  const last = safe.at(-1);
  return safe.length < WATCH_PAGE || last === undefined
    ? { events: safe, cursor: upTo, isLast: true }
    : { events: safe, cursor: last.number, isLast: false };
}

// Those above the cursor come with their page, which is read after they were told.
async function readLate(
  { events, owner }: Reader,
  { lateNumbers }: Inbox,
  cursor: number,
): Promise<readonly NumberedEvent[]> {
  const late: NumberedEvent[] = [];
  for (const number of lateNumbers) {
    if (late.length === WATCH_PAGE) break;
    lateNumbers.delete(number);
    if (number > cursor) continue;
    const [event] = await events.list({ owner, after: number - 1, limit: 1 });
    if (event?.number === number) late.push(event);
  }
  return late;
}

/** Whether every number from the one after `after` up to `to` is there. */
async function isWhole(feed: FeedReader, after: number, to: number): Promise<boolean> {
  if (to - after > WHOLE_MAX) return false;
  let last = after;
  while (last < to) {
    const entries = await feed.readAfter(last, FEED_PAGE);
    const gap = entries.findIndex(({ number }, index) => number !== last + index + 1);
    last += gap === -1 ? entries.length : gap;
    if (gap !== -1 || entries.length < FEED_PAGE) break;
  }
  return last >= to;
}

// Asked after the page was read: what is removed before it is read is missing in it.
async function assertKept(feed: FeedReader, cursor: number): Promise<void> {
  const [oldest] = await feed.readAfter(0, 1);
  if (oldest !== undefined && oldest.number > cursor + 1) throw cursorExpired();
}

// Another node can be ahead of this one. Nobody is ahead of the head.
async function assertReached(feed: FeedReader, cursor: number): Promise<void> {
  if ((await feed.readHead()) < cursor) throw cursorExpired();
}

function cursorExpired(): FleetkeyError {
  return new FleetkeyError(
    "failed_precondition",
    "events after the cursor were removed, or were never here: forget everything and watch from now on",
    { reason: "CURSOR_EXPIRED" },
  );
}

function tooManyWatchers(): FleetkeyError {
  return new FleetkeyError("resource_exhausted", "too many watch this node", {
    reason: "TOO_MANY_WATCHERS",
    retryAfterMs: 1_000,
  });
}
