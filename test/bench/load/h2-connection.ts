// One HTTP/2 connection of the generator, frame by frame over a plain socket, so that a call costs it far
// less than it costs the server. It knows what the frames of a well-behaved server need, and fails on all
// others.
import { connect, type Socket } from "node:net";

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
const FRAME_HEADER_BYTES = 9;
const WINDOW_MAX = 0x7fffffff;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const STATIC_METHOD_POST = 0x83;
const STATIC_SCHEME_HTTP = 0x86;
/** Where the table of what was said before begins. */
const DYNAMIC_START = 62;
const TABLE_BYTES_NEEDED = 2_048;

export interface ConnectionEvents {
  /** The server has said what it allows. */
  ready(): void;
  headers(streamId: number, isEnd: boolean): void;
  /** The bytes from `start` to `end` are only valid now. */
  data(streamId: number, bytes: Buffer, start: number, end: number, isEnd: boolean): void;
  /** Everything that has arrived was told of, or there is more room to send. */
  settled(): void;
  failed(error: Error): void;
}

export class H2Connection {
  /** How many bytes of bodies may be sent on the connection. */
  sendWindow = 65_535;
  /** How many a stream may send at first. */
  streamWindow = 65_535;
  streamsMax = Number.POSITIVE_INFINITY;
  #tableBytes = 4_096;
  #socket: Socket;
  #events: ConnectionEvents;
  #rest: Buffer = Buffer.alloc(0);
  #unacknowledged = 0;
  #isReady = false;
  readonly #isOneStream: boolean;
  readonly #streamRooms = new Map<number, number>();

  /** `isOneStream`: all data comes on one stream, whose window has to be kept open, too. */
  constructor(url: URL, events: ConnectionEvents, isOneStream: boolean) {
    this.#events = events;
    this.#isOneStream = isOneStream;
    this.#socket = connect({ host: url.hostname, port: Number(url.port) });
    this.#socket.setNoDelay(true);
    this.#socket.on("error", (error) => events.failed(error));
    this.#socket.on("close", () => events.failed(new Error("the server has closed the connection")));
    this.#socket.on("data", (chunk: Buffer) => this.#take(chunk));
    // Of pushes none, and windows that never hold up the server.
    const settings = Buffer.from("000200000000" + "0004" + "7fffffff", "hex");
    this.#socket.write(PREFACE, "latin1");
    this.#socket.write(frame(SETTINGS, 0, 0, settings));
    this.#socket.write(frame(WINDOW_UPDATE, 0, 0, uint32(WINDOW_MAX - 65_535)));
  }

  write(frames: Buffer): void {
    this.#socket.write(frames);
  }

  /** What WINDOW_UPDATE frames of this stream have allowed since the last time that this was asked. */
  takeStreamRoom(streamId: number): number {
    const room = this.#streamRooms.get(streamId) ?? 0;
    this.#streamRooms.delete(streamId);
    return room;
  }

  close(): void {
    this.#socket.removeAllListeners("close").removeAllListeners("data").destroy();
  }

  /**
   * The header block of the first call, and of all others: a client that indexes, as those of gRPC do, says a
   * header once and then points at it.
   */
  headerBlocks(headers: readonly (readonly [string, string])[]): { first: Buffer; next: Buffer } {
    const fixed = [STATIC_METHOD_POST, STATIC_SCHEME_HTTP];
    if (this.#tableBytes < TABLE_BYTES_NEEDED) {
      const block = Buffer.concat([Buffer.from(fixed), ...headers.map((header) => literal(0x00, header))]);
      // First the table is made as small as the server wants it.
      return { first: Buffer.concat([Buffer.of(0x20), block]), next: block };
    }
    const indices = headers.map((_, index) => 0x80 | (DYNAMIC_START + headers.length - 1 - index));
    return {
      first: Buffer.concat([Buffer.from(fixed), ...headers.map((header) => literal(0x40, header))]),
      next: Buffer.from([...fixed, ...indices]),
    };
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const end = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
      if (bytes.length < end) break;
      const streamId = bytes.readUInt32BE(at + 5);
      this.#frame(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, streamId, bytes, at + FRAME_HEADER_BYTES, end);
      at = end;
    }
    this.#rest = bytes.subarray(at);
    this.#events.settled();
  }

  #frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (type === DATA) {
      this.#acknowledge(end - start, streamId);
      this.#events.data(streamId, bytes, start, end, (flags & END_STREAM) !== 0);
    } else if (type === HEADERS) {
      if ((flags & END_HEADERS) === 0) this.#events.failed(new Error("a header of several frames"));
      this.#events.headers(streamId, (flags & END_STREAM) !== 0);
    } else if (type === SETTINGS && (flags & ACK) === 0) {
      this.#settings(bytes.subarray(start, end));
    } else if (type === PING && (flags & ACK) === 0) {
      this.#socket.write(frame(PING, ACK, 0, bytes.subarray(start, end)));
    } else if (type === WINDOW_UPDATE) {
      const room = bytes.readUInt32BE(start);
      if (streamId === 0) this.sendWindow += room;
      else this.#streamRooms.set(streamId, (this.#streamRooms.get(streamId) ?? 0) + room);
    } else if (type === RST_STREAM || type === GOAWAY) {
      const code = bytes.readUInt32BE(type === GOAWAY ? start + 4 : start);
      const name = type === GOAWAY ? "GOAWAY" : "RST_STREAM";
      this.#events.failed(new Error(`the server has sent ${name} with code ${code}`));
    }
  }

  #settings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2);
      const name = payload.readUInt16BE(at);
      if (name === 1) this.#tableBytes = value;
      if (name === 3) this.streamsMax = value;
      if (name === 4) this.streamWindow = value;
    }
    this.#socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    if (this.#isReady) return;
    this.#isReady = true;
    this.#events.ready();
  }

  // Rarely, as the windows are as large as can be.
  #acknowledge(length: number, streamId: number): void {
    this.#unacknowledged += length;
    if (this.#unacknowledged < 2 ** 28) return;
    const room = uint32(this.#unacknowledged);
    this.#socket.write(frame(WINDOW_UPDATE, 0, 0, room));
    if (this.#isOneStream) this.#socket.write(frame(WINDOW_UPDATE, 0, streamId, room));
    this.#unacknowledged = 0;
  }
}

export function headersFrame(streamId: number, block: Buffer): Buffer {
  return frame(HEADERS, END_HEADERS, streamId, block);
}

export function dataFrame(streamId: number, payload: Buffer, isEnd: boolean): Buffer {
  return frame(DATA, isEnd ? END_STREAM : 0, streamId, payload);
}

function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

// A header field spelt out; 0x40: to be kept in the table.
function literal(form: number, [name, value]: readonly [string, string]): Buffer {
  return Buffer.concat([Buffer.of(form), text(name), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length >= 127) throw new Error("a header of the bench is too long");
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}
