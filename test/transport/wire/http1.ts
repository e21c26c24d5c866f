// HTTP/1.1 by hand over a socket, so that tests decide about every byte and see every answer and the end of
// the connection. Reads answers with a length or in chunks, which are all that the service gives.
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface Http1Answer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Http1Request {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface Http1Connection {
  readonly socket: Socket;
  /** Sends bytes as they are. */
  send(bytes: string | Uint8Array): void;
  /** Sends a request and gives its answer. */
  request(request: Http1Request): Promise<Http1Answer>;
  /** The next answer that nobody has waited for yet; rejects when the connection ends before. */
  answer(): Promise<Http1Answer>;
  /** Resolves once the server has ended the connection, however it did. */
  readonly closed: Promise<void>;
  close(): void;
}

/** Connects to `http:`, `https:` (the certificate `ca` is trusted) or `unix:`. */
export async function openHttp1(url: string, ca?: string): Promise<Http1Connection> {
  const socket = openSocket(url, ca);
  const reader = new AnswerReader(socket);
  const send = (bytes: string | Uint8Array) => void socket.write(bytes);
  await new Promise((resolve, reject) => {
    socket.once(ca === undefined ? "connect" : "secureConnect", resolve).once("error", reject);
  });
  // A reset is an end of the connection, too.
  socket.on("error", () => {});
  return {
    socket,
    send,
    request(request) {
      const { head, body } = requestBytes(request);
      send(head);
      if (body.length > 0) send(body);
      return reader.next(request.method);
    },
    answer: () => reader.next(),
    closed: new Promise((resolve) => socket.once("close", () => resolve())),
    close: () => socket.destroy(),
  };
}

/** One request on a connection of its own. */
export async function callHttp1(url: string, request: Http1Request): Promise<Http1Answer> {
  const connection = await openHttp1(url);
  try {
    return await connection.request(request);
  } finally {
    connection.close();
  }
}

/** The head as text, with Content-Length unless the headers frame the body themselves. */
export function requestBytes({ method = "POST", path, headers = {}, body = "" }: Http1Request) {
  const bytes = Buffer.from(body);
  const isFramed = Object.keys(headers).some((name) => /^(content-length|transfer-encoding)$/i.test(name));
  const framing =
    isFramed || (bytes.length === 0 && method === "GET") ? {} : { "content-length": bytes.length };
  const lines = Object.entries({ host: "fleetkey.test", ...framing, ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return { head: `${method} ${path} HTTP/1.1\r\n${head}\r\n`, body: bytes };
}

function openSocket(url: string, ca: string | undefined): Socket {
  if (url.startsWith("unix:")) return connect(url.slice("unix:".length));
  const { hostname, port } = new URL(url);
  const address = { host: hostname, port: Number(port) };
  if (ca === undefined) return connect({ ...address, noDelay: true });
  return connectTls({ ...address, ca, ALPNProtocols: ["http/1.1"] }).setNoDelay(true);
}

class AnswerReader {
  #bytes = Buffer.alloc(0);
  #isEnded = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    socket.on("data", (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#wake();
    });
    socket.once("close", () => {
      this.#isEnded = true;
      this.#wake();
    });
  }

  async next(method = "POST"): Promise<Http1Answer> {
    for (;;) {
      const answer = this.#take(method === "HEAD");
      if (answer !== undefined) return answer;
      if (this.#isEnded) throw new Error(`the connection ended before an answer; read: ${this.#bytes}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(hasNoBody: boolean): Http1Answer | undefined {
    const headEnd = this.#bytes.indexOf("\r\n\r\n");
    if (headEnd < 0) return undefined;
    const [statusLine = "", ...lines] = this.#bytes.toString("latin1", 0, headEnd).split("\r\n");
    const headers = Object.fromEntries(lines.map(readHeader));
    const rest = this.#bytes.subarray(headEnd + 4);
    const framed = hasNoBody ? { body: "", length: 0 } : readBody(rest, headers);
    if (framed === undefined) return undefined;
    this.#bytes = Buffer.from(rest.subarray(framed.length));
    return { status: Number(statusLine.split(" ")[1]), headers, body: framed.body };
  }
}

function readHeader(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

// Undefined: more is to come. `length` is how many bytes the body takes on the wire.
function readBody(bytes: Buffer, headers: Readonly<Record<string, string>>) {
  if (headers["transfer-encoding"] === "chunked") return readChunks(bytes);
  const length = Number(headers["content-length"] ?? 0);
  return bytes.length < length ? undefined : { body: bytes.toString("utf8", 0, length), length };
}

function readChunks(bytes: Buffer): { readonly body: string; readonly length: number } | undefined {
  const chunks: Buffer[] = [];
  let position = 0;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", position);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", position, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (bytes.length < end) return undefined;
    chunks.push(bytes.subarray(lineEnd + 2, end - 2));
    position = end;
    if (size === 0) return { body: Buffer.concat(chunks).toString(), length: position };
  }
}
