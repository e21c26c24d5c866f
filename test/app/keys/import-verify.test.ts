// Covers app/secret/find-by-api-key.ts for api_keys of another system: where they are looked for, what
// matches them, and that their first use puts a MAC beside their digest.
import { expect, it, vi } from "vitest";
import { macOf } from "../../../src/domain/api-key/digests.ts";
import { compileForeignFormat } from "../../../src/domain/api-key/foreign-format.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { buildPepper } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import {
  bcryptRecord,
  importAll,
  importOne,
  LEGACY,
  legacyKey,
  openImports,
  PLAIN,
  plainKey,
  plainRecord,
  sha256Record,
  wordsOf,
} from "../imports.ts";
import { codeOf } from "../outcomes.ts";
import { feedOf, stored, verdictOf } from "../world.ts";

const [P1, P2] = [buildPepper(1), buildPepper(2)];
const BUSY = "unavailable FALLBACK_BUSY";
const MISSING = "unavailable PEPPER_MISSING";
const RECORDS = [
  ["sha256_hex", sha256Record],
  [
    "sha256_base64url",
    (apiKey: string) =>
      sha256Record(apiKey, {
        algorithm: "sha256_base64url",
        digest: Buffer.from(sha256Record(apiKey).digest, "hex").toString("base64url"),
      }),
  ],
  ["bcrypt", bcryptRecord],
] as const;

onEachStore("An imported key", (open) => {
  it.each(RECORDS)("by %s is valid for its api_key alone", async (_, recordOf) => {
    const { ports } = await openImports(open);
    const apiKey = legacyKey(1);
    expect(await verdictOf(ports, apiKey)).toBe("unknown");
    await importOne(ports, recordOf(apiKey));
    expect(await verdictOf(ports, apiKey)).toBe("valid");
    expect(await verdictOf(ports, legacyKey(2, 1))).toBe("unknown");
    expect(await verdictOf(ports, legacyKey(2))).toBe("unknown");
    expect(await verdictOf(ports, apiKey.toUpperCase())).toBe("malformed");
    expect(await verdictOf(ports, `${apiKey} `)).toBe("malformed");
    expect(await verdictOf(ports, apiKey)).toBe("valid");
  });

  it.each(RECORDS)("by %s has a MAC from its first use on, and keeps its digest", async (_, recordOf) => {
    const { ports, bcrypt, clock } = await openImports(open);
    const apiKey = legacyKey(1);
    const keyId = await importOne(ports, recordOf(apiKey));
    const before = await stored(ports, keyId);
    expect(await verdictOf(ports, legacyKey(2, 1))).toBe("unknown");
    expect(await stored(ports, keyId)).toEqual(before);
    clock.now += 1_000;
    const runs = bcrypt.comparisons;
    for (let call = 0; call < 3; call++) expect(await verdictOf(ports, apiKey)).toBe("valid");
    expect(bcrypt.comparisons - runs).toBe(recordOf === bcryptRecord ? 1 : 0);
    const generations = [{ ...before.generations[0], mac: macOf(apiKey, P1) }];
    expect(await stored(ports, keyId)).toEqual({ ...before, generations });
    expect(await feedOf(ports)).toHaveLength(1);
    expect(await verdictOf(ports, legacyKey(2, 1))).toBe("unknown");
  });

  it.each(RECORDS)("by %s survives the loss of the pepper of its MAC", async (_, recordOf) => {
    const { ports, bcrypt, restart } = await openImports(open);
    const apiKey = legacyKey(1);
    const keyId = await importOne(ports, recordOf(apiKey));
    await verdictOf(ports, apiKey);
    const without = restart([P2], [1]);
    const runs = bcrypt.comparisons;
    expect(await verdictOf(without, legacyKey(2, 1))).toBe("unknown");
    for (let call = 0; call < 3; call++) expect(await verdictOf(without, apiKey)).toBe("valid");
    expect(bcrypt.comparisons - runs).toBe(recordOf === bcryptRecord ? 2 : 0);
    expect((await stored(ports, keyId)).generations[0].mac).toEqual(macOf(apiKey, P2));
  });

  it.each(RECORDS)("by %s follows its pepper's rotation, and never downward", async (_, recordOf) => {
    const { ports, bcrypt, restart } = await openImports(open);
    const apiKey = legacyKey(1);
    const keyId = await importOne(ports, recordOf(apiKey));
    await verdictOf(ports, apiKey);
    const runs = bcrypt.comparisons;
    expect(await verdictOf(restart([P2, P1]), apiKey)).toBe("valid");
    expect((await stored(ports, keyId)).generations[0].mac).toEqual(macOf(apiKey, P2));
    expect(await verdictOf(restart([P1, P2]), apiKey)).toBe("valid");
    expect((await stored(ports, keyId)).generations[0].mac).toEqual(macOf(apiKey, P2));
    expect(await codeOf(verdictOf(restart([P1]), apiKey))).toBe(MISSING);
    // Only a bcrypt leads a wrong secret to the key's place.
    const wrong = verdictOf(restart([P1]), legacyKey(2, 1));
    if (recordOf === bcryptRecord) expect(await codeOf(wrong)).toBe(MISSING);
    else expect(await wrong).toBe("unknown");
    expect(bcrypt.comparisons).toBe(runs);
  });

  it("is valid although its MAC cannot be written, and gets it the next time", async () => {
    const { ports, bcrypt, store } = await openImports(open);
    const apiKey = legacyKey(1);
    const keyId = await importOne(ports, bcryptRecord(apiKey));
    const lost = storeUnavailable(new Error("no primary"));
    vi.spyOn(store.keys, "replaceMac").mockRejectedValueOnce(lost).mockResolvedValueOnce(false);
    for (let call = 0; call < 4; call++) expect(await verdictOf(ports, apiKey)).toBe("valid");
    expect(bcrypt.comparisons).toBe(3);
    expect((await stored(ports, keyId)).generations[0].mac).toEqual(macOf(apiKey, P1));
  });
});

