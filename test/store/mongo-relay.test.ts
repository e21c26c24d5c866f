// Guarantees that an event is told exactly once and in its record's order, however its writer and any number
// of sweepers get in each other's way: each of them is held up at each of its operations while others go on.
import { expect, it } from "vitest";
import { describeMongo, useTestDatabase } from "../mongo-server.ts";
import { creationOf, FAR_FUTURE, keyAt, refreshOf } from "./build.ts";
import { insertKeys } from "./contract/case.ts";
import {
  arrange,
  dieAfterWriting,
  expectNoGap,
  expectNothingWaits,
  feedIds,
  happenedIds,
  type Nodes,
  OPERATIONS_MAX,
  openNodes,
  sweepTwice,
} from "./crash/nodes.ts";
import { type Attempt, WRITE_OPERATIONS } from "./crash/write-operations.ts";

/** Holds the attempt up before this operation while `meanwhile` runs. False: it has no such operation. */
async function holdUp(
  { fused, fuse }: Nodes,
  attempt: Attempt,
  at: number,
  meanwhile: () => Promise<void>,
): Promise<boolean> {
  expect(at).toBeLessThan(OPERATIONS_MAX);
  const stall = fuse.stallAt(at);
  const acted = attempt.act(fused);
  await Promise.race([stall.reached, acted]);
  const isHeldUp = fuse.isBlown;
  await meanwhile();
  stall.release();
  await acted;
  fuse.disarm();
  return isHeldUp;
}

describeMongo("a node that is held up", () => {
  const database = useTestDatabase();

  // How many records a sweeper still found is its own affair, so it is held up in a test of its own.
  it.each(WRITE_OPERATIONS.filter(({ title }) => !title.startsWith("events.")))(
    "in $title, at each operation, while two sweep: each event once, no number left open",
    async (operation) => {
      const nodes = await openNodes(database());
      const { sound } = nodes;
      let isHeldUp = true;
      for (let at = 1; isHeldUp; at++) {
        const attempt = await arrange(nodes, operation, at);
        isHeldUp = await holdUp(nodes, attempt, at, () => sweepTwice(nodes));
        expect(await attempt.isDone(sound)).toBe(true);
        expect(await feedIds(sound, attempt)).toEqual(await happenedIds(sound, attempt));
      }
      await expectNothingWaits(database(), sound);
      // Whoever died while this was arranged had not drawn a number yet.
      await expectNoGap(database());
    },
  );

  it("after its write, at each operation, while another writes: numbers ascend with revisions", async () => {
    const nodes = await openNodes(database());
    const { sound, fused } = nodes;
    let isHeldUp = true;
    // The first operation is the write itself.
    for (let at = 2; isHeldUp; at++) {
      const key = keyAt(at);
      const earlier = await insertKeys(sound, key);
      const [first, second] = [refreshOf(key), refreshOf(refreshOf(key).next)];
      const attempt = {
        act: (store: typeof fused) => store.keys.update(first.next, first.event),
        filter: { keyId: key.keyId },
      } as Attempt;
      isHeldUp = await holdUp(nodes, attempt, at, async () => {
        expect(await sound.keys.update(second.next, second.event)).toBe("written");
      });
      const events = [...earlier, first.event, second.event].map(({ eventId }) => eventId);
      expect(await feedIds(sound, attempt)).toEqual(events);
    }
    await expectNothingWaits(database(), sound);
    await expectNoGap(database());
  });

  it("in a sweep over three waiting events, at each operation, while two sweep: in order", async () => {
    const nodes = await openNodes(database());
    const { sound } = nodes;
    let isHeldUp = true;
    for (let at = 1; isHeldUp; at++) {
      const key = keyAt(at);
      const changes = [{ next: key, event: creationOf(key) }, refreshOf(key), refreshOf(refreshOf(key).next)];
      await dieAfterWriting(nodes, (store) => store.keys.insert(key, changes[0]?.event ?? creationOf(key)));
      // The writers died, and so did those that were to relay before they wrote: the outbox is written as is.
      const outbox = changes.map(({ event }) => event);
      const last = changes.at(-1)?.next ?? key;
      await database()
        .db.collection<{ _id: string }>("user_keys")
        .updateOne({ _id: key.keyId }, { $set: { revision: last.revision, key: last, outbox } });
      const attempt = {
        act: async (store) => void (await store.events.relayPending(FAR_FUTURE)),
        filter: { keyId: key.keyId },
      } as Attempt;
      isHeldUp = await holdUp(nodes, attempt, at, () => sweepTwice(nodes));
      expect(await feedIds(sound, attempt)).toEqual(outbox.map(({ eventId }) => eventId));
    }
    await expectNothingWaits(database(), sound);
    await expectNoGap(database());
  });
});

describeMongo("relayPending", () => {
  const database = useTestDatabase();

  it("leaves alone what was written at or after its time, and counts what it relayed", async () => {
    const nodes = await openNodes(database());
    const { sound } = nodes;
    const keys = [
      keyAt(1),
      keyAt(2, { type: "service" }),
      keyAt(3, { createTime: keyAt(1).createTime + 10 }),
    ];
    for (const key of keys) {
      const event = creationOf(key);
      await dieAfterWriting(nodes, (store) => store.keys.insert(key, event));
    }
    const { createTime } = keyAt(1);
    expect(await sound.events.relayPending(createTime)).toBe(0);
    expect(await sound.events.relayPending(createTime + 1)).toBe(2);
    expect(await sound.events.relayPending(createTime + 10)).toBe(0);
    expect(await sound.events.relayPending(createTime + 11)).toBe(1);
    await expectNothingWaits(database(), sound);
  });
});
