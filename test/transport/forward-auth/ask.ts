// Asks as a proxy does over HTTP: on the port that everybody calls or on the sidecars', over both protocols.
import { callHttp1 } from "../wire/http1.ts";
import { openHttp2 } from "../wire/http2.ts";

export type Headers = Readonly<Record<string, string>>;

export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Headers;
  readonly body?: string;
}

export interface HttpTold {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export type Ask = (url: string, question: Question) => Promise<HttpTold>;

export const overHttp1: Ask = (url, { method = "GET", path = "/authz", headers = {}, body }) =>
  callHttp1(url, { method, path, headers, body });

export const overHttp2: Ask = async (url, { method = "GET", path = "/authz", headers = {}, body }) => {
  const connection = openHttp2(url);
  try {
    const answer = await connection.request({ ":method": method, ":path": path, ...headers }, body);
    return { ...answer, headers: answer.headers as Headers };
  } finally {
    connection.close();
  }
};

export const PROTOCOLS: readonly { readonly over: string; readonly ask: Ask }[] = [
  { over: "HTTP/1.1", ask: overHttp1 },
  { over: "HTTP/2", ask: overHttp2 },
];

/** Names of what Envoy is told to take away. */
export function removedBy({ headers }: HttpTold): readonly string[] {
  return headers["x-envoy-auth-headers-to-remove"]?.split(",") ?? [];
}

/** What the service behind the proxy is told. */
export function identityIn({ headers }: HttpTold): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("x-fleetkey-")));
}
