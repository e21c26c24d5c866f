// The one tail of a node: follows the feed and tells a listener of it.
import { EventTail } from "../../cache/event-tail.ts";
import type { FeedListener } from "../../cache/feed-listener.ts";
import { type Follower, followFeed } from "../../cache/follow-feed.ts";
import type { Config } from "../../config/load-config.ts";
import { systemStopwatch } from "../../lib/clock.ts";
import type { Log } from "../../observability/log.ts";
import type { Store } from "../../store/store.ts";

export function startTail(config: Config, log: Log, store: Store, listener: FeedListener): Follower {
  const tail = new EventTail({ feed: store.feed, stopwatch: systemStopwatch, listener });
  return followFeed(
    () => tail.poll(),
    config.pollIntervalMs,
    (error) => log.warn({ err: error }, "the store does not tell what has changed"),
  );
}

/**
 * What a change of the node itself does to the tail. Where the feed is the node's own to read, those who
 * watch need not wait for the next look at it.
 */
export function wakeOnChange(config: Config, follower: () => Follower | undefined): () => void {
  const isEmbedded = config.store.kind === "sqlite";
  return () => {
    if (isEmbedded) follower()?.wake();
  };
}
