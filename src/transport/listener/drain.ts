// The orderly end of a listener: open connections are still answered, told to go elsewhere, and ended when
// their time is over. It only watches sockets, sessions and responses; it knows nothing of what they carry.
import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { HttpRequest, HttpResponse } from "../http.ts";

export class Drain {
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  /** With the connection of each: node takes it from a response that is over. */
  readonly #http1Responses = new Map<HttpResponse, Socket>();
  #isDraining = false;
  #onIdle: () => void = () => {};

  get isDraining(): boolean {
    return this.#isDraining;
  }

  watchSocket(socket: Socket): void {
    this.#sockets.add(socket);
    // A reset by the peer is the end of a connection like another; without a listener it would end the
    // process.
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#onIdle();
    });
  }

  watchSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once("close", () => this.#sessions.delete(session));
    if (this.#isDraining) session.close();
  }

  watchResponse(request: HttpRequest, response: HttpResponse): void {
    if (request.httpVersionMajor !== 1) return;
    const { socket } = request;
    this.#http1Responses.set(response, socket);
    response.once("close", () => {
      this.#http1Responses.delete(response);
      // One that had begun before could not announce the end.
      const isIdle = ![...this.#http1Responses.values()].includes(socket);
      if (this.#isDraining && isIdle) socket.end();
    });
    if (this.#isDraining) announceEnd(response);
  }

  /** Resolves when all connections are closed; closes those that are left when the time is over. */
  async run(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    for (const response of this.#http1Responses.keys()) announceEnd(response);
    // GOAWAY names the last call that is answered. One that crosses it on the wire is refused as not begun,
    // which clients send again elsewhere; a first GOAWAY that refuses none (RFC 9113, section 6.8) node:http2
    // cannot send.
    for (const session of this.#sessions) session.close();
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      if (this.#sockets.size === 0) resolve();
    });
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      idle,
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      }),
    ]);
    clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
  }
}

// HTTP/1.1 says it with `Connection: close` on the answer, and node:http then ends the connection.
function announceEnd(response: HttpResponse): void {
  if (!response.headersSent) response.setHeader("connection", "close");
}
