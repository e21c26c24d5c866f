// What one listener takes at most, and how node:http and node:http2 are told. What they have no option for is
// session-bounds.ts's and slow-client.ts's.
import type { ServerOptions as Http1Options } from "node:http";
import type { ServerOptions as Http2Options } from "node:http2";

export interface ListenerLimits {
  /** Of a request's header fields; in HTTP/2 after decompression, with 32 bytes a field (RFC 9113, 6.5.2). */
  readonly headerBytesMax: number;
  /** Open at once on one HTTP/2 connection. */
  readonly streamsMax: number;
  /** Open at once on this listener. */
  readonly connectionsMax: number;
  /** Streams that one connection may have reset in a second, on average over FLOOD_BURST_S. */
  readonly resetsPerSecondMax: number;
  /** Pings and settings together that one connection may send in a second, on average over FLOOD_BURST_S. */
  readonly pingsPerSecondMax: number;
  /** From the first byte to the end of the headers; also for a TLS handshake and for HTTP/2's preface. */
  readonly headersTimeoutMs: number;
  /** From the headers to the end of the body, and for taking the rest of an answer. */
  readonly bodyTimeoutMs: number;
  /** How long a connection stays without an open request, and a stream without a message. */
  readonly idleTimeoutMs: number;
}

/** A burst is what the rate allows in so many seconds: of resets nghttp2 itself has 33 a second and 1000. */
export const FLOOD_BURST_S = 30;

/** How often node:http looks for expired headers at most and at least. */
const CHECK_MS_MIN = 20;
const CHECK_MS_MAX = 1_000;

export function http1Options(limits: ListenerLimits): Http1Options {
  return {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    // Node's deadline for whole requests knows no streams; slow-client.ts's does.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(Math.max(limits.headersTimeoutMs / 4, CHECK_MS_MIN), CHECK_MS_MAX),
    keepAliveTimeout: limits.idleTimeoutMs,
  };
}

export function http2Options(limits: ListenerLimits): Http2Options {
  return {
    settings: { maxConcurrentStreams: limits.streamsMax, maxHeaderListSize: limits.headerBytesMax },
    streamResetRate: limits.resetsPerSecondMax,
    streamResetBurst: limits.resetsPerSecondMax * FLOOD_BURST_S,
  };
}
