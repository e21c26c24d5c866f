// Reads a body as it is, within a bound in bytes and one in time: node has no deadline for the bodies of
// HTTP/2.
import type { HttpRequest } from "../http.ts";
import { cutOff, UNREAD_BYTES_MAX } from "../listener/unread-body.ts";

/** The bytes, or why there are none; `gone`: nobody is left to be told. */
export type BodyOutcome = Buffer | "too_large" | "too_slow" | "gone";

/**
 * Of a body that is too large a little more is taken and thrown away, so that its sender gets to read the
 * answer; then it is cut off.
 */
export function readBody(
  request: HttpRequest,
  { bytesMax, msMax }: { readonly bytesMax: number; readonly msMax: number },
): Promise<BodyOutcome> {
  // Said beforehand, it need not be sent.
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) return Promise.resolve("too_large");
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    // Of what is too large anyway, the rest is not waited for either.
    const timer = setTimeout(() => (length > bytesMax ? cutOff(request) : resolve("too_slow")), msMax);
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= bytesMax) chunks.push(chunk);
      else resolve("too_large");
      if (length > bytesMax + UNREAD_BYTES_MAX) cutOff(request);
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("close", () => {
      clearTimeout(timer);
      resolve("gone");
    });
    // An error that nobody listens to would end the process; a close follows it.
    request.on("error", () => {});
  });
}
