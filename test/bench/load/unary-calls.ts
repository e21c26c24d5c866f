// Unary calls over HTTP/2 from frames that are made once: each call is a copy of them with another stream id
// and another text. Answers are told apart by how their data begins.
import { readFileSync } from "node:fs";
import { dataFrame, H2Connection, headersFrame } from "./h2-connection.ts";
import type { Tally } from "./tally.ts";
import type { Task } from "./task.ts";

const STREAM_ID_AT = 5;
const BODY_BYTES_MAX = 16_384;

/** The texts of a task in their order. */
export class Texts {
  readonly width: number;
  #bytes: Buffer;
  #order: Uint32Array | undefined;
  #count: number;
  #next: number;

  constructor({ texts, orderFile, start }: Task) {
    this.width = texts?.width ?? 0;
    this.#bytes = texts === undefined ? Buffer.alloc(0) : readFileSync(texts.file);
    const order = orderFile === undefined ? undefined : readFileSync(orderFile);
    this.#order = order && new Uint32Array(new Uint8Array(order).buffer);
    this.#count = this.#order?.length ?? Math.max(1, this.#bytes.length / (this.width + 1));
    this.#next = start % this.#count;
  }

  copyNext(target: Buffer, at: number): void {
    if (this.width === 0) return;
    const index = this.#order === undefined ? this.#next : (this.#order[this.#next] ?? 0);
    this.#next = (this.#next + 1) % this.#count;
    const from = index * (this.width + 1);
    this.#bytes.copy(target, at, from, from + this.width);
  }
}

/** Keeps `streams` calls open on each connection, or makes them at the rate of the task. */
export async function makeUnaryCalls(task: Task, tally: Tally, fail: (error: Error) => void): Promise<void> {
  const texts = new Texts(task);
  const callers = Array.from({ length: task.connections }, () => new UnaryCaller(task, texts, tally, fail));
  await Promise.all(callers.map(({ isReady }) => isReady));
  tally.start();
  if (task.rate === undefined) for (const caller of callers) caller.fill();
  else keepRate(task.rate, callers, tally);
}

function keepRate(rate: number, callers: readonly UnaryCaller[], tally: Tally): void {
  const intervalMs = 1_000 / rate;
  let dueAt = performance.now();
  let turn = 0;
  const tick = () => {
    if (!tally.isOpen) return;
    for (const now = performance.now(); dueAt <= now; dueAt += intervalMs) {
      tally.calls++;
      callers[turn++ % callers.length]?.wait(dueAt);
    }
    for (const caller of callers) caller.fill();
    // Without a pause: a timer would be late by more than an answer takes.
    setImmediate(tick);
  };
  tick();
}

interface OpenCall {
  readonly dueAt: number;
  isRight: boolean;
}

class UnaryCaller {
  readonly isReady: Promise<void>;
  #connection: H2Connection;
  #open = new Map<number, OpenCall>();
  #waiting: number[] = [];
  #nextStreamId = 1;
  #first: Buffer = Buffer.alloc(0);
  #next: Buffer = Buffer.alloc(0);
  #tailBytes: number;
  #body: Buffer;
  readonly #task: Task;
  readonly #texts: Texts;
  readonly #tally: Tally;

  constructor(task: Task, texts: Texts, tally: Tally, fail: (error: Error) => void) {
    this.#task = task;
    this.#texts = texts;
    this.#tally = tally;
    const suffix = Buffer.from(task.suffixHex, "hex");
    this.#tailBytes = suffix.length + texts.width;
    this.#body = Buffer.concat([Buffer.from(task.prefixHex, "hex"), Buffer.alloc(texts.width), suffix]);
    if (this.#body.length > BODY_BYTES_MAX) throw new Error("a body of the bench is longer than a frame");
    const ready = Promise.withResolvers<void>();
    this.isReady = ready.promise;
    const url = new URL(task.url);
    const events = {
      ready: () => {
        this.#prepare(url);
        ready.resolve();
      },
      headers: (streamId: number, isEnd: boolean) => isEnd && this.#end(streamId),
      data: this.#data.bind(this),
      settled: () => this.fill(),
      failed: fail,
    };
    this.#connection = new H2Connection(url, events, false);
  }

  /** A call is due; it waits for its turn when the server allows no more at a time. */
  wait(dueAt: number): void {
    this.#waiting.push(dueAt);
  }

  /** Makes all calls that can be made now, in one write. */
  fill(): void {
    const count = this.#callsNow();
    if (count === 0) return;
    const room = this.#first.length + this.#next.length * (count - 1);
    const frames = Buffer.allocUnsafe(this.#nextStreamId === 1 ? room : this.#next.length * count);
    let at = 0;
    for (let i = 0; i < count; i++) at = this.#begin(frames, at);
    this.#connection.write(frames);
  }

  #callsNow(): number {
    if (this.#next.length === 0) return 0;
    const { sendWindow, streamsMax } = this.#connection;
    const byWindow = Math.floor(sendWindow / this.#body.length);
    if (this.#task.rate !== undefined) {
      return Math.min(this.#waiting.length, byWindow, streamsMax - this.#open.size);
    }
    if (!this.#tally.isOpen) return 0;
    const left = (this.#task.callsMax ?? Number.POSITIVE_INFINITY) - this.#tally.calls;
    return Math.min(this.#task.streams - this.#open.size, byWindow, left);
  }

  #begin(frames: Buffer, at: number): number {
    const streamId = this.#nextStreamId;
    const template = streamId === 1 ? this.#first : this.#next;
    const end = at + template.length;
    const bodyAt = end - this.#body.length;
    template.copy(frames, at);
    frames.writeUInt32BE(streamId, at + STREAM_ID_AT);
    frames.writeUInt32BE(streamId, bodyAt - 4);
    this.#texts.copyNext(frames, end - this.#tailBytes);
    this.#nextStreamId = streamId + 2;
    this.#connection.sendWindow -= this.#body.length;
    if (this.#task.rate === undefined) this.#tally.calls++;
    this.#open.set(streamId, { dueAt: this.#waiting.shift() ?? 0, isRight: false });
    return end;
  }

  #prepare(url: URL): void {
    const { streamsMax, streamWindow } = this.#connection;
    if (streamsMax < this.#task.streams) throw new Error(`the server allows only ${streamsMax} streams`);
    if (streamWindow < this.#body.length) throw new Error("the server takes no body at once");
    const { path, headers } = this.#task;
    const all = [[":path", path], [":authority", url.host], ...headers] as const;
    const blocks = this.#connection.headerBlocks(all);
    const body = dataFrame(1, this.#body, true);
    this.#first = Buffer.concat([headersFrame(1, blocks.first), body]);
    this.#next = Buffer.concat([headersFrame(1, blocks.next), body]);
  }

  #data(streamId: number, bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    const call = this.#open.get(streamId);
    if (call !== undefined && !call.isRight && end > start) {
      call.isRight = this.#tally.isRight(bytes, start, end);
      if (!call.isRight) this.#tally.noteWrong(bytes, start, end);
    }
    if (isEnd) this.#end(streamId);
  }

  #end(streamId: number): void {
    const call = this.#open.get(streamId);
    this.#open.delete(streamId);
    this.#tally.answered(call?.isRight ?? false, call?.dueAt ?? 0);
  }
}