onEachStore("An imported bcrypt", (open) => {
  it("While it, or two in all, are being compared, a call is told to come back.", async () => {
    const { ports, bcrypt } = await openImports(open);
    const [first, second, third] = [legacyKey(1), legacyKey(2), legacyKey(3)];
    await importAll(
      ports,
      [first, second, third].map((apiKey) => bcryptRecord(apiKey)),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    bcrypt.gate = promise;
    const running = [verdictOf(ports, first), verdictOf(ports, legacyKey(9, 2))];
    await vi.waitFor(() => expect(bcrypt.comparisons).toBe(2));
    for (const apiKey of [first, second, third]) expect(await codeOf(verdictOf(ports, apiKey))).toBe(BUSY);
    resolve();
    expect(await Promise.all(running)).toEqual(["valid", "unknown"]);
    expect(bcrypt.comparisons).toBe(2);
    for (const apiKey of [first, second, third]) expect(await verdictOf(ports, apiKey)).toBe("valid");
    expect(bcrypt.comparisons).toBe(4);
  });

  it("shares its two runs with keys whose pepper is lost", async () => {
    const { ports, bcrypt, restart } = await openImports(open);
    const apiKeys = [legacyKey(1), legacyKey(2)];
    await importAll(
      ports,
      apiKeys.map((apiKey) => bcryptRecord(apiKey)),
    );
    for (const apiKey of apiKeys) await verdictOf(ports, apiKey);
    const fresh = legacyKey(3);
    await importOne(ports, bcryptRecord(fresh));
    const { promise, resolve } = Promise.withResolvers<void>();
    const runs = bcrypt.comparisons;
    bcrypt.gate = promise;
    const without = restart([P2], [1]);
    const running = apiKeys.map((apiKey) => verdictOf(without, apiKey));
    await vi.waitFor(() => expect(bcrypt.comparisons).toBe(runs + 2));
    expect(await codeOf(verdictOf(without, fresh))).toBe(BUSY);
    resolve();
    expect(await Promise.all(running)).toEqual(["valid", "valid"]);
  });

  it("runs once for a wrong secret", async () => {
    const { ports, bcrypt } = await openImports(open);
    await importOne(ports, bcryptRecord(legacyKey(1)));
    for (let call = 0; call < 3; call++) expect(await verdictOf(ports, legacyKey(2, 1))).toBe("unknown");
    expect(bcrypt.comparisons).toBe(1);
  });
});

onEachStore("Foreign formats", (open) => {
  const wide = (name: string, type = LEGACY.type) =>
    compileForeignFormat({ name, type, pattern: "(?<lookup>..)[A-Za-z0-9_-]+" });
  const owned = { userId: "user-1", serviceAccountId: "" };

  it("that overlap are tried one after the other, each for its own keys", async () => {
    const foreignFormats = [wide("a"), wide("b", "service"), wide("c")];
    const { ports } = await openImports(open, { foreignFormats });
    const texts = ["aa", "bb", "cc"].map((lookup, seed) => `${lookup}${legacyKey(seed)}`) as [
      string,
      string,
      string,
    ];
    await importOne(ports, bcryptRecord(texts[0], { ...owned, format: "a", lookup: "aa" }));
    await importOne(ports, plainRecord(texts[1], { format: "b" }));
    await importOne(ports, sha256Record(texts[2], { format: "c" }));
    for (const text of texts) expect(await verdictOf(ports, text)).toBe("valid");
    expect(await verdictOf(ports, `aa${legacyKey(9)}`)).toBe("unknown");
  });

  it("One key of a format opens nothing in another, even where both lead to one place.", async () => {
    const foreignFormats = [wide("a"), wide("b")];
    const { ports } = await openImports(open, { foreignFormats });
    const text = `aa${legacyKey(1)}`;
    const keyId = await importOne(ports, sha256Record(text, { format: "a" }));
    expect(wordsOf(await importAll(ports, [sha256Record(text, { format: "b" })]))).toEqual([
      "IMPORT_CONFLICT",
    ]);
    const onlyB = { ...ports, policy: { ...ports.policy, foreignFormats: [wide("b")] } };
    expect(await verdictOf(onlyB, text)).toBe("unknown");
    const read = vi.spyOn(ports.store.keys, "read");
    expect(await verdictOf(ports, text)).toBe("valid");
    expect(read.mock.calls).toEqual([[keyId]]);
  });

  it("A key that another environment imported is unknown, and can be imported here too.", async () => {
    const { ports } = await openImports(open);
    const elsewhere = { ...ports, policy: { ...ports.policy, environment: "dev" } };
    for (const record of [sha256Record(legacyKey(1)), bcryptRecord(legacyKey(2))]) {
      await importOne(elsewhere, record);
    }
    for (const apiKey of [legacyKey(1), legacyKey(2)]) {
      expect(await verdictOf(ports, apiKey)).toBe("unknown");
      expect(await verdictOf(elsewhere, apiKey)).toBe("valid");
    }
    for (const record of [sha256Record(legacyKey(1)), bcryptRecord(legacyKey(2))])
      await importOne(ports, record);
    expect(await verdictOf(ports, legacyKey(1))).toBe("valid");
  });

  it("A key of a format that is declared no longer is refused without a look.", async () => {
    const { ports, store } = await openImports(open);
    await importOne(ports, sha256Record(legacyKey(1)));
    const without = { ...ports, policy: { ...ports.policy, foreignFormats: [PLAIN] } };
    const read = vi.spyOn(store.keys, "read");
    expect(await verdictOf(without, legacyKey(1))).toBe("malformed");
    expect(read).not.toHaveBeenCalled();
  });

  it("that match without a lookup find by SHA-256 alone", async () => {
    const { ports, store } = await openImports(open);
    await importOne(ports, plainRecord(plainKey(1)));
    const read = vi.spyOn(store.keys, "read");
    expect(await verdictOf(ports, plainKey(1))).toBe("valid");
    expect(await verdictOf(ports, plainKey(2))).toBe("unknown");
    expect(read).toHaveBeenCalledTimes(2);
    read.mockClear();
    expect(await verdictOf(ports, legacyKey(1))).toBe("unknown");
    expect(read).toHaveBeenCalledTimes(2);
  });
});
