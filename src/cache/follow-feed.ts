// Looks at the feed again and again, and at once when somebody knows that there is news.

export interface Follower {
  /** Has the next look taken now. */
  wake(): void;
  /** Resolves when a running look has ended. */
  stop(): Promise<void>;
}

/** The first look is taken at once. One that fails is told, and the next one taken all the same. */
export function followFeed(
  look: () => Promise<void>,
  pauseMs: number,
  failed: (error: unknown) => void,
): Follower {
  let isStopped = false;
  let isWoken = false;
  let endPause: () => void = () => {};
  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, isWoken ? 0 : pauseMs);
      // A pending pause alone does not keep the process alive.
      timer.unref();
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const follow = async () => {
    while (!isStopped) {
      isWoken = false;
      await look().catch(failed);
      // A pause that is to be waited for while all else ends would not keep the process alive for it.
      if (!isStopped) await pause();
    }
  };
  const followed = follow();
  const wake = () => {
    isWoken = true;
    endPause();
  };
  return {
    wake,
    async stop() {
      isStopped = true;
      wake();
      await followed;
    },
  };
}
