// How long a client may take to send a request's body and to take its answer, over both protocols. Streams
// of messages are bound by their messages instead (connect/streams), until they are answered.
import type { HttpRequest, HttpResponse } from "../http.ts";
import { cutOff, streamOf } from "./unread-body.ts";

/** How long a call that is no stream may take at all beside that: as long as a client may ask it to take. */
const CALL_MS_MAX = 60_000;

/** Call it before the request is handled. `isStream`: many messages may come or go, in anybody's own time. */
export function boundSlowClient(
  request: HttpRequest,
  response: HttpResponse,
  { msMax, isStream }: { readonly msMax: number; readonly isStream: boolean },
): void {
  const stream = streamOf(request);
  const answer = stream ?? response;
  let timer: NodeJS.Timeout | undefined;
  const disarm = () => clearTimeout(timer);
  const arm = (then: () => void) => {
    disarm();
    timer = setTimeout(then, msMax);
  };
  const cut = () => cutOff(request);
  // Nothing tells when an answer is written whose client takes none of it.
  const waitForAnswer = (leftMs: number) =>
    arm(() => (answer.writableEnded || leftMs <= 0 ? cut() : waitForAnswer(leftMs - msMax)));
  const callMsMax = isStream ? Number.POSITIVE_INFINITY : CALL_MS_MAX;
  if (isStream || !hasBody(request)) {
    waitForAnswer(callMsMax);
  } else {
    arm(cut);
    request.once("end", () => waitForAnswer(callMsMax));
  }
  // The client has all of the answer that it takes; what it still sends is of no interest.
  answer.once("prefinish", () => arm(cut));
  if (stream !== undefined) stream.once("close", disarm);
  else whenBothClosed(request, response, disarm);
}

// In HTTP/1.1 the answer can be over while the body still comes, and the other way round. A request that is
// closed need not be complete: who stops reading it in the middle closes it, and node leaves the rest unread.
function whenBothClosed(request: HttpRequest, response: HttpResponse, then: () => void): void {
  const { socket } = request;
  let open = 2;
  const onClose = () => {
    open -= 1;
    if (open > 0) return;
    if (request.complete) then();
    else socket.once("close", then);
  };
  request.once("close", onClose);
  response.once("close", onClose);
}

// Nobody reads a body that is not there to its end.
function hasBody(request: HttpRequest): boolean {
  const stream = streamOf(request);
  if (stream !== undefined) return !stream.endAfterHeaders;
  return "content-length" in request.headers || "transfer-encoding" in request.headers;
}
