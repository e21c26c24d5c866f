// Bounds of an HTTP/2 session that node:http2 has no option for: how long it may take to begin, how long it
// may stay with nothing to do, how many pings and settings it may send.
import { constants, type ServerHttp2Session } from "node:http2";
import type { Duplex } from "node:stream";
import { FLOOD_BURST_S, type ListenerLimits } from "./limits.ts";

/** How long an ended session may take to close by itself; a peer that reads nothing never lets it. */
const CLOSE_MS_MAX = 1_000;

/** Call it when the session begins. `socket` is what carries it. */
export function boundSession(session: ServerHttp2Session, socket: Duplex, limits: ListenerLimits): void {
  boundBeginning(session, socket, limits.headersTimeoutMs);
  boundIdleness(session, socket, limits.idleTimeoutMs);
  boundFloods(session, socket, limits.pingsPerSecondMax);
}

// The preface ends with the client's SETTINGS (RFC 9113, section 3.4).
function boundBeginning(session: ServerHttp2Session, socket: Duplex, msMax: number): void {
  const timer = setTimeout(() => socket.destroy(), msMax);
  session.once("remoteSettings", () => clearTimeout(timer));
  session.once("close", () => clearTimeout(timer));
}

// Only streams count. Pings come from clients that keep a connection in reserve, and from attackers that keep
// many; a header block that does not end is no stream yet.
function boundIdleness(session: ServerHttp2Session, socket: Duplex, msMax: number): void {
  let open = 0;
  let idleSince = performance.now();
  // A timer that calls do not touch: to wind it up again after each one would cost more than to look late.
  let timer = setTimeout(look, msMax);
  function look(): void {
    const leftMs = open > 0 ? msMax : idleSince + msMax - performance.now();
    if (leftMs > 0) timer = setTimeout(look, Math.ceil(leftMs));
    else end(session, socket);
  }
  const onStreamClose = () => {
    open -= 1;
    if (open === 0) idleSince = performance.now();
  };
  session.on("stream", (stream) => {
    open += 1;
    stream.on("close", onStreamClose);
  });
  session.once("close", () => clearTimeout(timer));
}

// nghttp2 ends a session whose peer does not read the acknowledgements (at 1000 that wait), and nothing else:
// a peer that reads can go on for ever. A token bucket, since clients measure round trips by bursts of pings.
function boundFloods(session: ServerHttp2Session, socket: Duplex, perSecondMax: number): void {
  const burst = perSecondMax * FLOOD_BURST_S;
  let left = burst;
  let countedAt = performance.now();
  const count = () => {
    const now = performance.now();
    left = Math.min(burst, left + ((now - countedAt) / 1_000) * perSecondMax) - 1;
    countedAt = now;
    if (left < 0) end(session, socket, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  };
  session.on("ping", count);
  session.on("remoteSettings", count);
}

function end(session: ServerHttp2Session, socket: Duplex, code = constants.NGHTTP2_NO_ERROR): void {
  if (session.destroyed) return;
  if (code === constants.NGHTTP2_NO_ERROR) session.close();
  else session.destroy(new Error("more pings and settings than allowed"), code);
  const timer = setTimeout(() => socket.destroy(), CLOSE_MS_MAX);
  socket.once("close", () => clearTimeout(timer));
}
