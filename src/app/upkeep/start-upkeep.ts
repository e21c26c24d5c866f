// What the service does by itself, every minute on every node: tell of keys that will expire, remove what was
// to be kept only so long. Which jobs there are follows from the settings.
import { repeat } from "../../lib/repeat.ts";
import type { AppPorts } from "../ports.ts";
import { endedQuotas } from "./ended-quotas.ts";
import { expiryNotices } from "./expiry-notices.ts";
import { keyPurge } from "./key-purge.ts";
import { oldEvents } from "./old-events.ts";
import type { UpkeepJob } from "./upkeep-job.ts";

export const UPKEEP_PAUSE_MS = 60_000;

export interface UpkeepSettings {
  /** How long before its end a key's expiry is told of; 0: not at all. */
  readonly expiryNoticeMs: number;
  /** How long a key is kept after its end; absent: for ever. */
  readonly keyRetentionMs?: number;
  /** How long an event is kept; absent: for ever. */
  readonly eventRetentionMs?: number;
}

/**
 * Works until the returned function is called. A job that fails is told, holds up no other, and is tried
 * again.
 */
export function startUpkeep(
  ports: AppPorts,
  settings: UpkeepSettings,
  tell: {
    readonly done: (job: string, count: number) => void;
    readonly failed: (job: string, error: unknown) => void;
  },
): () => Promise<void> {
  const jobs = jobsOf(ports, settings);
  const stopping = new AbortController();
  const runAll = async () => {
    for (const job of jobs) {
      if (stopping.signal.aborted) return;
      try {
        const count = await job.run(stopping.signal);
        if (count > 0) tell.done(job.name, count);
      } catch (error) {
        tell.failed(job.name, error);
      }
    }
  };
  const stop = repeat(UPKEEP_PAUSE_MS, runAll, firstPauseMs(ports));
  return () => {
    stopping.abort();
    return stop();
  };
}

function jobsOf(ports: AppPorts, settings: UpkeepSettings): readonly UpkeepJob[] {
  const { expiryNoticeMs, keyRetentionMs, eventRetentionMs } = settings;
  const jobs = [endedQuotas(ports)];
  if (expiryNoticeMs > 0) jobs.push(expiryNotices(ports, expiryNoticeMs));
  if (keyRetentionMs !== undefined) jobs.push(keyPurge(ports, keyRetentionMs));
  if (eventRetentionMs !== undefined) jobs.push(oldEvents(ports, eventRetentionMs));
  return jobs;
}

// Nodes that are started together do not all work at the same moment.
function firstPauseMs({ randomBytes }: AppPorts): number {
  const drawn = Buffer.from(randomBytes(4)).readUInt32BE();
  return Math.floor((drawn / 2 ** 32) * UPKEEP_PAUSE_MS);
}
