// A stream whose client is silent for too long ends with an error that says so; the time in which its
// messages are worked on is not the client's.
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { untilIdle } from "../../../src/transport/connect/streams/idle-stream.ts";

const IDLE_MS_MAX = 1_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const pauseMs = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function* messagesEvery(ms: number, count: number): AsyncIterable<number> {
  for (let number = 1; number <= count; number += 1) {
    await pauseMs(ms);
    yield number;
  }
}

/** What comes out, and the code of what ended it. */
async function read(messages: AsyncIterable<number>, workMs = 0, signal = new AbortController().signal) {
  const got: number[] = [];
  try {
    for await (const message of untilIdle(messages, IDLE_MS_MAX, signal)) {
      got.push(message);
      if (workMs > 0) await pauseMs(workMs);
    }
    return { got, code: undefined };
  } catch (error) {
    return { got, code: ConnectError.from(error).code };
  }
}

it.each([
  { everyMs: 0, workMs: 0, got: [1, 2, 3], code: undefined },
  { everyMs: IDLE_MS_MAX - 1, workMs: 0, got: [1, 2, 3], code: undefined },
  { everyMs: IDLE_MS_MAX + 1, workMs: 0, got: [], code: Code.DeadlineExceeded },
  { everyMs: 0, workMs: 10 * IDLE_MS_MAX, got: [1, 2, 3], code: undefined },
])("a message each $everyMs ms, worked on for $workMs ms, gives $got and $code", async (row) => {
  const reading = read(messagesEvery(row.everyMs, 3), row.workMs);
  await vi.runAllTimersAsync();
  expect(await reading).toEqual({ got: row.got, code: row.code });
  expect(vi.getTimerCount()).toBe(0);
});

it("what it stops reading is told so", async () => {
  const returned = vi.fn(async () => ({ done: true as const, value: undefined }));
  const silent = { next: () => new Promise<never>(() => {}), return: returned };
  const reading = read({ [Symbol.asyncIterator]: () => silent });
  await vi.runAllTimersAsync();
  expect(await reading).toEqual({ got: [], code: Code.DeadlineExceeded });
  expect(returned).toHaveBeenCalledOnce();
});

it("an error of the stream is passed on as it is", async () => {
  const trouble = new ConnectError("trouble", Code.Aborted);
  const failing = { next: () => Promise.reject(trouble) };
  expect(await read({ [Symbol.asyncIterator]: () => failing })).toEqual({ got: [], code: Code.Aborted });
});

it("its signal ends it between two messages, also one that does not come to an end by itself", async () => {
  const stopping = new ConnectError("stopping", Code.Unavailable);
  for (const everyMs of [0, IDLE_MS_MAX - 1]) {
    const controller = new AbortController();
    const reading = read(messagesEvery(everyMs, Number.POSITIVE_INFINITY), 10, controller.signal);
    setTimeout(() => controller.abort(stopping), 10 * IDLE_MS_MAX);
    await vi.advanceTimersByTimeAsync(10 * IDLE_MS_MAX + 10);
    const { got, code } = await reading;
    expect([got.length > 5, code]).toEqual([true, Code.Unavailable]);
  }
});
