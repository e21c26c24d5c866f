// Covers app/principals/erase-user.ts when the node that erases dies, at each of its writes: a repetition
// finishes the work, keys are dead from the first write on, and each key is told of once.
import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { eraseUser } from "../../../src/app/principals/erase-user.ts";
import { keyEvent } from "../../../src/domain/audit/event.ts";
import type { KeyRecord } from "../../../src/domain/key.ts";
import { updateKey } from "../../../src/domain/key-changes.ts";
import { isStoreUnavailable } from "../../../src/store/errors.ts";
import { mongoStoreOn } from "../../../src/store/mongo/mongo-store.ts";
import type { Store } from "../../../src/store/store.ts";
import { describeMongo, useTestDatabase } from "../../mongo-server.ts";
import { countOf, FAR_FUTURE } from "../../store/build.ts";
import { ENDINGS, Fuse } from "../../store/crash/fuse.ts";
import { interceptedDb } from "../../store/crash/intercepted-db.ts";
import { onEachStore } from "../backends.ts";
import { DEATHS, dyingStore } from "../dying-store.ts";
import { feedOf, openWorld, ROOT, stateNow, stored, type World } from "../world.ts";
import { type ErasableUser, makeUser } from "./erasable-user.ts";

/** Of four keys, so that there is one in each state. */
const TYPES = ["user", "service"] as const;
/** Each case erases a user for each of its steps. */
const TIMEOUT_MS = countOf(60_000, 600_000);
/** No erasure of such a user takes as many writes or operations. */
const STEPS_MAX = 250;

/** Whether a call was answered; else its store did not answer. */
function isAnswered(call: Promise<unknown>): Promise<boolean> {
  return call.then(
    () => true,
    (error) => {
      if (!isStoreUnavailable(error)) throw error;
      return false;
    },
  );
}

/** A node renames the key and dies before its event is in the feed. */
async function dieAfterRenaming(fused: Store, fuse: Fuse, key: KeyRecord, name: string): Promise<void> {
  const now = key.updateTime;
  const next = updateKey(key, { name }, { now, caller: "root" });
  const at = { now, randomBytes };
  const event = keyEvent("key_updated", { before: key, after: next }, { caller: "root" }, at);
  // The first operation is the write; the second one would draw a number.
  fuse.dieAt(2, "is not sent");
  expect(await isAnswered(fused.keys.update(next, event))).toBe(false);
  fuse.disarm();
}

/** Finishes the erasure, and looks whether it is one. */
async function finish({ ports, store }: World, { userId, keyIds }: ErasableUser): Promise<void> {
  await eraseUser(ports, ROOT, { userId, requestId: "" });
  for (const keyId of keyIds) {
    expect(await stateNow(ports, keyId)).toBe("revoked");
    const { owner, name, description, metadata, allowedCidrs } = await stored(ports, keyId);
    expect([owner.userId, name, description, metadata, allowedCidrs]).toEqual([
      undefined,
      "",
      "",
      undefined,
      [],
    ]);
  }
  expect(await store.principals.listOfUser(userId, 10)).toEqual([]);
  expect(await store.events.list({ owner: { userId }, after: 0, limit: 10 })).toEqual([]);
  const uses = await store.usage.readMany(keyIds);
  expect([...uses.values()].map(({ address, userAgent }) => address + userAgent)).toEqual(
    keyIds.map(() => ""),
  );
  const erased = (await feedOf(ports)).filter(({ kind }) => kind === "key_erased").map(({ keyId }) => keyId);
  for (const keyId of keyIds) expect(erased.filter((each) => each === keyId)).toHaveLength(1);
}

onEachStore("An EraseUser that dies", (open) => {
  it.each(DEATHS)(
    "is finished by its repetition, whatever write it died at: %s",
    async (death) => {
      const world = await open();
      const { ports, store } = world;
      let isDead = true;
      let writeNumber = 0;
      while (isDead) {
        writeNumber += 1;
        const user = await makeUser(ports, writeNumber, TYPES);
        const dying = dyingStore(store, writeNumber, death);
        const input = { userId: user.userId, requestId: "" };
        const wasAnswered = await isAnswered(eraseUser({ ...ports, store: dying.store }, ROOT, input));
        isDead = dying.isDead();
        expect(wasAnswered).toBe(!isDead);
        const hasBegun = writeNumber > 1 || death === "after a write, unanswered";
        if (hasBegun) for (const keyId of user.keyIds) expect(await stateNow(ports, keyId)).toBe("revoked");
        await finish(world, user);
      }
      // One raise, one mark of all uses, four keys, three principals, the relay, the events.
      expect(writeNumber).toBeGreaterThanOrEqual(1 + 1 + 4 + 3 + 1 + 1);
    },
    TIMEOUT_MS,
  );
});

describeMongo("An EraseUser whose node dies between a write and its event", () => {
  const database = useTestDatabase();

  it.each(ENDINGS)(
    "leaves nothing in an outbox that would name the user later: an operation %s",
    async (ending) => {
      await database().empty();
      const open = (db = database().db) => mongoStoreOn(db, async () => {});
      const fuse = new Fuse();
      const [store, fused] = [await open(), await open(interceptedDb(database().db, fuse.intercept))];
      const world = await openWorld({ store });
      const { ports } = world;
      const step = countOf(11, 1);
      let operation = 1;
      for (let number = 1; operation <= STEPS_MAX; number++, operation += step) {
        const user = await makeUser(ports, number, TYPES);
        const [keyId = ""] = user.keyIds;
        await dieAfterRenaming(fused, fuse, await stored(ports, keyId), `${user.userId}'s own`);
        fuse.dieAt(operation, ending);
        const input = { userId: user.userId, requestId: "" };
        const erasing = eraseUser({ ...ports, store: fused }, ROOT, input);
        if (await isAnswered(erasing)) {
          expect(fuse.isBlown).toBe(false);
          fuse.disarm();
          return finish(world, user);
        }
        expect(fuse.isBlown).toBe(true);
        fuse.disarm();
        await finish(world, user);
        // What a sweeper would still find comes now.
        await store.events.relayPending(FAR_FUTURE);
        expect(await store.events.list({ owner: { userId: user.userId }, after: 0, limit: 10 })).toEqual([]);
      }
      expect.unreachable("an erasure takes fewer operations");
    },
    TIMEOUT_MS,
  );
});
