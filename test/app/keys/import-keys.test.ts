// Covers Import: each record with an outcome of its own, in order; what is there stays as it is, so that an
// import can be run again; one event a batch; and a dry run that writes nothing.
import { expect, it, vi } from "vitest";
import { IMPORT_BATCH_MAX } from "../../../src/app/keys/import-keys.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { sha256Of } from "../../../src/domain/api-key/digests.ts";
import { keyPrefixOf } from "../../../src/domain/key.ts";
import { currentEpochs } from "../../../src/domain/principal.ts";
import { START } from "../../domain/build.ts";
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
  wordsOf,
} from "../imports.ts";
import { violatedFields } from "../outcomes.ts";
import { byId, refreshInput, revokeInput } from "../requests.ts";
import { feedOf, ROOT, stored } from "../world.ts";

onEachStore("Import", (open) => {
  it("makes a key of each record, with the digest and nothing else of its api_key", async () => {
    const { ports } = await openImports(open);
    const metadata = { a: 1 };
    const outcomes = await importAll(ports, [
      sha256Record(legacyKey(1), { organizationId: "org-1", name: "name", scopes: ["read"], metadata }),
      bcryptRecord(legacyKey(2)),
      plainRecord(plainKey(3)),
    ]);
    expect(wordsOf(outcomes)).toEqual(["imported", "imported", "imported"]);
    const keyIds = outcomes.map((outcome) => (outcome.kind === "imported" ? outcome.keyId : ""));
    const owner = { userId: "user-1", organizationId: "org-1" };
    const key = await stored(ports, keyIds[0] ?? "");
    expect(key).toEqual({
      keyId: keyIds[0],
      type: "user",
      prefix: "fl_user_prod",
      environment: "prod",
      owner,
      name: "name",
      description: "",
      metadata: '{"a":1}',
      scopes: ["read"],
      roles: [],
      allowedCidrs: [],
      createTime: START,
      createdBy: "root",
      updateTime: START,
      generations: [
        {
          number: 1,
          createTime: START,
          imported: { format: "legacy", algorithm: "sha256", digest: sha256Of(legacyKey(1)) },
        },
      ],
      epochs: currentEpochs(owner, new Map()),
      importFormat: "legacy",
      revision: 1,
    });
    expect(keyPrefixOf(key)).toBe("legacy");
    expect(await stored(ports, keyIds[1] ?? "")).toMatchObject({
      generations: [{ imported: { algorithm: "bcrypt", digest: expect.stringMatching(/^\$2b\$04\$/) } }],
    });
    expect(await stored(ports, keyIds[2] ?? "")).toMatchObject({ type: "service", prefix: "fl_svc_prod" });
  });

  it("tells of a batch in one event, with how many keys it brought and nothing of them", async () => {
    const { ports } = await openImports(open);
    const records = [1, 2, 3].map((seed) => sha256Record(legacyKey(seed)));
    await importAll(ports, records, { requestId: "request-1" });
    const [event, ...others] = await feedOf(ports);
    expect(others).toEqual([]);
    expect(event).toEqual({
      number: event?.number,
      eventId: expect.stringMatching(/^evt_/),
      kind: "keys_imported",
      time: START,
      caller: "root",
      address: ROOT.address,
      requestId: "request-1",
      owner: {},
      count: 3,
    });
  });

  it("answers for each record in its place, and takes the good ones among the bad", async () => {
    const { ports } = await openImports(open);
    await importOne(ports, sha256Record(legacyKey(1)));
    const outcomes = await importAll(ports, [
      sha256Record(legacyKey(1)),
      sha256Record(legacyKey(2), { userId: "" }),
      sha256Record(legacyKey(3)),
      sha256Record(legacyKey(4), { digest: "x" }),
      sha256Record(legacyKey(5)),
    ]);
    expect(wordsOf(outcomes)).toEqual([
      "exists",
      "INVALID_ARGUMENT",
      "imported",
      "INVALID_ARGUMENT",
      "imported",
    ]);
    expect((await feedOf(ports)).map(({ count }) => count)).toEqual([1, 2]);
  });

  it("Run again it finds what is there, leaves it as it is, and tells nobody anything.", async () => {
    const { ports, clock } = await openImports(open);
    const records = [sha256Record(legacyKey(1)), bcryptRecord(legacyKey(2)), plainRecord(plainKey(3))];
    const first = await importAll(ports, records);
    clock.now += 1_000;
    const again = await importAll(
      ports,
      records.map((record) => ({ ...record, name: "another" })),
    );
    expect(again).toEqual(first.map((outcome) => ({ ...outcome, kind: "exists" })));
    for (const outcome of again) {
      if (outcome.kind !== "exists") throw new Error(outcome.kind);
      expect(await stored(ports, outcome.keyId)).toMatchObject({ name: "", revision: 1, updateTime: START });
    }
    expect(await feedOf(ports)).toHaveLength(1);
  });

  it("A key that was revoked, or refreshed out of its digest, exists: it never comes back.", async () => {
    const { ports } = await openImports(open);
    const records = [1, 2, 3, 4].map((seed) => (seed % 2 ? sha256Record : bcryptRecord)(legacyKey(seed)));
    const outcomes = await importAll(ports, records);
    const keyIds = outcomes.map((outcome) => (outcome.kind === "imported" ? outcome.keyId : ""));
    for (const keyId of keyIds.slice(0, 2)) await revokeKey(ports, ROOT, revokeInput(byId(keyId)));
    for (const keyId of keyIds.slice(2)) await refreshKey(ports, ROOT, refreshInput(byId(keyId)));
    const before = await Promise.all(keyIds.map((keyId) => stored(ports, keyId)));
    expect(wordsOf(await importAll(ports, records))).toEqual(["exists", "exists", "exists", "exists"]);
    expect(await Promise.all(keyIds.map((keyId) => stored(ports, keyId)))).toEqual(before);
  });

  it("Of equal records in one batch the first is imported and the others exist.", async () => {
    const { ports } = await openImports(open);
    const record = bcryptRecord(legacyKey(2));
    const base64url = { algorithm: "sha256_base64url", digest: sha256Of(legacyKey(1)) };
    const outcomes = await importAll(ports, [
      sha256Record(legacyKey(1), { userId: "" }),
      sha256Record(legacyKey(1), { name: "first" }),
      record,
      sha256Record(legacyKey(1), { ...base64url, name: "second" }),
      { ...record, digest: record.digest.replace("$2b$", "$2y$") },
    ]);
    const words = ["INVALID_ARGUMENT", "imported", "imported", "exists", "exists"];
    expect(wordsOf(outcomes)).toEqual(words);
    expect(await feedOf(ports)).toMatchObject([{ count: 2 }]);
    const [, first] = outcomes;
    expect(first?.kind === "imported" && (await stored(ports, first.keyId)).name).toBe("first");
  });

  it("Another digest at the place of a key is refused, in a batch and after it.", async () => {
    const { ports } = await openImports(open);
    const [first, second] = [bcryptRecord(legacyKey(1, 1)), bcryptRecord(legacyKey(2, 1))];
    expect(first.lookup).toBe(second.lookup);
    const outcomes = await importAll(ports, [first, second]);
    expect(wordsOf(outcomes)).toEqual(["imported", "IMPORT_CONFLICT"]);
    expect(wordsOf(await importAll(ports, [second, first, second]))).toEqual([
      "IMPORT_CONFLICT",
      "exists",
      "IMPORT_CONFLICT",
    ]);
    const [imported, conflict] = outcomes;
    if (imported?.kind !== "imported" || conflict?.kind !== "refused") throw new Error("see above");
    expect(conflict.error).toMatchObject({
      code: "already_exists",
      details: { metadata: { key_id: imported.keyId } },
    });
    expect(await feedOf(ports)).toHaveLength(1);
  });
});

