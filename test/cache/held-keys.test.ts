// Covers cache/held-keys.ts: what is remembered, for how long, and what makes it forgotten. What becomes of
// reads that are under way is held-flights.test.ts's.
import { describe, expect, it } from "vitest";
import { READ_AGAIN_MS_MIN } from "../../src/cache/held-keys.ts";
import { principalIdOf } from "../../src/domain/principal.ts";
import { AGE_MS, heldWorld, LEASE_MS, viewAt } from "./held-world.ts";

const VIEW = viewAt(1);
const { keyId } = VIEW.key;
const USER = { userId: "user-1" };

describe("A key that was read", () => {
  it("is held as it was read, and answered without the store", async () => {
    const { held, hold, reads } = heldWorld();
    expect(held.held(keyId)).toBeUndefined();
    await hold(VIEW);
    expect(held.held(keyId)).toBe(VIEW);
    expect(await held.read(keyId)).toBe(VIEW);
    expect(reads).toEqual([]);
    expect(held.counts).toMatchObject({ hits: 2, misses: 1, discarded: 0, shed: 0, size: 1 });
  });

  it("is held as long as the lease is live, and again once it is renewed", async () => {
    const { held, hold, stopwatch, renew } = heldWorld();
    await hold(VIEW);
    renew();
    stopwatch.pass(LEASE_MS - 1);
    expect(held.held(keyId)).toBe(VIEW);
    stopwatch.pass(1);
    expect(held.held(keyId)).toBeUndefined();
    renew();
    stopwatch.pass(1);
    renew();
    expect(held.held(keyId)).toBe(VIEW);
  });

  it("Without a lease each call reads the store, and what it reads is not held.", async () => {
    const { held, hold, stopwatch, land, renew } = heldWorld();
    await hold(VIEW);
    stopwatch.pass(LEASE_MS);
    for (let call = 0; call < 2; call++) {
      const newer = viewAt(1);
      const result = held.read(keyId);
      await land(newer);
      expect(await result).toBe(newer);
    }
    renew();
    expect(held.held(keyId)).toBe(VIEW);
  });

  it("before the lease was renewed for the first time is not held, also not once it is", async () => {
    const { held, hold, renew } = heldWorld({ isRenewed: false });
    await hold(VIEW);
    expect(held.counts.size).toBe(0);
    renew();
    expect(held.held(keyId)).toBeUndefined();
    await hold(VIEW);
    expect(held.held(keyId)).toBe(VIEW);
  });

  it("is read anew once it has been held for its age", async () => {
    const { held, hold, stopwatch, renew } = heldWorld();
    await hold(VIEW);
    stopwatch.pass(AGE_MS - 1);
    renew();
    expect(held.held(keyId)).toBe(VIEW);
    stopwatch.pass(1);
    renew();
    expect(held.held(keyId)).toBeUndefined();
    expect(held.counts.size).toBe(0);
  });

  it("The age counts from its reading, not from its last use.", async () => {
    const { held, hold, stopwatch, renew } = heldWorld();
    await hold(VIEW);
    for (let used = 0; used < 3; used++) {
      stopwatch.pass(AGE_MS / 3);
      renew();
      held.held(keyId);
    }
    expect(held.held(keyId)).toBeUndefined();
  });

  it("that is not there is not held", async () => {
    const { held, land, reads } = heldWorld();
    for (let call = 0; call < 2; call++) {
      const result = held.read(keyId);
      await land(undefined);
      expect(await result).toBeUndefined();
    }
    expect(reads).toEqual([]);
    expect(held.counts).toMatchObject({ hits: 0, misses: 2, size: 0 });
  });
});

