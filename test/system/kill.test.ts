// A process that dies without warning loses nothing that it has answered: after a restart every acknowledged
// change is in force and is recorded exactly once, and no event is left behind in the record that it changed.

import { ConnectError } from "@connectrpc/connect";
import type { Db } from "mongodb";
import { expect, it, vi } from "vitest";
import { clientOf } from "./client.ts";
import { troublesWith } from "./ledger-check.ts";
import { IS_LONG } from "./long-run.ts";
import { useProcesses } from "./process.ts";
import { describeOnStores } from "./stores.ts";
import { type Ledger, runUntilFailure } from "./workload.ts";

const KILLS = IS_LONG ? 10 : 1;
/** After so many acknowledged changes the process is killed. */
const CHANGES = IS_LONG ? 1_000 : 200;
const WORKERS = 8;
/** The sweeper looks every second for events older than two. */
const SWEPT = { timeout: 20_000, interval: 100 };
const TEST_TIMEOUT_MS = IS_LONG ? 1_200_000 : 60_000;

/** How many records still hold an event that is not in the feed. */
async function unrelayed(db: Db): Promise<number> {
  const collections = await db.collections();
  const counts = collections.map((found) => found.countDocuments({ "outbox.0": { $exists: true } }));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

describeOnStores("kill -9 in the middle of changes", (fresh) => {
  const processes = useProcesses();

  it(
    `loses none of the acknowledged changes (${CHANGES}, ${KILLS} times)`,
    async () => {
      const { settings, database } = fresh();
      const ledgers: Ledger[] = [];
      for (let round = 0; round < KILLS; round++) {
        const { run, url } = await processes.start(settings);
        const { ledger, failures } = await runUntilFailure(clientOf(url), {
          name: `user-${round}`,
          workers: WORKERS,
          acknowledged: (count) => {
            if (count === CHANGES) run.kill("SIGKILL");
          },
        });
        expect(await run.end()).toEqual({ code: null, signal: "SIGKILL" });
        // Until the process died, no call has failed.
        for (const failure of failures) expect(failure).toBeInstanceOf(ConnectError);
        expect(ledger.count).toBeGreaterThanOrEqual(CHANGES);
        ledgers.push(ledger);

        const restarted = await processes.start(settings);
        if (database !== undefined) {
          await vi.waitFor(async () => expect(await unrelayed(database.db)).toBe(0), SWEPT);
        }
        const isLast = round === KILLS - 1;
        expect(await troublesWith(clientOf(restarted.url), isLast ? ledgers : [ledger])).toEqual([]);
        await processes.stop(restarted);
      }
    },
    TEST_TIMEOUT_MS,
  );
});
