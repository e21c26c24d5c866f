// A TCP proxy in front of a server, which a test can cut (connections end, new ones are refused), stall
// (bytes are accepted and go nowhere), slow down (answers come late) and heal.

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
  #answerDelayMs = 0;
  #onHeld: (bytes: Buffer) => void = () => {};

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

  /** Whatever the server says from now on comes so much later. */
  slow(answerDelayMs: number): void {
    this.#answerDelayMs = answerDelayMs;
  }

  /** Resolves when bytes come, with this text in them, that a stall holds back. */
  async holds(text = ""): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onHeld = (bytes) => {
        if (bytes.includes(text)) resolve();
      };
    });
  }

  heal(): void {
    this.#state = "open";
    this.#answerDelayMs = 0;
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
    this.#join(client, upstream, () => 0);
    this.#join(upstream, client, () => this.#answerDelayMs);
  }

  #join(from: Socket, to: Socket, delayMs: () => number): void {
    this.#sockets.add(from);
    // Each that is delayed has a timer; whichever ends first lets the oldest go, so that none overtakes.
    const delayed: Buffer[] = [];
    from.on("data", (bytes: Buffer) => {
      if (delayMs() === 0 && delayed.length === 0) {
        this.#pass(to, bytes);
        return;
      }
      delayed.push(bytes);
      setTimeout(() => this.#pass(to, delayed.shift()), delayMs());
    });
    from.on("error", () => from.destroy());
    from.once("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  #pass(to: Socket, bytes: Buffer = Buffer.alloc(0)): void {
    if (this.#state === "open") {
      to.write(bytes);
      return;
    }
    this.#held.push(() => to.write(bytes));
    this.#onHeld(bytes);
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
