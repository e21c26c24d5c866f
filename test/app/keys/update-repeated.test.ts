// Covers Updates that are repeated or that race with another: what changes nothing is answered, and an etag
// keeps an Update from overwriting what its caller has not seen.
import { expect, it, vi } from "vitest";
import { etagOf } from "../../../src/domain/key.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { START } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf } from "../outcomes.ts";
import { create, feedOf, stored } from "../world.ts";
import { BEFORE, UPDATES, update } from "./updates.ts";

onEachStore("An Update that changes nothing", (open) => {
  it.each(UPDATES)("is answered and tells of nothing: %s", async (path, input) => {
    const world = await open();
    const { key } = await create(world.ports, BEFORE);
    const { key: first } = await update(world, key.keyId, { ...input, paths: [path] });
    world.clock.now += 5;
    const { key: again } = await update(world, key.keyId, { ...input, paths: [path] });
    expect(again).toEqual(first);
    expect(await stored(world.ports, key.keyId)).toEqual(first);
    expect(await feedOf(world.ports)).toHaveLength(2);
  });

  it("No success from a read: it is confirmed by a write.", async () => {
    const world = await open();
    const { key } = await create(world.ports, BEFORE);
    const confirm = vi.spyOn(world.store.keys, "confirm");
    const input = { paths: ["name"], name: "before" };
    await update(world, key.keyId, input);
    expect(confirm.mock.calls).toEqual([[key.keyId, 1]]);
    confirm.mockRejectedValueOnce(storeUnavailable(new Error("no primary")));
    expect(await codeOf(update(world, key.keyId, input))).toBe("unavailable STORE_UNAVAILABLE");
  });

  it("is answered though its etag is from before its first run, whose answer was lost", async () => {
    const world = await open();
    const { key } = await create(world.ports, BEFORE);
    const real = world.store.keys.update.bind(world.store.keys);
    vi.spyOn(world.store.keys, "update").mockImplementationOnce(async (next, event) => {
      await real(next, event);
      throw storeUnavailable(new Error("the connection broke"));
    });
    const input = { paths: ["name", "metadata"], name: "after", metadata: { b: 1, a: 2 }, etag: etagOf(key) };
    expect(await codeOf(update(world, key.keyId, input))).toBe("unavailable STORE_UNAVAILABLE");
    const reordered = { ...input, metadata: { a: 2, b: 1 } };
    expect((await update(world, key.keyId, reordered)).key).toMatchObject({ name: "after", revision: 2 });
    expect(await feedOf(world.ports)).toHaveLength(2);
  });

  it("may name the end that the key has, though it has come and is past today's maximum", async () => {
    const world = await open();
    const { key } = await create(world.ports, { expireTime: START + 5_000 });
    world.clock.now = START + 5_000;
    const ports = { ...world.ports, policy: { ...world.ports.policy, ttlMaxMs: { user: 1 } } };
    const input = { paths: ["name", "expire_time"], name: "after", expireTime: START + 5_000 };
    const { key: changed } = await update({ ...world, ports }, key.keyId, input);
    expect(changed).toMatchObject({ name: "after", expireTime: START + 5_000 });
  });
});

onEachStore("An Update with an etag", (open) => {
  it("takes the one of the newest revision, and no other, when it changes something", async () => {
    const world = await open();
    const { key } = await create(world.ports, BEFORE);
    const rename = (name: string, etag: string) => update(world, key.keyId, { paths: ["name"], name, etag });
    const { key: second } = await rename("second", etagOf(key));
    expect(await codeOf(rename("third", etagOf(key)))).toBe("aborted ETAG_MISMATCH");
    expect(await codeOf(rename("third", "another"))).toBe("aborted ETAG_MISMATCH");
    const other = await create(world.ports);
    expect(await codeOf(rename("third", etagOf(other.key)))).toBe("aborted ETAG_MISMATCH");
    expect(await stored(world.ports, key.keyId)).toEqual(second);
    expect((await rename("third", etagOf(second))).key.name).toBe("third");
  });

  it("Two with the same etag at once: one changes the key, the other is told.", async () => {
    const world = await open();
    const { key } = await create(world.ports, BEFORE);
    const names = ["a", "b"].map((name) => ({ paths: ["name"], name, etag: etagOf(key) }));
    const outcomes = await Promise.allSettled(names.map((input) => update(world, key.keyId, input)));
    const lost = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(await Promise.all(lost.map((reason) => codeOf(Promise.reject(reason))))).toEqual([
      "aborted ETAG_MISMATCH",
    ]);
    expect((await stored(world.ports, key.keyId)).revision).toBe(2);
  });
});