describe("The bound", () => {
  it("makes room at the expense of the key that was not used for longest", async () => {
    const { held, hold } = heldWorld({ entriesMax: 3 });
    const views = [1, 2, 3, 4].map((seed) => viewAt(seed));
    const [a, b, c, d] = views.map((view) => view.key.keyId);
    for (const view of views.slice(0, 3)) await hold(view);
    held.held(a ?? "");
    await hold(viewAt(4));
    expect([a, b, c, d].map((id) => held.held(id ?? "") !== undefined)).toEqual([true, false, true, true]);
    expect(held.counts.size).toBe(3);
  });

  it("of 0 holds nothing: each call reads the store, those at once share one read", async () => {
    const { held, land, reads } = heldWorld({ entriesMax: 0 });
    for (let call = 0; call < 2; call++) {
      const results = [held.read(keyId), held.read(keyId)];
      await land(VIEW);
      expect(await Promise.all(results)).toEqual([VIEW, VIEW]);
      expect(held.held(keyId)).toBeUndefined();
      expect(await held.readAgain(keyId, VIEW)).toBeUndefined();
    }
    expect(reads).toEqual([]);
    expect(held.counts).toMatchObject({ hits: 0, size: 0, principals: 0 });
  });
});

describe("What is forgotten", () => {
  it("is the key that changed and no other", async () => {
    const { held, hold } = heldWorld();
    const other = viewAt(2);
    await hold(VIEW);
    await hold(other);
    held.forget({ keyId });
    expect(held.held(keyId)).toBeUndefined();
    expect(held.held(other.key.keyId)).toBe(other);
  });

  it("are all keys that carry the principal, and no others", async () => {
    const { held, hold } = heldWorld();
    const mine = [
      viewAt(1, { owner: USER }),
      viewAt(2, { owner: { ...USER, organizationId: "org-1" } }),
      viewAt(3, { owner: { ...USER, serviceAccountId: "account-1" } }),
    ];
    const others = [viewAt(4, { owner: { organizationId: "org-1" } }), viewAt(5, { owner: {} })];
    for (const view of [...mine, ...others]) await hold(view);
    held.forget({ principalId: principalIdOf(USER) });
    expect(mine.map(({ key }) => held.held(key.keyId))).toEqual([undefined, undefined, undefined]);
    expect(others.map(({ key }) => held.held(key.keyId))).toEqual(others);
  });

  it("of a principal does not come back, and what is read next is held until its next change", async () => {
    const { held, hold } = heldWorld();
    const principalId = principalIdOf(USER);
    await hold(viewAt(1, { owner: USER }));
    await hold(viewAt(2, { owner: USER }));
    held.forget({ principalId });
    const newer = viewAt(1, { owner: USER });
    await hold(newer);
    expect(held.held(keyId)).toBe(newer);
    expect(held.held(viewAt(2).key.keyId)).toBeUndefined();
    held.forget({ principalId });
    expect(held.held(keyId)).toBeUndefined();
  });

  it("is everything, upon a doubt", async () => {
    const { held, hold } = heldWorld();
    for (let seed = 1; seed <= 5; seed++) await hold(viewAt(seed));
    held.forgetAll();
    for (let seed = 1; seed <= 5; seed++) expect(held.held(viewAt(seed).key.keyId)).toBeUndefined();
    expect(held.counts).toMatchObject({ size: 0, principals: 0 });
  });

  it("is nothing, by a number of the feed that was not needed", async () => {
    const { held, hold } = heldWorld();
    await hold(VIEW);
    held.forget({});
    expect(held.held(keyId)).toBe(VIEW);
  });
});

