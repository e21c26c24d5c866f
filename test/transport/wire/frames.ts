// HTTP/2 by hand, frame by frame (RFC 9113, section 6), for what no client sends.
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
};
export const CONTINUATION = 9;
export const PRIORITY_UPDATE = 16;
export const FLAG = { ack: 1, endStream: 1, endHeaders: 4 };
export const CALM = 11;

const HEAD_BYTES = 9;
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header field that is not indexed, spelled out (RFC 7541, section 6.2.2). */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([Uint8Array.of(0), text(name), text(value)]);
}

/** One that is added to the dynamic table; as long as nothing follows it is number 62. */
export function indexedLiteral(name: string, value: string): Buffer {
  return Buffer.concat([Uint8Array.of(0x40), text(name), text(value)]);
}

function text(characters: string): Buffer {
  const length = characters.length;
  if (length < 127) return Buffer.concat([Uint8Array.of(length), Buffer.from(characters)]);
  const bytes = [127];
  let rest = length - 127;
  for (; rest > 127; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.concat([Uint8Array.from([...bytes, rest]), Buffer.from(characters)]);
}

/** The header block of a request, with further fields in small letters. */
export function requestBlock(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = "POST",
): Buffer {
  const fields = { ":method": method, ":scheme": "http", ":authority": "a", ":path": path, ...headers };
  return Buffer.concat(Object.entries(fields).map(([name, value]) => literal(name, value)));
}

export interface RawHttp2 {
  readonly socket: Socket;
  /** Resolves when the bytes are out or the connection is gone: an attack goes on as fast as it is taken. */
  send(...bytes: readonly Uint8Array[]): Promise<void>;
  /** All frames that came in so far. */
  frames(): readonly Frame[];
  /** Resolves with the first frame of a kind, now or later; rejects when the connection ends before. */
  received(isWanted: (frame: Frame) => boolean): Promise<Frame>;
  readonly isClosed: () => boolean;
  readonly closed: Promise<void>;
  close(): void;
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Connects and sends the preface, unless the test wants to do that itself. */
export async function openRawHttp2(url: string, ca?: string, preface: boolean = true): Promise<RawHttp2> {
  const { hostname: host, port } = new URL(url);
  const address = { host, port: Number(port) };
  const socket = ca === undefined ? connect(address) : connectTls({ ...address, ca, ALPNProtocols: ["h2"] });
  await new Promise((resolve, reject) => {
    socket.once(ca === undefined ? "connect" : "secureConnect", resolve).once("error", reject);
  });
  const raw = wrap(socket);
  if (preface) await raw.send(PREFACE, frame(FRAME.settings, 0, 0), frame(FRAME.settings, FLAG.ack, 0));
  return raw;
}

function wrap(socket: Socket): RawHttp2 {
  let bytes = Buffer.alloc(0);
  const found: Frame[] = [];
  let isClosed = false;
  let wake: () => void = () => {};
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (let next = takeFrame(bytes); next !== undefined; next = takeFrame(bytes)) {
      found.push(next);
      bytes = bytes.subarray(HEAD_BYTES + next.payload.length);
    }
    wake();
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      isClosed = true;
      wake();
      resolve();
    });
  });
  return {
    socket,
    send: (...parts) =>
      new Promise((resolve) => {
        if (isClosed) return resolve();
        // The event loop turns before the next one, or the end of the connection would go unseen.
        socket.write(Buffer.concat(parts), () => setImmediate(resolve));
      }),
    frames: () => found,
    async received(isWanted) {
      for (;;) {
        const wanted = found.find(isWanted);
        if (wanted !== undefined) return wanted;
        if (isClosed) throw new Error("the connection ended before such a frame");
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    isClosed: () => isClosed,
    closed,
    close: () => socket.destroy(),
  };
}

function takeFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const end = HEAD_BYTES + bytes.readUIntBE(0, 3);
  if (bytes.length < end) return undefined;
  return {
    type: bytes.readUInt8(3),
    flags: bytes.readUInt8(4),
    stream: bytes.readUInt32BE(5) & 0x7fffffff,
    payload: Buffer.from(bytes.subarray(HEAD_BYTES, end)),
  };
}
