// The words of the transport: requests, responses, handlers, addresses.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";

/** Where a listener listens. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Whether only this machine reaches it. A name is not looked up: what it means can change. */
export function isLocal(address: ListenAddress): boolean {
  if (address.kind === "unix") return true;
  const { host } = address;
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

// node:http2's compatibility API has the methods of node:http's that are used here.
export type HttpRequest = IncomingMessage;
export type HttpResponse = ServerResponse;
export type HttpHandler = (request: HttpRequest, response: HttpResponse) => void;

/** What node:http2 tells of a call that begins. */
export type StreamHandler = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: string[],
) => void;

/** The road of all calls that no fast lane takes. */
export interface StockRoad {
  readonly toRequest: HttpHandler;
  readonly toStream: StreamHandler;
  /** Whether the listener ends, so that answers over HTTP/1.1 have to say that their connection does. */
  readonly isDraining: () => boolean;
}

/** Answers calls at less cost than the stock road, in the same words. */
export interface FastLane {
  openSession(session: ServerHttp2Session, socket: Socket): void;
  /** Whether it takes the call, which can still come to the stock road then, as if it came just now. */
  takeStream(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    flags: number,
    rawHeaders: string[],
  ): boolean;
  takeRequest(request: HttpRequest, response: HttpResponse): boolean;
}

export type MakeFastLane = (stock: StockRoad) => FastLane;
