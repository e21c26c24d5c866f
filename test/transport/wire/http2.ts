// HTTP/2 for tests: requests on one session with their whole answers, and what the server says about the
// session.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from "node:http2";

export interface Http2Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Http2Connection {
  readonly session: ClientHttp2Session;
  /** The whole answer. Without `body` the request has none. */
  request(headers: OutgoingHttpHeaders | readonly string[], body?: string | Uint8Array): Promise<Http2Answer>;
  /** Resolves once the session is gone, however it went. */
  readonly closed: Promise<void>;
  close(): void;
}

export function openHttp2(url: string, options: SecureClientSessionOptions = {}): Http2Connection {
  const session = connect(url, options);
  // What fails shows in the requests; a session that the server ends is no error of the test's.
  session.on("error", () => {});
  return {
    session,
    request(headers, body) {
      const stream = session.request(headers as OutgoingHttpHeaders, { endStream: body === undefined });
      if (body !== undefined) stream.end(body);
      return answerTo(stream);
    },
    closed: new Promise((resolve) => session.once("close", () => resolve())),
    close: () => session.destroy(),
  };
}

/** Reads the answer to its end; the stream's own end is not waited for. */
export function answerTo(stream: ClientHttp2Stream): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    let headers: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    let body = "";
    stream.setEncoding("utf8");
    stream.on("response", (received) => {
      headers = received;
    });
    stream.on("trailers", (received) => {
      trailers = received;
    });
    stream.on("data", (text: string) => {
      body += text;
    });
    stream.on("error", reject);
    stream.on("end", () => {
      const status = Number(headers[":status"]);
      if (Number.isNaN(status)) reject(new Error("the stream ended without an answer"));
      else resolve({ status, headers, trailers, body });
    });
  });
}
