// Covers what becomes of an imported key: a Refresh gives it an api_key of this service's own under the same
// key_id, possession of the foreign one counts like any other, and what ends keys ends it too, even while it
// is being imported.
import { expect, it, vi } from "vitest";
import { getKey } from "../../../src/app/keys/read-keys.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import {
  revokeAllForServiceAccount,
  revokeAllForUser,
} from "../../../src/app/principals/revoke-principal.ts";
import { macOf, sha256Of } from "../../../src/domain/api-key/digests.ts";
import { compileForeignFormat } from "../../../src/domain/api-key/foreign-format.ts";
import { lookupOf } from "../../../src/domain/api-key/key-id.ts";
import { keyPrefixOf } from "../../../src/domain/key.ts";
import { principalIdOf } from "../../../src/domain/principal.ts";
import { buildPepper, START } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import {
  bcryptRecord,
  importAll,
  importOne,
  legacyKey,
  openImports,
  plainKey,
  plainRecord,
  sha256Record,
} from "../imports.ts";
import { codeOf } from "../outcomes.ts";
import { byApiKey, byId, byOwner, refreshInput, revokeInput, revokeUserInput } from "../requests.ts";
import { create, feedOf, NOBODY, ROOT, stored, verdictOf } from "../world.ts";

const RECORDS = [
  ["sha256", sha256Record],
  ["bcrypt", bcryptRecord],
] as const;

onEachStore("A Refresh of a key imported by", (open) => {
  it.each(RECORDS)(
    "%s issues a native api_key under its key_id, and ends the foreign one",
    async (_, recordOf) => {
      const { ports } = await openImports(open);
      const old = legacyKey(1);
      const keyId = await importOne(ports, recordOf(old));
      const { apiKey } = await refreshKey(ports, ROOT, refreshInput(byId(keyId)));
      expect(apiKey).toMatch(new RegExp(`^fl_user_prod_${lookupOf(keyId)}[0-9A-Za-z]{36}$`));
      expect(await verdictOf(ports, apiKey)).toBe("valid");
      expect(await verdictOf(ports, old)).toBe("unknown");
      const key = await stored(ports, keyId);
      expect(key.generations).toMatchObject([{ number: 2, mac: macOf(apiKey, ports.peppers.current) }]);
      expect(key.generations[0].imported).toBeUndefined();
      expect(keyPrefixOf(key)).toBe(`fl_user_prod_${lookupOf(keyId)?.slice(0, 8)}`);
    },
  );

  it.each(RECORDS)("%s with a grace lets the foreign one work on to its end", async (_, recordOf) => {
    const { ports, clock, restart, bcrypt } = await openImports(open);
    const old = legacyKey(1);
    const keyId = await importOne(ports, recordOf(old));
    const { apiKey } = await refreshKey(ports, ROOT, refreshInput(byId(keyId), { graceMs: 60_000 }));
    for (const text of [apiKey, old, old]) expect(await verdictOf(ports, text)).toBe("valid");
    const { generations } = await stored(ports, keyId);
    expect(generations.map(({ number, mac, endTime }) => [number, mac, endTime])).toEqual([
      [2, macOf(apiKey, buildPepper(1)), undefined],
      [1, macOf(old, buildPepper(1)), START + 60_000],
    ]);
    // Both survive the loss of the pepper, each by its own digest.
    const runs = bcrypt.comparisons;
    const without = restart([buildPepper(2)], [1]);
    expect(await verdictOf(without, old)).toBe("valid");
    expect(bcrypt.comparisons - runs).toBe(recordOf === bcryptRecord ? 1 : 0);
    clock.now = START + 60_000;
    expect(await verdictOf(ports, old)).toBe("unknown");
  });

  it.each(RECORDS)("%s during which the foreign one is used first loses no MAC", async (_, recordOf) => {
    const { ports, store } = await openImports(open);
    const old = legacyKey(1);
    const keyId = await importOne(ports, recordOf(old));
    const replaceMac = store.keys.replaceMac.bind(store.keys);
    vi.spyOn(store.keys, "replaceMac").mockImplementationOnce(async (...values) => {
      await refreshKey(ports, ROOT, refreshInput(byId(keyId), { graceMs: 60_000 }));
      return replaceMac(...values);
    });
    expect(await verdictOf(ports, old)).toBe("valid");
    const { generations } = await stored(ports, keyId);
    expect(generations.map(({ number, mac }) => [number, mac !== undefined])).toEqual([
      [2, true],
      [1, true],
    ]);
    expect(await verdictOf(ports, old)).toBe("valid");
  });
});

