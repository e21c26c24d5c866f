// A TCP proxy in front of a server, which a test can cut (connections end, new ones are refused), stall
// (bytes are accepted and go nowhere) and heal.

import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach } from "vitest";

type State = "open" | "cut" | "stalled";

export class TcpProxy {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  /** What came while stalled, in order. */
  #held: (() => void)[] = [];
  #state: State = "open";
  #onHeld: () => void = () => {};

  private constructor(target: URL) {
    this.#target = { host: target.hostname, port: Number(target.port || 27_017) };
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client));
  }

  static async inFrontOf(target: URL): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    this.#state = "cut";
    this.#held = [];
    for (const socket of this.#sockets) socket.destroy();
  }

  stall(): void {
    this.#state = "stalled";
  }

  /** Resolves when bytes come that a stall holds back. */
  async holds(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onHeld = resolve;
    });
  }

  heal(): void {
    this.#state = "open";
    for (const release of this.#held.splice(0)) release();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #accept(client: Socket): void {
    if (this.#state === "cut") {
      client.destroy();
      return;
    }
    const upstream = connect({ ...this.#target, noDelay: true });
    this.#join(client, upstream);
    this.#join(upstream, client);
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on("data", (bytes) => {
      if (this.#state === "open") {
        to.write(bytes);
        return;
      }
      this.#held.push(() => to.write(bytes));
      this.#onHeld();
    });
    from.on("error", () => from.destroy());
    from.once("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}

/** Gives proxies that are closed after the test. */
export function useTcpProxy(): (uri: string) => Promise<{ readonly proxy: TcpProxy; readonly uri: string }> {
  const proxies: TcpProxy[] = [];
  afterEach(() => {
    for (const proxy of proxies.splice(0)) proxy.close();
  });
  return async (uri) => {
    const through = new URL(uri);
    const proxy = await TcpProxy.inFrontOf(through);
    proxies.push(proxy);
    through.hostname = "127.0.0.1";
    through.port = String(proxy.port);
    // A driver that looks for the members of a replica set would find the way around the proxy.
    through.searchParams.set("directConnection", "true");
    return { proxy, uri: through.href };
  };
}
