// New keys of a bound caller, by Create and by Import: inside its bounds only, and what is refused tells
// nothing of what there is outside.
import { expect, it } from "vitest";
import { createKey } from "../../../src/app/keys/create-key.ts";
import { importBatch } from "../../../src/app/keys/import-keys.ts";
import { verifyKey } from "../../../src/app/verify/verify-key.ts";
import { onEachStore } from "../backends.ts";
import {
  importOne,
  legacyKey,
  openImports,
  plainKey,
  plainRecord,
  sha256Record,
  wordsOf,
} from "../imports.ts";
import { codeOf, refusalOf } from "../outcomes.ts";
import { createInput } from "../requests.ts";
import { feedOf, stored } from "../world.ts";
import { ALL_CALLS, callerOf, noting, OPERATOR, ownedBy, verifyInput } from "./callers.ts";
import { createOwned, KINDS } from "./tenants.ts";

const OUTSIDE = "permission_denied OUTSIDE_BOUNDS";
const CALLERS = KINDS.flatMap((kind) =>
  [ALL_CALLS, ["fleetkey:admin"]].map((scopes) => ({ ...kind, scopes, who: scopes.at(-1) })),
);

onEachStore("Create by a caller", (open) => {
  it.each(CALLERS)("with $who, bound to $kind, makes keys inside", async ({ bounds, inside, scopes }) => {
    const { ports } = await open();
    const { caller } = await callerOf(ports, bounds, { scopes });
    for (const owner of inside) {
      const result = await createKey(ports, caller, createInput(ownedBy(owner)));
      expect(result.view.key).toMatchObject({ owner, createdBy: caller.id });
    }
  });

  it.each(CALLERS)(
    "with $who, bound to $kind, makes none outside, and does not even look there",
    async ({ bounds, outside, scopes }) => {
      const world = await open();
      const { caller } = await callerOf(world.ports, bounds, { scopes });
      const { ports, calls } = noting(world.ports);
      for (const owner of outside) {
        for (const asked of [{}, { exclusive: true }, { requestId: "r-1" }]) {
          const attempt = () => createKey(ports, caller, createInput({ ...ownedBy(owner), ...asked }));
          const before = await refusalOf(attempt());
          await createOwned(world.ports, owner, { ...asked, requestId: "" }).catch(() => undefined);
          const events = await feedOf(world.ports);
          expect(await refusalOf(attempt())).toEqual(before);
          expect(await codeOf(attempt())).toBe(OUTSIDE);
          expect(await feedOf(world.ports)).toEqual(events);
        }
      }
      expect(calls).toEqual([]);
    },
  );

  it("finds an exclusive place taken only by a key inside", async () => {
    const { ports } = await open();
    const { caller } = await callerOf(ports, { organizationId: "org-1" });
    const asked = { userId: "user-1", exclusive: true };
    await createOwned(ports, { userId: "user-1" }, { exclusive: true });
    await createOwned(ports, { userId: "user-1", organizationId: "org-2" }, { exclusive: true });
    const input = createInput({ ...asked, organizationId: "org-1" });
    const { view } = await createKey(ports, caller, input);
    expect(view.key.slot).toBeDefined();
    expect(await codeOf(createKey(ports, caller, input))).toBe("already_exists EXCLUSIVE_KEY_EXISTS");
  });

  it("The request_ids of two callers never meet.", async () => {
    const { ports } = await open();
    const [one, other] = [
      await callerOf(ports, { organizationId: "org-1" }),
      await callerOf(ports, { organizationId: "org-2" }),
    ];
    const ask = (organizationId: string) => createInput({ organizationId, requestId: "same" });
    const first = await createKey(ports, one.caller, ask("org-1"));
    const second = await createKey(ports, other.caller, ask("org-2"));
    expect([first.isReplayed, second.isReplayed]).toEqual([false, false]);
    expect(second.view.key.keyId).not.toBe(first.view.key.keyId);
    expect(await codeOf(createKey(ports, other.caller, ask("org-1")))).toBe(OUTSIDE);
    expect((await createKey(ports, one.caller, ask("org-1"))).view.key.keyId).toBe(first.view.key.keyId);
  });
});