onEachStore("The holder of an imported api_key", (open) => {
  it.each(RECORDS)("can refresh its key (%s) by possession, once", async (_, recordOf) => {
    const { ports } = await openImports(open);
    const old = legacyKey(1);
    const keyId = await importOne(ports, recordOf(old));
    const input = refreshInput(byApiKey(old), { graceMs: 60_000 });
    const { apiKey } = await refreshKey(ports, NOBODY, input);
    expect(await verdictOf(ports, apiKey)).toBe("valid");
    expect((await feedOf(ports)).at(-1)).toMatchObject({ kind: "key_refreshed", caller: keyId });
    expect(await codeOf(refreshKey(ports, NOBODY, input))).toBe("failed_precondition SECRET_SUPERSEDED");
  });

  it.each(RECORDS)("can revoke its key (%s) by possession", async (_, recordOf) => {
    const { ports } = await openImports(open);
    const apiKey = legacyKey(1);
    await importOne(ports, recordOf(apiKey));
    expect(await codeOf(revokeKey(ports, NOBODY, revokeInput(byApiKey(legacyKey(2, 1)))))).toBe(
      "unauthenticated CREDENTIAL_REQUIRED",
    );
    await revokeKey(ports, NOBODY, revokeInput(byApiKey(apiKey)));
    expect(await verdictOf(ports, apiKey)).toBe("revoked");
  });

  it("proves nothing with a publishable key", async () => {
    const format = compileForeignFormat({ name: "legacy", type: "publishable", pattern: "lk_.*" });
    const { ports } = await openImports(open, { foreignFormats: [format] });
    const apiKey = legacyKey(1);
    await importOne(ports, sha256Record(apiKey));
    expect(await verdictOf(ports, apiKey)).toBe("valid");
    for (const call of [
      refreshKey(ports, NOBODY, refreshInput(byApiKey(apiKey))),
      revokeKey(ports, NOBODY, revokeInput(byApiKey(apiKey))),
    ]) {
      expect(await codeOf(call)).toBe("permission_denied KEY_IS_PUBLIC");
    }
  });
});

onEachStore("An imported key among the others", (open) => {
  it("is found by its owner, read, and ended by its expiry like any other", async () => {
    const { ports, clock } = await openImports(open);
    const keyId = await importOne(ports, sha256Record(legacyKey(1), { expireTime: START + 1_000 }));
    expect((await getKey(ports, ROOT, keyId)).view.key.keyId).toBe(keyId);
    expect((await refreshKey(ports, ROOT, refreshInput(byOwner({ userId: "user-1" })))).view.key.keyId).toBe(
      keyId,
    );
    const again = legacyKey(2);
    await importOne(ports, bcryptRecord(again, { expireTime: START + 1_000 }));
    clock.now = START + 1_000;
    expect(await verdictOf(ports, again)).toBe("expired");
  });

  it("ends with its user, within an organization too, and with its service account", async () => {
    const { ports } = await openImports(open);
    await importAll(ports, [
      sha256Record(legacyKey(1)),
      bcryptRecord(legacyKey(2), { organizationId: "org-1" }),
      sha256Record(legacyKey(3), { userId: "user-2" }),
      plainRecord(plainKey(4)),
    ]);
    expect(await revokeAllForUser(ports, ROOT, revokeUserInput())).toBe(2);
    await revokeAllForServiceAccount(ports, ROOT, {
      serviceAccountId: "account-1",
      reason: "",
      requestId: "",
    });
    const apiKeys = [legacyKey(1), legacyKey(2), legacyKey(3), plainKey(4)];
    const verdicts = await Promise.all(apiKeys.map((apiKey) => verdictOf(ports, apiKey)));
    expect(verdicts).toEqual(["revoked", "revoked", "valid", "revoked"]);
    expect(await verdictOf(ports, (await create(ports)).apiKey)).toBe("valid");
  });
});

