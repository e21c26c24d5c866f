// Runs a job again and again with a pause between, never two at once.

/** Starts with a pause. The returned function stops it and resolves when a running job has ended. */
export function repeat(
  pauseMs: number,
  job: () => Promise<void>,
  firstPauseMs = pauseMs,
): () => Promise<void> {
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  const schedule = (ms: number) => {
    timer = setTimeout(() => {
      running = job().finally(() => {
        if (!isStopped) schedule(pauseMs);
      });
    }, ms);
    // A pending pause alone does not keep the process alive.
    timer.unref();
  };
  schedule(firstPauseMs);
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}
