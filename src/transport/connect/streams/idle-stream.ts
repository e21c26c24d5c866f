// Ends a stream whose client has nothing more to say and does not say so, or that has to end for another
// reason, between two messages.
import { Code, ConnectError } from "@connectrpc/connect";

/**
 * The same messages; throws when the next one is not there after `msMax`, or what `signal` says. Only waiting
 * counts, not the time in which the messages are worked on.
 */
export async function* untilIdle<Message>(
  messages: AsyncIterable<Message>,
  msMax: number,
  signal: AbortSignal,
): AsyncIterable<Message> {
  const iterator = messages[Symbol.asyncIterator]();
  let isOver = false;
  try {
    while (true) {
      const result = await inTime(iterator.next(), msMax, signal);
      isOver = result.done === true;
      if (isOver) return;
      yield result.value;
    }
  } finally {
    // Not waited for: it would wait for the message that does not come.
    if (!isOver) void iterator.return?.().then(undefined, () => {});
  }
}

async function inTime<Value>(value: Promise<Value>, msMax: number, signal: AbortSignal): Promise<Value> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new ConnectError("the stream was idle for too long", Code.DeadlineExceeded)),
    msMax,
  );
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([over, value]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
