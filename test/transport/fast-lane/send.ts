// Sends a call as it is and tells all of its answer that a client can go by, so that two answers compare.
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import type { AnyCall } from "./any-call.ts";

export interface Told {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly trailers: Readonly<Record<string, unknown>>;
  /** Without what compression adds. */
  readonly body: string;
  /** How it ended when not with an answer. */
  readonly end: string;
}

/** Whatever differs between any two answers, and what compression does to the length. */
const OF_THE_MOMENT = new Set(["date", "content-length"]);

export async function sendOverHttp2(session: ClientHttp2Session, call: AnyCall): Promise<Told> {
  const length = lengthHeader(call);
  const headers = [
    ":method",
    call.method,
    ":path",
    call.path,
    ":scheme",
    "http",
    ":authority",
    "fleetkey.test",
  ];
  for (const [name, value] of [...call.headers, ...length]) headers.push(name, value);
  const stream = session.request(headers as never, { waitForTrailers: call.trailers, endStream: false });
  stream.on("wantTrailers", () => stream.sendTrailers({ "x-trailer": "1" }));
  const told = { status: undefined as number | undefined, headers: {}, trailers: {}, end: "" };
  const chunks: Buffer[] = [];
  const ended = new Promise<void>((resolve) => {
    stream.on("response", (received) => {
      const { [":status"]: status, ...rest } = received;
      told.status = status;
      told.headers = comparable(rest);
    });
    stream.on("trailers", (received) => {
      told.trailers = comparable(received);
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", ({ message }) => {
      told.end = message;
    });
    stream.on("close", () => {
      told.end ||= `closed with ${stream.rstCode}`;
      resolve();
    });
  });
  for (const piece of pieces(call)) {
    await new Promise((resolve) => stream.write(piece, resolve));
    await new Promise(setImmediate);
  }
  stream.end();
  await ended;
  return { ...told, body: readable(Buffer.concat(chunks), told.headers) };
}

export function openSession(url: string): Promise<ClientHttp2Session> {
  const session = connect(url, { strictSingleValueFields: false } as never);
  session.on("error", () => {});
  return new Promise((resolve) => session.once("connect", () => resolve(session)));
}

/** On a connection of its own, which the server is asked to end. */
export async function sendOverHttp1(url: string, call: AnyCall): Promise<Told> {
  const socket = await openSocket(url);
  const received: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const isChunked = call.framing === "none";
  const framing = isChunked ? [["transfer-encoding", "chunked"] as const] : lengthHeader(call);
  const lines = [["host", "fleetkey.test"], ["connection", "close"], ...call.headers, ...framing];
  const start = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.write(Buffer.from(`${call.method} ${call.path} HTTP/1.1\r\n${start}\r\n`, "utf8"));
  for (const piece of pieces(call)) {
    if (piece.length > 0) socket.write(isChunked ? inChunk(piece) : piece);
    await new Promise(setImmediate);
  }
  if (isChunked) socket.write("0\r\n\r\n");
  // A body that is shorter than it was said to be ends with the connection.
  if (call.framing === "wrong length") socket.end();
  await ended;
  return readAnswer(Buffer.concat(received));
}

function inChunk(piece: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
}

async function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connectTcp({ host: hostname, port: Number(port), noDelay: true });
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.on("error", () => {});
  return socket;
}

function lengthHeader({ framing, body }: AnyCall): readonly (readonly [string, string])[] {
  if (framing === "none") return [];
  return [["content-length", String(framing === "length" ? body.length : body.length + 1)]];
}

function pieces({ body, cuts }: AnyCall): readonly Buffer[] {
  const ends = [...new Set(cuts.map((cut) => cut % (body.length + 1)))].sort((one, other) => one - other);
  return [0, ...ends].map((start, index) => body.subarray(start, ends[index] ?? body.length));
}

function comparable(headers: IncomingHttpHeaders): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_MOMENT.has(name)));
}

// An interim answer comes first when somebody expects it.
function readAnswer(bytes: Buffer): Told {
  const [headText = "", ...rest] = bytes.toString("latin1").split("\r\n\r\n");
  const [statusLine = "", ...lines] = headText.split("\r\n");
  if (statusLine.includes(" 100 ")) return readAnswer(Buffer.from(rest.join("\r\n\r\n"), "latin1"));
  const headers: IncomingHttpHeaders = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 2);
  }
  const body = Buffer.from(rest.join("\r\n\r\n"), "latin1");
  const told = {
    status: Number(statusLine.split(" ")[1]),
    headers: comparable(headers),
    trailers: {},
    end: "",
  };
  return { ...told, body: readable(body, told.headers) };
}

// Only what was compressed after all is unpacked: the two roads may differ in it by a byte of the packing.
function readable(body: Buffer, headers: Readonly<Record<string, unknown>>): string {
  const unpack = { gzip: gunzipSync, br: brotliDecompressSync };
  const encoding = (headers["content-encoding"] ?? headers["grpc-encoding"]) as
    | keyof typeof unpack
    | undefined;
  if (headers["content-encoding"] !== undefined && encoding !== undefined) {
    return unpack[encoding](body).toString("latin1");
  }
  if (encoding !== undefined && body[0] === 1) {
    return `compressed: ${unpack[encoding](body.subarray(5)).toString("latin1")}`;
  }
  return body.toString("latin1");
}
