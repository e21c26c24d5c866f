// One listener for HTTP/1.1 and HTTP/2, in clear text (by the first bytes) or over TLS (by ALPN), and its
// end: drain.ts. What is answered is the handler's.
import { unlinkSync } from "node:fs";
import { createServer as createHttp1Server, type Server as Http1Server } from "node:http";
import { createServer as createHttp2Server, createSecureServer, type Http2Server } from "node:http2";
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  Server as NetServer,
  type Socket,
} from "node:net";
import { StartRefused } from "../domain/errors.ts";
import { Drain } from "./drain.ts";
import { sniffProtocol } from "./first-bytes.ts";
import type { HttpHandler, ListenAddress } from "./http.ts";
import { boundUnreadBody } from "./unread-body.ts";

export interface ListenerOptions {
  readonly address: ListenAddress;
  /** PEM texts; absent: clear text. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly handler: HttpHandler;
}

export interface Listener {
  /** `http://HOST:PORT`, `https://HOST:PORT` or `unix:PATH`. */
  readonly url: string;
  /** Stops accepting, answers what is open, and resolves when nothing is or the time is over. */
  stop(drainTimeoutMs: number): Promise<void>;
}

/** Resolves once it accepts connections; rejects when the address cannot be had. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const drain = new Drain();
  const handler: HttpHandler = (request, response) => {
    drain.watchResponse(request, response);
    boundUnreadBody(request, response);
    // Answers hold keys; no cache on the way may keep one.
    response.setHeader("cache-control", "no-store");
    options.handler(request, response);
  };
  const server =
    options.tls === undefined ? clearTextServer(handler, drain) : secureServer(options.tls, handler, drain);
  await bind(server, options.address);
  return {
    url: urlOf(server, options),
    async stop(drainTimeoutMs) {
      // Not the secure server's own: it would end idle connections and announce an end that the drain
      // contradicts.
      NetServer.prototype.close.call(server);
      await drain.run(drainTimeoutMs);
    },
  };
}

function clearTextServer(handler: HttpHandler, drain: Drain): NetServer {
  const http1 = createHttp1Server(handler);
  const http2 = createHttp2Server(handler as never);
  watchSessions(http2, drain);
  startTimeouts(http1);
  return createNetServer({ noDelay: true }, (socket) => {
    drain.watchSocket(socket);
    sniffProtocol(socket, (protocol) => (protocol === "h2" ? http2 : http1).emit("connection", socket));
  });
}

function secureServer(
  tls: { readonly cert: string; readonly key: string },
  handler: HttpHandler,
  drain: Drain,
): NetServer {
  const server = createSecureServer({ ...tls, allowHTTP1: true, minVersion: "TLSv1.2" }, handler as never);
  watchSessions(server, drain);
  server.on("connection", (socket: Socket) => drain.watchSocket(socket.setNoDelay(true)));
  return server;
}

function watchSessions(server: Pick<Http2Server, "on">, drain: Drain): void {
  server.on("session", (session) => drain.watchSession(session));
}

// node:http enforces its deadlines for headers and requests from a timer that it starts when it listens
// itself; this server never does, because its connections are handed to it.
function startTimeouts(server: Http1Server): void {
  server.emit("listening");
}

async function bind(server: NetServer, address: ListenAddress): Promise<void> {
  if (address.kind === "unix") await removeStaleSocket(address.path);
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error) =>
      reject(new StartRefused(`cannot accept calls: ${error.message}`, { cause: error }));
    server.once("error", onError);
    const onListening = () => {
      server.off("error", onError);
      resolve();
    };
    if (address.kind === "unix") server.listen(address.path, onListening);
    else server.listen(address.port, address.host, onListening);
  });
}

// A socket file outlives a killed process. It is in the way only when nobody answers behind it.
async function removeStaleSocket(path: string): Promise<void> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(undefined);
    }).on("error", resolve);
  });
  if (error?.code === "ECONNREFUSED") unlinkSync(path);
}

function urlOf(server: NetServer, { address, tls }: ListenerOptions): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${tls === undefined ? "http" : "https"}://${host}:${port}`;
}
