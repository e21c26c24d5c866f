// Covers Refresh with a request_id: when its answer was lost, a repetition replaces the secret that nobody
// has, and never the one in use.
import { expect, it, vi } from "vitest";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { etagOf } from "../../../src/domain/key.ts";
import { graceEndOf } from "../../../src/domain/lifecycle.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { START } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { codeOf, settle } from "../outcomes.ts";
import { byApiKey, byId, refreshInput } from "../requests.ts";
import { create, feedOf, OTHER_CALLER, ROOT, stored, verdictOf } from "../world.ts";

const GRACE_MS = 60_000;
const REPEATED = { graceMs: GRACE_MS, requestId: "request-1" };

onEachStore("A repeated Refresh", (open) => {
  it("A lost answer never ends the secret in use, which works on to the end of its grace.", async () => {
    const { ports, clock } = await open();
    const { apiKey: inUse, key } = await create(ports);
    const refresh = () => refreshKey(ports, ROOT, refreshInput(byId(key.keyId), REPEATED));
    const { apiKey: lost } = await refresh();
    for (let again = 0; again < 3; again++) {
      clock.now += 10_000;
      const { apiKey, view } = await refresh();
      expect(await verdictOf(ports, apiKey)).toBe("valid");
      expect(await verdictOf(ports, lost)).toBe("unknown");
      expect(await verdictOf(ports, inUse)).toBe("valid");
      expect(graceEndOf(view.key, clock.now)).toBe(START + GRACE_MS);
    }
    clock.now = START + GRACE_MS;
    expect(await verdictOf(ports, inUse)).toBe("unknown");
  });

  it("leaves the end of the grace alone, though it asks for another one", async () => {
    const { ports } = await open();
    const { key } = await create(ports);
    await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), REPEATED));
    const longer = refreshInput(byId(key.keyId), { ...REPEATED, graceMs: 2 * GRACE_MS });
    const { view } = await refreshKey(ports, ROOT, longer);
    expect(graceEndOf(view.key, START)).toBe(START + GRACE_MS);
  });

  it("without grace keeps one generation", async () => {
    const { ports } = await open();
    const { apiKey: first, key } = await create(ports);
    const input = refreshInput(byId(key.keyId), { requestId: "request-1" });
    const { apiKey: lost } = await refreshKey(ports, ROOT, input);
    const { apiKey } = await refreshKey(ports, ROOT, input);
    const verdicts = await Promise.all([first, lost, apiKey].map((text) => verdictOf(ports, text)));
    expect(verdicts).toEqual(["unknown", "unknown", "valid"]);
  });

  it("takes the etag of before its first run", async () => {
    const { ports } = await open();
    const { key } = await create(ports);
    const input = refreshInput(byId(key.keyId), { ...REPEATED, etag: etagOf(key) });
    await refreshKey(ports, ROOT, input);
    const { view } = await refreshKey(ports, ROOT, input);
    expect(view.key.generations.map(({ number }) => number)).toEqual([3, 1]);
  });

  it("is a Refresh of its own when another one came between", async () => {
    const { ports } = await open();
    const { key } = await create(ports);
    await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { ...REPEATED, etag: etagOf(key) }));
    await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), { ...REPEATED, requestId: "request-2" }));
    const stale = refreshInput(byId(key.keyId), { ...REPEATED, etag: etagOf(key) });
    expect(await codeOf(refreshKey(ports, ROOT, stale))).toBe("aborted ETAG_MISMATCH");
    const { view } = await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), REPEATED));
    expect(view.key.generations.map(({ number }) => number)).toEqual([4, 3]);
  });

  it("The same request_id of another caller is another request.", async () => {
    const { ports } = await open();
    const { key } = await create(ports);
    await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), REPEATED));
    const { view } = await refreshKey(ports, OTHER_CALLER, refreshInput(byId(key.keyId), REPEATED));
    expect(view.key.generations.map(({ number }) => number)).toEqual([3, 2]);
  });

  it("without a request_id is never one", async () => {
    const { ports } = await open();
    const { key } = await create(ports);
    const input = refreshInput(byId(key.keyId), { graceMs: GRACE_MS });
    await refreshKey(ports, ROOT, input);
    const { view } = await refreshKey(ports, ROOT, input);
    expect(view.key.generations.map(({ number }) => number)).toEqual([3, 2]);
  });

  it("is told by an event of its own", async () => {
    const { ports } = await open();
    const { key } = await create(ports);
    for (let run = 0; run < 2; run++) await refreshKey(ports, ROOT, refreshInput(byId(key.keyId), REPEATED));
    const kinds = (await feedOf(ports)).map(({ kind }) => kind);
    expect(kinds).toEqual(["key_created", "key_refreshed", "key_refreshed"]);
  });

  it("keeps the secret in use when the update happened but was not answered", async () => {
    const { ports, store } = await open();
    const { apiKey: inUse, key } = await create(ports);
    const update = store.keys.update.bind(store.keys);
    vi.spyOn(store.keys, "update").mockImplementationOnce(async (next, event) => {
      await update(next, event);
      throw storeUnavailable(new Error("the connection broke"));
    });
    const refresh = () => refreshKey(ports, ROOT, refreshInput(byId(key.keyId), REPEATED));
    expect(await codeOf(refresh())).toBe("unavailable STORE_UNAVAILABLE");
    const { apiKey } = await refresh();
    expect(await verdictOf(ports, inUse)).toBe("valid");
    expect(await verdictOf(ports, apiKey)).toBe("valid");
  });

  it("at the same time leaves the secret in use alone as well", async () => {
    const { ports } = await open();
    const { apiKey: inUse, key } = await create(ports);
    const calls = Array.from({ length: 4 }, () =>
      refreshKey(ports, ROOT, refreshInput(byApiKey(inUse), REPEATED)),
    );
    const { done, refused } = await settle(calls);
    expect(refused).toEqual([]);
    const { generations } = await stored(ports, key.keyId);
    expect(generations.map(({ number }) => number)).toEqual([5, 1]);
    const verdicts = await Promise.all(done.map(({ apiKey }) => verdictOf(ports, apiKey)));
    expect(verdicts.toSorted()).toEqual(["unknown", "unknown", "unknown", "valid"]);
    expect(await verdictOf(ports, inUse)).toBe("valid");
  });
});
