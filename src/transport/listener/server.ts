// One listener for HTTP/1.1 and HTTP/2, in clear text (by the first bytes) or over TLS (by ALPN), within the
// bounds of limits.ts, and its end: drain.ts. What is answered is the handler's.
import cluster from "node:cluster";
import { unlinkSync } from "node:fs";
import { createServer as createHttp1Server, type Server as Http1Server } from "node:http";
import {
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  type Server,
  type Socket,
} from "node:net";
import type { Server as TlsServer } from "node:tls";
import { StartRefused } from "../../domain/errors.ts";
import type {
  FastLane,
  HttpHandler,
  HttpRequest,
  ListenAddress,
  MakeFastLane,
  StreamHandler,
} from "../http.ts";
import { changeTls, createSecureServer, type TlsTexts } from "../tls/secure-server.ts";
import { Drain } from "./drain.ts";
import { sniffProtocol } from "./first-bytes.ts";
import { http1Options, http2Options, type ListenerLimits } from "./limits.ts";
import { type RefusalReport, Refusals } from "./refusals.ts";
import { boundSession } from "./session-bounds.ts";
import { boundSlowClient } from "./slow-client.ts";
import { boundUnreadBody } from "./unread-body.ts";

export interface ListenerOptions {
  readonly address: ListenAddress;
  /** Absent: clear text. */
  readonly tls: TlsTexts | undefined;
  readonly limits: ListenerLimits;
  readonly handler: HttpHandler;
  /** Whether any number of messages may come in this request, in the client's own time. */
  readonly isStream: (request: HttpRequest) => boolean;
  /** Sees each call before the handler does, and answers those that it takes. */
  readonly fastLane?: MakeFastLane;
  /** Told at most once a second. */
  readonly onRefused: (report: RefusalReport) => void;
}

export interface Listener {
  /** `http://HOST:PORT`, `https://HOST:PORT` or `unix:PATH`. */
  readonly url: string;
  /** Another certificate for the connections to come; of a listener with TLS only. */
  changeTls(texts: TlsTexts): void;
  /** Stops accepting, answers what is open, and resolves when nothing is or the time is over. */
  stop(drainTimeoutMs: number): Promise<void>;
}

/** Resolves once it accepts connections; rejects when the address cannot be had. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const drain = new Drain();
  const refusals = new Refusals(options.onRefused);
  const protocols = new Protocols(options, drain);
  const server =
    options.tls === undefined
      ? clearTextServer(protocols, options.limits)
      : secureServer(options.tls, protocols, options.limits, refusals);
  // Without the second a full worker hands a connection back, and full workers pass it around without end.
  Object.assign(server, { maxConnections: options.limits.connectionsMax, dropMaxConnection: true });
  server.on("connection", (socket: Socket) => drain.watchSocket(socket.setNoDelay(true)));
  server.on("drop", () => refusals.count("too many connections"));
  await bind(server, options.address);
  return {
    url: urlOf(server, options),
    changeTls: (texts) => changeTls(server as TlsServer, texts),
    async stop(drainTimeoutMs) {
      server.close();
      await drain.run(drainTimeoutMs);
    },
  };
}

/** Node's two servers, neither of which listens: connections are handed to them. */
class Protocols {
  readonly #http1: Http1Server;
  readonly #http2: Http2Server;
  readonly #limits: ListenerLimits;
  readonly #lane: FastLane | undefined;

  constructor({ limits, handler, isStream, fastLane }: ListenerOptions, drain: Drain) {
    this.#limits = limits;
    const bounded: HttpHandler = (request, response) => {
      drain.watchResponse(request, response);
      boundSlowClient(request, response, { msMax: limits.bodyTimeoutMs, isStream: isStream(request) });
      boundUnreadBody(request, response);
      // Answers hold keys; no cache on the way may keep one.
      response.setHeader("cache-control", "no-store");
      handler(request, response);
    };
    // Makes a request of a stream for the handler; no connection of its own ever comes to it.
    const compat = createHttp2Server(bounded as never);
    const toStream: StreamHandler = (...stream) => void compat.emit("stream", ...stream);
    const lane = fastLane?.({ toRequest: bounded, toStream, isDraining: () => drain.isDraining });
    this.#lane = lane;
    this.#http1 = createHttp1Server(http1Options(limits), (request, response) => {
      if (lane?.takeRequest(request, response) !== true) bounded(request, response);
    });
    // Node would drop the headers past a number without a word. Their bytes are bounded.
    this.#http1.maxHeadersCount = 0;
    // Node enforces the deadline for headers from a timer that it starts when the server itself listens.
    this.#http1.emit("listening");
    this.#http2 = createHttp2Server(http2Options(limits));
    this.#http2.on("stream", (stream: ServerHttp2Stream, headers, flags, rawHeaders) => {
      if (lane?.takeStream(stream, headers, flags, rawHeaders) !== true) {
        toStream(stream, headers, flags, rawHeaders);
      }
    });
    this.#http2.on("session", (session) => drain.watchSession(session));
  }

  open(socket: Socket, protocol: "h2" | "http/1.1"): void {
    if (protocol !== "h2") {
      this.#http1.emit("connection", socket);
      return;
    }
    // Emitted while the connection is handed over.
    this.#http2.once("session", (session: ServerHttp2Session) => {
      boundSession(session, socket, this.#limits);
      this.#lane?.openSession(session, socket);
    });
    this.#http2.emit("connection", socket);
  }
}

function clearTextServer(protocols: Protocols, limits: ListenerLimits): Server {
  return createNetServer((socket) => {
    sniffProtocol(socket, limits.headersTimeoutMs, (protocol) => protocols.open(socket, protocol));
  });
}

function secureServer(
  texts: TlsTexts,
  protocols: Protocols,
  limits: ListenerLimits,
  refusals: Refusals,
): TlsServer {
  return createSecureServer({
    texts,
    handshakeMsMax: limits.headersTimeoutMs,
    onSocket: (socket) => protocols.open(socket, socket.alpnProtocol === "h2" ? "h2" : "http/1.1"),
    onRefused: (reason) => refusals.count("client certificate", reason),
  });
}

async function bind(server: Server, address: ListenAddress): Promise<void> {
  // Workers of one node share what their primary has bound and made way for.
  if (!cluster.isWorker) await makeWay(address);
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

/**
 * Removes what a former process has left in the place. A socket file outlives a killed process; it is in the
 * way only when nobody answers behind it.
 */
export async function makeWay(address: ListenAddress): Promise<void> {
  if (address.kind !== "unix") return;
  const { path } = address;
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(undefined);
    }).on("error", resolve);
  });
  if (error?.code === "ECONNREFUSED") unlinkSync(path);
}

function urlOf(server: Server, { address, tls }: ListenerOptions): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${tls === undefined ? "http" : "https"}://${host}:${port}`;
}
