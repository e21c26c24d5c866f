// Ends a stream whose client has nothing more to say and does not say so.
import { Code, ConnectError } from "@connectrpc/connect";

/**
 * The same messages; throws when the next one is not there after `msMax`. Only waiting counts, not the time
 * in which the messages are worked on.
 */
export async function* untilIdle<Message>(
  messages: AsyncIterable<Message>,
  msMax: number,
): AsyncIterable<Message> {
  const iterator = messages[Symbol.asyncIterator]();
  let isOver = false;
  try {
    while (true) {
      const result = await inTime(iterator.next(), msMax);
      isOver = result.done === true;
      if (isOver) return;
      yield result.value;
    }
  } finally {
    // Not waited for: it would wait for the message that does not come.
    if (!isOver) void iterator.return?.().then(undefined, () => {});
  }
}

async function inTime<Value>(value: Promise<Value>, msMax: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new ConnectError("the stream was idle for too long", Code.DeadlineExceeded)),
      msMax,
    );
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}
