// One stream of many messages on each connection: requests go out many to a frame, as many as are not
// answered yet; answers are counted message by message.
import { dataFrame, H2Connection, headersFrame } from "./h2-connection.ts";
import type { Tally } from "./tally.ts";
import type { Task } from "./task.ts";
import { Texts } from "./unary-calls.ts";

const STREAM_ID = 1;
const FRAME_BYTES_MAX = 16_384;
const MESSAGE_HEADER_BYTES = 5;
/** Fewer are not worth a frame. */
const MESSAGES_MIN = 64;
/** The field `id` of a request and three bytes of it, then the field `request`. */
const ID_BYTES = 3;
const IDS = 2 ** 21 - 2 ** 14;

export async function sendStreams(task: Task, tally: Tally, fail: (error: Error) => void): Promise<void> {
  const texts = new Texts(task);
  const streams = Array.from({ length: task.connections }, () => new MessageStream(task, texts, tally, fail));
  await Promise.all(streams.map(({ isReady }) => isReady));
  tally.start();
  for (const stream of streams) stream.fill();
}

class MessageStream {
  readonly isReady: Promise<void>;
  #connection: H2Connection;
  #message: Buffer;
  #idAt: number;
  #room = 0;
  #unanswered = 0;
  #nextId = 0;
  /** What has come of a message whose rest is in the next frame. */
  #rest: Buffer = Buffer.alloc(0);
  readonly #task: Task;
  readonly #texts: Texts;
  readonly #tally: Tally;
  readonly #fail: (error: Error) => void;

  constructor(task: Task, texts: Texts, tally: Tally, fail: (error: Error) => void) {
    this.#task = task;
    this.#texts = texts;
    this.#tally = tally;
    this.#fail = fail;
    const prefix = Buffer.from(task.prefixHex, "hex");
    this.#message = Buffer.concat([prefix, Buffer.alloc(texts.width)]);
    this.#idAt = MESSAGE_HEADER_BYTES + 1;
    const ready = Promise.withResolvers<void>();
    this.isReady = ready.promise;
    const url = new URL(task.url);
    const events = {
      ready: () => {
        this.#begin(url);
        ready.resolve();
      },
      headers: (_streamId: number, isEnd: boolean) => {
        if (isEnd) fail(new Error("the server has ended the stream"));
      },
      data: (_streamId: number, bytes: Buffer, start: number, end: number) => this.#data(bytes, start, end),
      settled: () => this.fill(),
      failed: fail,
    };
    this.#connection = new H2Connection(url, events, true);
  }

  fill(): void {
    if (!this.#tally.isOpen) return;
    this.#room += this.#connection.takeStreamRoom(STREAM_ID);
    const { length } = this.#message;
    const frameMax = Math.floor(FRAME_BYTES_MAX / length);
    for (;;) {
      const byWindow = Math.floor(Math.min(this.#room, this.#connection.sendWindow) / length);
      const count = Math.min(this.#task.streams - this.#unanswered, byWindow, frameMax);
      if (count < MESSAGES_MIN) return;
      this.#send(count);
    }
  }

  #send(count: number): void {
    const { length } = this.#message;
    const payload = Buffer.allocUnsafe(count * length);
    for (let at = 0; at < payload.length; at += length) {
      this.#message.copy(payload, at);
      const id = 2 ** 14 + (this.#nextId++ % IDS);
      payload[at + this.#idAt] = (id & 0x7f) | 0x80;
      payload[at + this.#idAt + 1] = ((id >> 7) & 0x7f) | 0x80;
      payload[at + this.#idAt + ID_BYTES - 1] = id >> 14;
      this.#texts.copyNext(payload, at + length - this.#texts.width);
    }
    this.#connection.write(dataFrame(STREAM_ID, payload, false));
    this.#connection.sendWindow -= payload.length;
    this.#room -= payload.length;
    this.#unanswered += count;
    this.#tally.calls += count;
  }

  #begin(url: URL): void {
    const { path, headers } = this.#task;
    const all = [[":path", path], [":authority", url.host], ...headers] as const;
    this.#connection.write(headersFrame(STREAM_ID, this.#connection.headerBlocks(all).first));
    this.#room = this.#connection.streamWindow;
  }

  #data(chunk: Buffer, start: number, end: number): void {
    let bytes = chunk;
    let at = start;
    let stop = end;
    if (this.#rest.length > 0) {
      bytes = Buffer.concat([this.#rest, chunk.subarray(start, end)]);
      at = 0;
      stop = bytes.length;
    }
    while (stop - at >= MESSAGE_HEADER_BYTES) {
      const next = at + MESSAGE_HEADER_BYTES + bytes.readUInt32BE(at + 1);
      if (next > stop) break;
      this.#answer(bytes, at, next);
      at = next;
    }
    this.#rest = Buffer.from(bytes.subarray(at, stop));
  }

  #answer(bytes: Buffer, at: number, next: number): void {
    if (this.#unanswered-- === 0) this.#fail(new Error("an answer to no request"));
    const isRight = this.#tally.isRight(bytes, at, next);
    if (!isRight) this.#tally.noteWrong(bytes, at, next);
    this.#tally.answered(isRight);
  }
}
