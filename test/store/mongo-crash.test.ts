// Guarantees that a node can die at any operation of any write: a change and its event stand or fall
// together, an answered change has its event in the feed, and whoever sweeps up leaves each event there
// exactly once.
import { expect, it } from "vitest";
import { isStoreUnavailable } from "../../src/store/errors.ts";
import { describeMongo, useTestDatabase } from "../mongo-server.ts";
import { ENDINGS, type Ending } from "./crash/fuse.ts";
import {
  arrange,
  expectNothingWaits,
  feedIds,
  happenedIds,
  type Nodes,
  OPERATIONS_MAX,
  openNodes,
  sweepTwice,
} from "./crash/nodes.ts";
import { type Attempt, WRITE_OPERATIONS } from "./crash/write-operations.ts";

/** Runs the operation until the node dies. Returns whether it was answered, as it must not be after that. */
async function actUntilDeath(
  { fused, fuse }: Nodes,
  attempt: Attempt,
  at: number,
  ending: Ending,
): Promise<boolean> {
  expect(at).toBeLessThan(OPERATIONS_MAX);
  fuse.dieAt(at, ending);
  const trouble = await attempt.act(fused).then(
    () => undefined,
    (error: unknown) => error,
  );
  const { isBlown } = fuse;
  fuse.disarm();
  if (isBlown) expect(trouble).toSatisfy(isStoreUnavailable);
  else expect(trouble).toBeUndefined();
  return !isBlown;
}

describeMongo("a node that dies", () => {
  const database = useTestDatabase();

  it.each(WRITE_OPERATIONS.flatMap((operation) => ENDINGS.map((ending) => ({ operation, ending }))))(
    "in $operation.title, at each operation that $ending: change and event stand or fall together",
    async ({ operation, ending }) => {
      const nodes = await openNodes(database());
      const { sound } = nodes;
      let isAnswered = false;
      for (let at = 1; !isAnswered; at++) {
        const attempt = await arrange(nodes, operation, at);
        isAnswered = await actUntilDeath(nodes, attempt, at, ending);
        if (isAnswered) expect(await attempt.isDone(sound)).toBe(true);
        const happened = await happenedIds(sound, attempt);
        // Before anybody sweeps: an answer means that the event is in the feed.
        if (isAnswered) expect(await feedIds(sound, attempt)).toEqual(happened);
        await sweepTwice(nodes);
        expect(await feedIds(sound, attempt)).toEqual(happened);
      }
      await expectNothingWaits(database(), sound);
    },
  );

  it.each(WRITE_OPERATIONS)(
    "in $title, at each operation whose answer is lost: another node's confirm brings what waits to the feed",
    async (operation) => {
      const nodes = await openNodes(database());
      const { sound } = nodes;
      let isAnswered = false;
      for (let at = 1; !isAnswered; at++) {
        const attempt = await arrange(nodes, operation, at);
        isAnswered = await actUntilDeath(nodes, attempt, at, "is done, but its answer is lost");
        const happened = await happenedIds(sound, attempt);
        expect(await attempt.confirm(sound)).toBe(happened.length > 0);
        expect(await feedIds(sound, attempt)).toEqual(happened);
      }
      await expectNothingWaits(database(), sound);
    },
  );
});
