// Ends a stream whose client does not take its answers, so that nobody waits for it for ever.

export interface TakenAnswersOptions {
  /** How long one answer may wait for its client. */
  readonly msMax: number;
  /** What a client is told that takes it after all, but too late. */
  readonly tooSlow: () => Error;
  /** Ends what the answers go by. Whoever takes nothing for twice the time cannot be told anything. */
  readonly cutOff: () => void;
}

/** The same answers. The next one is asked for when the client, or a buffer of bounded size, has the last. */
export async function* whileTaken<Answer>(
  answers: AsyncIterable<Answer>,
  { msMax, tooSlow, cutOff }: TakenAnswersOptions,
): AsyncIterable<Answer> {
  for await (const answer of answers) {
    const sentAt = performance.now();
    const timer = setTimeout(cutOff, 2 * msMax);
    try {
      yield answer;
    } finally {
      clearTimeout(timer);
    }
    if (performance.now() - sentAt > msMax) throw tooSlow();
  }
}
