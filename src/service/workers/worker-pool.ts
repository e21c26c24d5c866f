// The worker processes of a node: starts them, replaces those that end, and ends them. What is told to them
// is the desk's.
import cluster, { type Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import { Member, type Send } from "../../cluster/channel/member.ts";
import type { ToPrimary } from "../../cluster/channel/messages.ts";
import type { DeskPlace, PrimaryDesk } from "../../cluster/primary-desk.ts";
import { respawnPauseMs } from "../../cluster/respawn.ts";
import { StartRefused } from "../../domain/errors.ts";
import { systemStopwatch } from "../../lib/clock.ts";
import type { Log } from "../../observability/log.ts";

/** A worker that answers calls. */
export type Listening = Extract<ToPrimary, { kind: "listening" }>;

interface End {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why it must not start. */
  readonly refusal: string | undefined;
}

export class WorkerPool {
  /** The first worker that answers calls. Rejects with StartRefused when one must not start before. */
  readonly listening: Promise<Listening>;
  readonly #desk: PrimaryDesk;
  readonly #log: Log;
  readonly #workers = new Set<Worker>();
  readonly #stopping = new AbortController();
  readonly #kept: readonly Promise<void>[];
  readonly #first = Promise.withResolvers<Listening>();
  #hasListened = false;

  constructor(size: number, desk: PrimaryDesk, log: Log) {
    this.#desk = desk;
    this.#log = log;
    this.listening = this.#first.promise;
    this.#kept = Array.from({ length: size }, () => this.#keep());
  }

  /** Ends them in good order; what has not ended in time is killed. */
  async stop(msMax: number): Promise<void> {
    this.#stopping.abort();
    for (const worker of this.#workers) worker.process.kill("SIGTERM");
    const timer = setTimeout(() => {
      this.#log.warn({ count: this.#workers.size }, "workers have not ended in time and are killed");
      for (const worker of this.#workers) worker.process.kill("SIGKILL");
    }, msMax);
    await Promise.all(this.#kept);
    clearTimeout(timer);
  }

  /** Keeps one worker running. */
  async #keep(): Promise<void> {
    const { signal: stopping } = this.#stopping;
    let pauseMs: number | undefined;
    while (!stopping.aborted) {
      const startedAt = systemStopwatch.monotonic();
      const worker = cluster.fork();
      const { pid } = worker.process;
      const { code, signal, refusal } = await this.#run(worker);
      if (stopping.aborted) return;
      if (refusal !== undefined && !this.#hasListened) {
        this.#first.reject(new StartRefused(refusal));
        return;
      }
      pauseMs = respawnPauseMs(pauseMs, systemStopwatch.monotonic() - startedAt);
      this.#log.warn(
        { pid, code, signal, refusal, retryInMs: pauseMs },
        "a worker has ended; starting another one",
      );
      // An abort ends the pause, and then the loop.
      await sleep(pauseMs, undefined, { signal: stopping }).catch(() => {});
    }
  }

  async #run(worker: Worker): Promise<End> {
    this.#workers.add(worker);
    const send: Send = (message, taken) => worker.send(message, undefined, undefined, taken);
    const place = this.#desk.open(new Member(send));
    let refusal: string | undefined;
    worker.on("message", (message: ToPrimary) => {
      if (message.kind === "refused") refusal = message.message;
      if (message.kind === "listening") this.#tellListening(worker, message);
      place.receive(message);
    });
    const { code, signal } = await endOf(worker, place);
    this.#workers.delete(worker);
    return { code, signal, refusal };
  }

  #tellListening(worker: Worker, message: Listening): void {
    this.#log.info({ pid: worker.process.pid, url: message.url }, "a worker answers calls");
    this.#hasListened = true;
    this.#first.resolve(message);
  }
}

// When its process has ended and all that it has sent is read.
async function endOf(worker: Worker, place: DeskPlace): Promise<Omit<End, "refusal">> {
  const { promise: exited, resolve: exit } = Promise.withResolvers<Omit<End, "refusal">>();
  const { promise: disconnected, resolve: disconnect } = Promise.withResolvers<void>();
  worker.once("disconnect", disconnect);
  worker.once("exit", (code: number | null, signal: string | null) => exit({ code, signal }));
  worker.on("error", () => {
    // A process that could not be started has neither end.
    if (worker.process.pid !== undefined) return;
    exit({ code: null, signal: null });
    disconnect();
  });
  const end = await exited;
  place.leave();
  await disconnected;
  return end;
}
