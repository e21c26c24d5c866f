// A TCP proxy whose answers can be made late: what is asked arrives and is done at once, what comes back is
// held. Each connection is late by a time of its own, so that answers of several overtake each other.
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Draws how late the answers on a connection are, in milliseconds. */
export type DrawLag = () => number;

export class LagProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #drawLag: DrawLag | undefined;
  /** Counts changes of `#drawLag`: each connection draws anew after one. */
  #era = 0;

  private constructor(targetPort: number) {
    this.#server = createServer({ noDelay: true }, (client) => this.#join(client, targetPort));
  }

  static async inFrontOf(targetPort: number): Promise<LagProxy> {
    const proxy = new LagProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on; undefined: answers are as fast as they come. */
  lag(drawLag: DrawLag | undefined): void {
    this.#drawLag = drawLag;
    this.#era += 1;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket, targetPort: number): void {
    const upstream = connect({ host: "127.0.0.1", port: targetPort, noDelay: true });
    client.on("data", (bytes) => upstream.write(bytes));
    let era = -1;
    let lagMs = 0;
    let held: Promise<void> = Promise.resolve();
    upstream.on("data", (bytes) => {
      if (era !== this.#era) {
        era = this.#era;
        lagMs = this.#drawLag?.() ?? 0;
      }
      const due = new Promise<void>((resolve) => {
        if (lagMs === 0) resolve();
        else setTimeout(resolve, lagMs);
      });
      // In their order, also when an earlier one is later than this one would be.
      held = held.then(() => due).then(() => void (client.destroyed || client.write(bytes)));
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.once("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
