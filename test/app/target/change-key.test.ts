// Covers app/target/change-key.ts and what it is for: changes of one key by many at once, none of which is
// lost, and an end to the attempts.

import { describe, expect, it, vi } from "vitest";
import { UNBOUND } from "../../../src/access/bounds.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { changeKey } from "../../../src/app/target/change-key.ts";
import { keyEvent } from "../../../src/domain/audit/event.ts";
import { revokeKey as revoked } from "../../../src/domain/key-changes.ts";
import type { KeyView } from "../../../src/domain/verdict.ts";
import { START } from "../../domain/build.ts";
import { countOf } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, settle } from "../outcomes.ts";
import { byId, refreshInput, revokeInput } from "../requests.ts";
import { create, feedOf, openWorld, ROOT, stateNow, stored, verdictOf, type World } from "../world.ts";

const ATTEMPTS_MAX = 8;

/** Decides for a revocation, and counts how often it is asked. */
function decision({ ports }: World) {
  return vi.fn(({ key }: KeyView) => {
    const next = revoked(key, { now: START, reason: "" });
    const at = { now: START, randomBytes: ports.randomBytes };
    return { next, event: keyEvent("key_revoked", { after: next }, { caller: "root" }, at) };
  });
}

describe("A change of a key", () => {
  it("is decided anew on the newest revision after each conflict", async () => {
    const world = await openWorld();
    const { key } = await create(world.ports);
    const conflicts = ATTEMPTS_MAX - 1;
    const update = vi.spyOn(world.store.keys, "update");
    for (let conflict = 0; conflict < conflicts; conflict++) update.mockResolvedValueOnce("conflict");
    const decide = decision(world);
    await changeKey(world.ports, UNBOUND, key.keyId, decide);
    expect(decide).toHaveBeenCalledTimes(ATTEMPTS_MAX);
    expect(await stateNow(world.ports, key.keyId)).toBe("revoked");
  });

  it("gives up when it meets another writer each time", async () => {
    const world = await openWorld();
    const { key } = await create(world.ports);
    vi.spyOn(world.store.keys, "update").mockResolvedValue("conflict");
    const decide = decision(world);
    expect(await codeOf(changeKey(world.ports, UNBOUND, key.keyId, decide))).toBe("aborted CONTENTION");
    expect(decide).toHaveBeenCalledTimes(ATTEMPTS_MAX);
    expect(await stored(world.ports, key.keyId)).toEqual(key);
  });

  it("gives up when the record changes each time before it is confirmed", async () => {
    const world = await openWorld();
    const { key } = await create(world.ports);
    await revokeKey(world.ports, ROOT, revokeInput(byId(key.keyId)));
    const confirm = vi.spyOn(world.store.keys, "confirm").mockResolvedValue(false);
    expect(await codeOf(changeKey(world.ports, UNBOUND, key.keyId, decision(world)))).toBe(
      "aborted CONTENTION",
    );
    expect(confirm).toHaveBeenCalledTimes(ATTEMPTS_MAX);
  });

  it("is told to come back when too many events wait, and does not press on", async () => {
    const world = await openWorld();
    const { key } = await create(world.ports);
    const update = vi.spyOn(world.store.keys, "update").mockResolvedValue("backlog");
    const refused = codeOf(changeKey(world.ports, UNBOUND, key.keyId, decision(world)));
    expect(await refused).toBe("unavailable EVENT_BACKLOG");
    expect(update).toHaveBeenCalledTimes(1);
  });

  it("is not made when there is no such key, or when it is decided against", async () => {
    const world = await openWorld();
    const { key } = await create(world.ports);
    const decide = decision(world);
    expect(await codeOf(changeKey(world.ports, UNBOUND, "flk_u0000000000a", decide))).toBe(
      "not_found KEY_NOT_FOUND",
    );
    expect(decide).not.toHaveBeenCalled();
    const against = () => {
      throw new Error("decided against");
    };
    await expect(changeKey(world.ports, UNBOUND, key.keyId, against)).rejects.toThrow("decided against");
    expect(await stored(world.ports, key.keyId)).toEqual(key);
  });
});

onEachStore("Changes of one key at once", (open) => {
  // One round of four refreshes and a revocation cannot use up the attempts of any of them.
  it("No update is lost: each answered Refresh has its own generation, event and revision.", async () => {
    const { ports } = await open();
    const { key } = await create(ports);
    const rounds = countOf(2, 50);
    let answered = 0;
    for (let round = 0; round < rounds; round++) {
      const calls = Array.from({ length: 5 }, () => refreshKey(ports, ROOT, refreshInput(byId(key.keyId))));
      const { done, refused } = await settle(calls);
      expect(refused).toEqual([]);
      answered += done.length;
      const verdicts = await Promise.all(done.map(({ apiKey }) => verdictOf(ports, apiKey)));
      expect(verdicts.filter((verdict) => verdict === "valid")).toHaveLength(1);
    }
    const { revision, generations } = await stored(ports, key.keyId);
    expect([revision, generations[0].number]).toEqual([1 + answered, 1 + answered]);
    expect(await feedOf(ports)).toHaveLength(1 + answered);
  });

  it("A revocation among refreshes wins: once it is answered, no secret works.", async () => {
    const { ports } = await open();
    for (let round = 0; round < countOf(3, 50); round++) {
      const { apiKey: first, key } = await create(ports);
      const input = refreshInput(byId(key.keyId), { graceMs: 60_000 });
      const refreshes = Array.from({ length: 5 }, () => refreshKey(ports, ROOT, input));
      const revokes = Array.from({ length: 5 }, () => revokeKey(ports, ROOT, revokeInput(byId(key.keyId))));
      const [refreshed, answered] = await Promise.all([settle(refreshes), settle(revokes)]);
      expect(answered.refused).toEqual([]);
      for (const refusal of refreshed.refused) expect(refusal).toBe("failed_precondition KEY_REVOKED");
      const record = await stored(ports, key.keyId);
      expect(record.revision).toBe(2 + refreshed.done.length);
      expect(await stateNow(ports, key.keyId)).toBe("revoked");
      for (const apiKey of [first, ...refreshed.done.map((result) => result.apiKey)]) {
        expect(["revoked", "unknown"]).toContain(await verdictOf(ports, apiKey));
      }
      const events = await ports.store.events.list({ keyId: key.keyId, owner: {}, after: 0, limit: 100 });
      expect(events.map(({ kind }) => kind)).toEqual([
        "key_created",
        ...refreshed.done.map(() => "key_refreshed"),
        "key_revoked",
      ]);
    }
  });
});
