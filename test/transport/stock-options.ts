// What Connect's adapter needs beside what a test is about, in the plainest form.
import type { AppPorts } from "../../src/app/ports.ts";
import { FeedNews } from "../../src/cache/feed-news.ts";
import { proxyParts } from "../../src/transport/proxy/proxy-parts.ts";

const POLICY = {
  trustedHops: 0,
  tellsReasons: false,
  stripsKey: true,
  requirementHeaders: new Set<string>(),
};

export function stockOptions(ports: AppPorts) {
  const news = new FeedNews({ isLive: () => true });
  return {
    proxies: proxyParts(ports, POLICY, () => {}),
    streams: { news, leaseMs: 60_000, watchBlockedMsMax: 10_000 },
    stopping: new AbortController().signal,
  };
}