onEachStore("Import by a caller", (open) => {
  const ORG = { organizationId: "org-1" };

  it.each([false, true])(
    "takes the records inside and refuses those outside (dry run: %s)",
    async (isDryRun) => {
      const { ports } = await openImports(open);
      const { caller } = await callerOf(ports, ORG);
      const records = [
        sha256Record(legacyKey(1), ORG),
        sha256Record(legacyKey(2)),
        sha256Record(legacyKey(3), { organizationId: "org-2" }),
        plainRecord(plainKey(4), ORG),
        plainRecord(plainKey(5)),
      ];
      const events = await feedOf(ports);
      const outcomes = await importBatch(ports, caller, { records, isDryRun, requestId: "" });
      const words = ["imported", "OUTSIDE_BOUNDS", "OUTSIDE_BOUNDS", "imported", "OUTSIDE_BOUNDS"];
      expect(wordsOf(outcomes)).toEqual(words);
      const verdicts = [1, 2, 3].map((seed) => verifyKey(ports, caller, verifyInput(legacyKey(seed))));
      const valid = (await Promise.all(verdicts)).map((verdict) => verdict.valid);
      expect(valid).toEqual([!isDryRun, false, false]);
      expect((await feedOf(ports)).length).toBe(events.length + (isDryRun ? 0 : 1));
    },
  );

  it.each(KINDS)("bound to $kind refuses each owner outside, whether it is there or not", async (kind) => {
    const { ports: real } = await openImports(open);
    const { caller } = await callerOf(real, kind.bounds, { scopes: ["fleetkey:admin"] });
    const { ports, calls } = noting(real);
    const users = kind.outside.filter(({ userId, serviceAccountId }) => userId && !serviceAccountId);
    expect(users.length).toBeGreaterThan(0);
    for (const owner of users) {
      const record = sha256Record(legacyKey(1), {
        userId: owner.userId ?? "",
        organizationId: owner.organizationId ?? "",
      });
      const batch = { records: [record], isDryRun: false, requestId: "" };
      const before = await importBatch(ports, caller, batch);
      await importOne(real, sha256Record(legacyKey(1), record)).catch(() => undefined);
      expect(await importBatch(ports, caller, batch)).toEqual(before);
      expect(wordsOf(before)).toEqual(["OUTSIDE_BOUNDS"]);
    }
    expect(calls).toEqual([]);
  });

  it("never changes, nor shows, the key of another tenant that has the same api_key", async () => {
    const { ports } = await openImports(open);
    const { caller } = await callerOf(ports, ORG);
    const apiKey = legacyKey(1);
    const keyId = await importOne(ports, sha256Record(apiKey, { organizationId: "org-2", name: "theirs" }));
    const before = await stored(ports, keyId);
    const records = [sha256Record(apiKey, ORG)];
    const outcomes = await importBatch(ports, caller, { records, isDryRun: false, requestId: "" });
    expect(wordsOf(outcomes)).not.toContain("imported");
    expect(JSON.stringify(outcomes)).not.toContain("theirs");
    expect(await stored(ports, keyId)).toEqual(before);
    expect(await verifyKey(ports, caller, verifyInput(apiKey))).toEqual({ valid: false, reason: "unknown" });
  });

  it("without bounds imports for all owners", async () => {
    const { ports } = await openImports(open);
    const { caller } = await callerOf(ports, OPERATOR);
    const records = [
      sha256Record(legacyKey(1), ORG),
      sha256Record(legacyKey(2), { organizationId: "org-2" }),
    ];
    const outcomes = await importBatch(ports, caller, { records, isDryRun: false, requestId: "" });
    expect(wordsOf(outcomes)).toEqual(["imported", "imported"]);
  });
});
