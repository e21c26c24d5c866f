// The answers of streams, for whoever writes them: the adapter waits for room in a response, and node does
// not tell it when the client that would have to make room is gone.
import { constants } from "node:http2";
import type { HttpRequest, HttpResponse } from "../../http.ts";
import { cutOff } from "../../listener/unread-body.ts";

export class OpenAnswers {
  readonly #responses = new WeakMap<HttpRequest, HttpResponse>();

  add(request: HttpRequest, response: HttpResponse): void {
    this.#responses.set(request, response);
    // Whoever waits writes once more, and learns of the end.
    response.once("close", () => response.emit("drain"));
  }

  /** Ends a stream whose client takes nothing. gRPC tells it as RESOURCE_EXHAUSTED. */
  cutOff(request: HttpRequest): void {
    // Before its end, so that the handler finds out by itself what was wrong.
    this.#responses.get(request)?.emit("drain");
    cutOff(request, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
}