onEachStore("A dry run of Import", (open) => {
  it("tells what would become of each record, and writes nothing", async () => {
    const { ports, store } = await openImports(open);
    await importOne(ports, sha256Record(legacyKey(1)));
    const [first, second] = [bcryptRecord(legacyKey(3, 3)), bcryptRecord(legacyKey(4, 3))];
    const records = [
      sha256Record(legacyKey(1)),
      sha256Record(legacyKey(2)),
      sha256Record(legacyKey(2)),
      first,
      second,
      sha256Record(legacyKey(5), { userId: "" }),
    ];
    const writes = ["insert", "insertBatch", "update", "confirm", "replaceMac"] as const;
    const spies = writes.map((method) => vi.spyOn(store.keys, method));
    const dry = await importAll(ports, records, { isDryRun: true });
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    expect(wordsOf(dry)).toEqual([
      "exists",
      "imported",
      "exists",
      "imported",
      "IMPORT_CONFLICT",
      "INVALID_ARGUMENT",
    ]);
    expect(await feedOf(ports)).toHaveLength(1);
    expect(await importAll(ports, records)).toEqual(dry);
    expect(await feedOf(ports)).toMatchObject([{ count: 1 }, { count: 2 }]);
  });
});

onEachStore("A batch as a whole", (open) => {
  it(`holds at most ${IMPORT_BATCH_MAX} records`, async () => {
    const { ports } = await openImports(open);
    const wrong = sha256Record(legacyKey(1), { format: "" });
    const records = Array.from({ length: IMPORT_BATCH_MAX }, () => wrong);
    expect(await importAll(ports, records)).toHaveLength(IMPORT_BATCH_MAX);
    expect(await violatedFields(importAll(ports, [...records, wrong]))).toEqual(["records"]);
  });

  it("is refused with a wrong request_id, and imports nothing", async () => {
    const { ports } = await openImports(open);
    for (const requestId of ["a".repeat(129), "a\n"]) {
      expect(await violatedFields(importAll(ports, [sha256Record(legacyKey())], { requestId }))).toEqual([
        "request_id",
      ]);
    }
    expect(await feedOf(ports)).toEqual([]);
  });

  it("of no records at all, or of none that is good, is answered without a write", async () => {
    const { ports } = await openImports(open);
    expect(await importAll(ports, [])).toEqual([]);
    expect(wordsOf(await importAll(ports, [sha256Record(legacyKey(), { digest: "x" })]))).toEqual([
      "INVALID_ARGUMENT",
    ]);
    expect(await feedOf(ports)).toEqual([]);
  });
});
