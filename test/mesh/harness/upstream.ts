// The service behind a proxy: it answers each request with what reached it, as JSON, and counts them. And
// the client in front of the proxy, which sends what a careful client would not.
import { createServer, type IncomingHttpHeaders, request, type Server } from "node:http";
import type { Server as NetServer } from "node:net";

/** What reached the service. */
export interface Echo {
  readonly method: string;
  readonly path: string;
  /** Lower-case names and values, in order, repetitions included. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export class Upstream {
  readonly #server: Server;
  #count = 0;

  private constructor() {
    this.#server = createServer(async (incoming, answer) => {
      this.#count += 1;
      let body = "";
      for await (const chunk of incoming.setEncoding("utf8")) body += chunk;
      const headers = pairsOf(incoming.rawHeaders);
      const echo: Echo = { method: incoming.method ?? "", path: incoming.url ?? "", headers, body };
      answer.setHeader("content-type", "application/json").end(JSON.stringify(echo));
    });
  }

  static async at(port: number): Promise<Upstream> {
    const upstream = new Upstream();
    await listenAt(upstream.#server, port);
    return upstream;
  }

  /** How many requests reached it. */
  get count(): number {
    return this.#count;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

export async function listenAt(server: NetServer, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
}

function pairsOf(raw: readonly string[]): Echo["headers"] {
  return raw.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? ""] as const] : [],
  );
}

export interface Call {
  /** As it is written, without any tidying. */
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
  /** The loopback address that the client has. */
  readonly from?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request on a connection of its own. */
export async function send(port: number, call: Call): Promise<Answer> {
  const { path = "/", method = "GET", headers = {}, body, from = "127.0.0.1" } = call;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: "127.0.0.1", port, path, method, headers: { ...headers }, agent: false, localAddress: from },
      async (incoming) => {
        let text = "";
        for await (const chunk of incoming.setEncoding("utf8")) text += chunk;
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text });
      },
    );
    outgoing.once("error", reject).end(body);
  });
}