describe("Principals are remembered only as long as a held key carries them", () => {
  it("whether it is forgotten, replaced, too old or makes room", async () => {
    const { held, hold, stopwatch, renew } = heldWorld({ entriesMax: 3 });
    const owned = (seed: number) => viewAt(seed, { owner: { userId: `user-${seed}` } });
    await hold(owned(1));
    await hold(owned(2));
    expect(held.counts.principals).toBe(2);
    held.forget({ keyId: owned(1).key.keyId });
    expect(held.counts.principals).toBe(1);
    for (let seed = 3; seed <= 20; seed++) await hold(owned(seed));
    expect(held.counts).toMatchObject({ size: 3, principals: 3 });
    stopwatch.pass(AGE_MS);
    renew();
    for (let seed = 18; seed <= 20; seed++) held.held(owned(seed).key.keyId);
    expect(held.counts).toMatchObject({ size: 0, principals: 0 });
  });

  it("also when several keys share one, when it changes, and when a key is read again", async () => {
    const { held, hold, stopwatch, land } = heldWorld();
    const owned = (seed: number) => viewAt(seed, { owner: USER });
    await hold(owned(1));
    await hold(owned(2));
    held.forget({ principalId: principalIdOf(USER) });
    expect(held.counts.principals).toBe(0);
    await hold(owned(1));
    await hold(owned(3));
    expect(held.counts.principals).toBe(1);
    stopwatch.pass(READ_AGAIN_MS_MIN);
    const seen = held.held(owned(3).key.keyId) ?? VIEW;
    const again = held.readAgain(owned(3).key.keyId, seen);
    await land(owned(3));
    await again;
    expect(held.counts.principals).toBe(1);
    for (const seed of [1, 3]) held.forget({ keyId: owned(seed).key.keyId });
    expect(held.counts.principals).toBe(0);
    // The one that its principal ended is still in its place until somebody asks for it.
    held.held(owned(2).key.keyId);
    expect(held.counts).toMatchObject({ size: 0, principals: 0 });
  });
});

describe("A secret that a held key refuses", () => {
  it("has the key read again, and what is read is held from then on", async () => {
    const { held, hold, land } = heldWorld();
    await hold(VIEW);
    const newer = viewAt(1);
    const again = held.readAgain(keyId, VIEW);
    await land(newer);
    expect(await again).toBe(newer);
    expect(held.held(keyId)).toBe(newer);
  });

  it("while it is read again, what is held serves the others", async () => {
    const { held, hold, land } = heldWorld();
    await hold(VIEW);
    const again = held.readAgain(keyId, VIEW);
    expect(held.held(keyId)).toBe(VIEW);
    await land(viewAt(1));
    await again;
  });

  it(`has it read at most once in ${READ_AGAIN_MS_MIN} ms, each key for itself`, async () => {
    const { held, hold, land, reads, stopwatch } = heldWorld();
    const other = viewAt(2);
    await hold(VIEW);
    await hold(other);
    const first = held.readAgain(keyId, VIEW);
    const newer = viewAt(1);
    await land(newer);
    await first;
    stopwatch.pass(READ_AGAIN_MS_MIN - 1);
    expect(await held.readAgain(keyId, newer)).toBeUndefined();
    const ofOther = held.readAgain(other.key.keyId, other);
    await land(other);
    expect(await ofOther).toBe(other);
    stopwatch.pass(1);
    const second = held.readAgain(keyId, newer);
    await land(VIEW);
    expect(await second).toBe(VIEW);
    expect(reads).toEqual([]);
  });

  it("gets what came meanwhile, without another read", async () => {
    const { held, hold, land, reads } = heldWorld();
    await hold(VIEW);
    const first = held.readAgain(keyId, VIEW);
    const newer = viewAt(1);
    await land(newer);
    await first;
    expect(await held.readAgain(keyId, VIEW)).toBe(newer);
    expect(reads).toEqual([]);
  });

  it("gets nothing more when the key is not held any more", async () => {
    const { held, hold, reads } = heldWorld();
    await hold(VIEW);
    held.forget({ keyId });
    expect(await held.readAgain(keyId, VIEW)).toBeUndefined();
    expect(reads).toEqual([]);
  });

  it("and a key that is gone by then: it is forgotten with its next event, not before", async () => {
    const { held, hold, land } = heldWorld();
    await hold(VIEW);
    const again = held.readAgain(keyId, VIEW);
    await land(undefined);
    expect(await again).toBeUndefined();
    expect(held.held(keyId)).toBe(VIEW);
  });
});
