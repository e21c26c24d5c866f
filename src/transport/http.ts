// The words of the transport: requests, responses, handlers, addresses.
import type { IncomingMessage, ServerResponse } from "node:http";

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
