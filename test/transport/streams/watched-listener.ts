// A listener whose watchers are told of more than any buffer holds, for clients that do not take it.
import { onTestFinished } from "vitest";
import { rootCaller } from "../../../src/access/caller.ts";
import { FeedNews } from "../../../src/cache/feed-news.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import type { NumberedEvent } from "../../../src/domain/audit/event.ts";
import { CALLER, CALLER_AGAIN } from "../../../src/transport/connect/call-context.ts";
import { connectHandler } from "../../../src/transport/connect/connect-handler.ts";
import { isStreamCall } from "../../../src/transport/connect/streams/stream-calls.ts";
import { listen } from "../../../src/transport/listener/server.ts";
import { plainHttp } from "../../../src/transport/plain-http.ts";
import { openWorld } from "../../app/world.ts";
import { stockOptions } from "../stock-options.ts";

const EVENT_BYTES = 20_000;
/** Far more than is ever read. */
const EVENTS = 1_000_000;

const SILENT = { isLevelEnabled: () => true, info() {}, warn() {}, error() {} };

export interface WatchedListener {
  readonly url: string;
  readonly news: FeedNews;
  /** How many events were read from the store. */
  readonly eventsRead: () => number;
  /** How calls ended. */
  readonly ended: readonly string[];
  /** From now on there is more to tell than anybody takes. */
  flood(): void;
}

export async function listenToWatchers(watchBlockedMsMax: number): Promise<WatchedListener> {
  const { ports } = await openWorld();
  const news = new FeedNews({ isLive: () => true });
  news.heard(0);
  let read = 0;
  const ended: string[] = [];
  const list = async ({ after, limit }: { readonly after: number; readonly limit: number }) => {
    read += limit;
    return Array.from({ length: limit }, (_, index) => largeEvent(after + index + 1));
  };
  const handler = connectHandler(
    { ...ports, store: { ...ports.store, events: { ...ports.store.events, list } } },
    {
      ...stockOptions(ports),
      authentication: { refusal: (_address, refused) => refused },
      log: { debug: (line: object) => void ended.push(String((line as { code: string }).code)), ...SILENT },
      gate: ({ values }) => {
        values.set(CALLER, rootCaller()).set(CALLER_AGAIN, async () => rootCaller());
      },
      requestBytesMax: 65_536,
      streamIdleMsMax: 60_000,
      streams: { news, leaseMs: 50, watchBlockedMsMax },
      stopping: new AbortController().signal,
      fallback: plainHttp,
    },
  );
  const listener = await listen({
    address: { kind: "tcp", host: "127.0.0.1", port: 0 },
    tls: undefined,
    limits: loadConfig({}).limits,
    handler,
    isStream: isStreamCall,
    onRefused: () => {},
  });
  onTestFinished(() => listener.stop(0));
  return { url: listener.url, news, eventsRead: () => read, ended, flood: () => news.heard(EVENTS) };
}

function largeEvent(number: number): NumberedEvent {
  const reason = "x".repeat(EVENT_BYTES);
  return {
    number,
    eventId: `evt_${number}`,
    kind: "key_revoked",
    time: 0,
    caller: "root",
    owner: {},
    reason,
  };
}
