// Tells HTTP/2 from HTTP/1 on a clear-text connection by its first bytes, and leaves those bytes unread.
import type { Socket } from "node:net";

// The HTTP/2 preface (RFC 9113, section 3.4) begins "PRI"; no HTTP/1 method does.
const PREFACE_START = Buffer.from("PRI");

/**
 * Calls `onKnown` once with the protocol, all bytes still to be read. A connection that has not said enough
 * after `msMax` is ended, also one that says it byte by byte.
 */
export function sniffProtocol(
  socket: Socket,
  msMax: number,
  onKnown: (protocol: "h2" | "http/1.1") => void,
): void {
  const timer = setTimeout(() => socket.destroy(), msMax);
  const stopTimer = () => clearTimeout(timer);
  let bytes = Buffer.alloc(0);
  const onReadable = () => {
    const more: Buffer | null = socket.read();
    if (more === null) return;
    bytes = Buffer.concat([bytes, more]);
    const isPreface = PREFACE_START.subarray(0, bytes.length).equals(bytes.subarray(0, PREFACE_START.length));
    // "P" or "PR" can still become either. What was read is put back only once it is known: each unshift
    // makes the socket readable again, which would turn in circles at the first of these bytes.
    if (isPreface && bytes.length < PREFACE_START.length) return;
    stopTimer();
    socket.off("close", stopTimer).off("readable", onReadable);
    socket.unshift(bytes);
    onKnown(isPreface ? "h2" : "http/1.1");
  };
  socket.once("close", stopTimer);
  socket.on("readable", onReadable);
}