onEachStore("A RevokeAllForUser that races with an import", (open) => {
  it("ends every key of the batch whose principals were read before it.", async () => {
    const { ports, store } = await openImports(open);
    const insertBatch = store.keys.insertBatch.bind(store.keys);
    vi.spyOn(store.keys, "insertBatch").mockImplementationOnce(async (keys, event) => {
      await revokeAllForUser(ports, ROOT, revokeUserInput());
      return insertBatch(keys, event);
    });
    const records = [
      sha256Record(legacyKey(1)),
      bcryptRecord(legacyKey(2)),
      sha256Record(legacyKey(3), { userId: "u" }),
    ];
    await importAll(ports, records);
    const verdicts = [1, 2, 3].map((seed) => verdictOf(ports, legacyKey(seed)));
    expect(await Promise.all(verdicts)).toEqual(["revoked", "revoked", "valid"]);
  });

  it("does not end what is imported after it: the epochs are those of the last answered raise.", async () => {
    const { ports, store } = await openImports(open);
    await revokeAllForUser(ports, ROOT, revokeUserInput());
    const readMany = vi.spyOn(store.principals, "readMany");
    const keyId = await importOne(ports, sha256Record(legacyKey(1)));
    expect(readMany).not.toHaveBeenCalled();
    const { epochs } = await stored(ports, keyId);
    expect(epochs).toEqual([{ principalId: principalIdOf({ userId: "user-1" }), epoch: START }]);
    expect(await verdictOf(ports, legacyKey(1))).toBe("valid");
  });

  it("The principals of a large batch are read a few at a time, each once.", async () => {
    const { ports, store } = await openImports(open);
    const read = vi.spyOn(store.principals, "read");
    const userIds = Array.from({ length: 150 }, (_, index) => `user-${index % 75}`);
    await importAll(
      ports,
      userIds.map((userId, seed) => sha256Record(legacyKey(seed), { userId, organizationId: "o" })),
    );
    const asked = read.mock.calls.map(([ids]) => ids.length);
    // 75 users, 75 users within the organization, and the organization.
    expect(asked).toEqual([64, 64, 23]);
    expect(new Set(read.mock.calls.flatMap(([ids]) => ids)).size).toBe(151);
  });

  it("Whatever is answered last, at once with several imports, no key outlives it.", async () => {
    const { ports } = await openImports(open);
    const batches = Array.from({ length: 4 }, (_, batch) =>
      Array.from({ length: 10 }, (_, index) => sha256Record(legacyKey(batch * 10 + index))),
    );
    const running = batches.map((records) => importAll(ports, records));
    await revokeAllForUser(ports, ROOT, revokeUserInput());
    await Promise.all(running);
    for (let seed = 0; seed < 40; seed++) {
      const verdict = await verdictOf(ports, legacyKey(seed));
      const [outcome] = await importAll(ports, [sha256Record(legacyKey(seed))]);
      if (outcome?.kind !== "exists") throw new Error(`the record was ${outcome?.kind}`);
      const [{ epoch } = { epoch: -1 }] = (await stored(ports, outcome.keyId)).epochs;
      expect(verdict).toBe(epoch === START ? "valid" : "revoked");
    }
    await revokeAllForUser(ports, ROOT, revokeUserInput());
    for (let seed = 0; seed < 40; seed++) expect(await verdictOf(ports, legacyKey(seed))).toBe("revoked");
  });
});

onEachStore("A digest", (open) => {
  it("of an imported key stands in no event, whatever happens to the key.", async () => {
    const { ports } = await openImports(open);
    const apiKey = legacyKey(1);
    const records = [sha256Record(apiKey), bcryptRecord(apiKey), bcryptRecord(legacyKey(2, 1))];
    const [first] = await importAll(ports, records);
    const keyId = first?.kind === "imported" ? first.keyId : "";
    await refreshKey(ports, ROOT, refreshInput(byId(keyId), { graceMs: 1_000 }));
    await revokeKey(ports, ROOT, revokeInput(byId(keyId)));
    const told = JSON.stringify([await feedOf(ports), await importAll(ports, records)]);
    for (const { digest } of records) {
      const parts = [digest.slice(0, 12), digest.slice(-12), digest.slice(20, 32)];
      for (const part of parts) expect(told).not.toContain(part);
    }
    expect(told).not.toContain(sha256Of(apiKey).slice(0, 12));
  });
});
