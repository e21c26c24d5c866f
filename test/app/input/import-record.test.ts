// Covers app/input/import-record.ts: every field that is wrong is told at once under its proto name, digests
// are taken only in the forms that can ever match, and what a digest holds is never repeated.
import { createHash } from "node:crypto";
import bcrypt from "bcrypt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkImportRecord,
  IMPORT_LOOKUP_BYTES_MAX,
  type ImportRecordInput,
} from "../../../src/app/input/import-record.ts";
import { compileForeignFormat } from "../../../src/domain/api-key/foreign-format.ts";
import { keyTypeOf } from "../../../src/domain/api-key/key-id.ts";
import { FleetkeyError } from "../../../src/domain/errors.ts";
import { KEY_TYPES } from "../../../src/domain/key-type.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { propertyRuns, START } from "../../domain/build.ts";
import { bcryptRecord, LEGACY, legacyKey, PLAIN, plainKey, plainRecord, sha256Record } from "../imports.ts";
import { NEEDED } from "../requests.ts";
import { POLICY } from "../world.ts";

const KEY = legacyKey();
const SHA256 = createHash("sha256").update(KEY).digest();
const BCRYPT = bcrypt.hashSync(KEY, 4);
const FORMATS = { ...POLICY, foreignFormats: [LEGACY, PLAIN] };

const check = (record: ImportRecordInput, policy = FORMATS) => checkImportRecord(record, policy, START);
const refused = (record: ImportRecordInput): FleetkeyError => {
  try {
    check(record);
  } catch (error) {
    if (error instanceof FleetkeyError) return error;
    throw error;
  }
  throw new Error("the record was not refused");
};
const violations = (record: ImportRecordInput) =>
  (refused(record).details.violations ?? []).map(({ field, description }) => `${field}: ${description}`);

describe("A digest is taken", () => {
  const base64url = SHA256.toString("base64url");
  it.each([
    ["sha256_hex", SHA256.toString("hex"), base64url],
    ["sha256_hex", SHA256.toString("hex").toUpperCase(), base64url],
    ["sha256_base64url", base64url, base64url],
    ["bcrypt", BCRYPT, BCRYPT],
    ["bcrypt", BCRYPT.replace("$2b$", "$2a$"), BCRYPT.replace("$2b$", "$2a$")],
    ["bcrypt", BCRYPT.replace("$2b$", "$2y$"), BCRYPT],
    ["bcrypt", BCRYPT.replace("$04$", "$14$"), BCRYPT.replace("$04$", "$14$")],
  ])("as %s of %s", (algorithm, digest, kept) => {
    const lookup = algorithm === "bcrypt" ? "abcdefgh" : "";
    const { imported } = check(sha256Record(KEY, { algorithm, digest, lookup }));
    const kind = algorithm === "bcrypt" ? "bcrypt" : "sha256";
    expect(imported).toEqual({ format: "legacy", algorithm: kind, digest: kept });
  });

  it("whatever bcrypt made it of", async () => {
    for (let seed = 0; seed < 100; seed++) {
      const digest = bcrypt.hashSync(legacyKey(seed), 4);
      expect(check(bcryptRecord(KEY, { digest })).imported.digest).toBe(digest);
    }
  });
});

describe("A digest that could never match is refused", () => {
  const HEX = "digest: must be 64 hexadecimal digits";
  const BASE64URL = "digest: must be the 43 characters of base64url that 32 bytes make";
  const IS_BCRYPT = "digest: must be a bcrypt digest of version 2a, 2b or 2y and of cost 4 to 14";
  const hex = SHA256.toString("hex");
  const text = SHA256.toString("base64url");
  it.each([
    ["sha256_hex", "a digit short", hex.slice(1), HEX],
    ["sha256_hex", "a digit long", `${hex}0`, HEX],
    ["sha256_hex", "no hexadecimal digit", `${hex.slice(1)}g`, HEX],
    ["sha256_hex", "a prefix", `0x${hex.slice(2)}`, HEX],
    ["sha256_hex", "a newline", `${hex}\n`, HEX],
    ["sha256_hex", "base64url", text, HEX],
    ["sha256_base64url", "a character short", text.slice(1), BASE64URL],
    ["sha256_base64url", "a character long", `${text}A`, BASE64URL],
    ["sha256_base64url", "padding", `${text}=`, BASE64URL],
    ["sha256_base64url", "a last character with more bits than there are", `${"A".repeat(42)}B`, BASE64URL],
    ["sha256_base64url", "base64's own alphabet", `+/${"A".repeat(41)}`, BASE64URL],
    ["sha256_base64url", "a character between", `${text.slice(0, 20)} ${text.slice(20)}`, BASE64URL],
    ["sha256_base64url", "hexadecimal digits", hex, BASE64URL],
    ["bcrypt", "cost 3", BCRYPT.replace("$04$", "$03$"), IS_BCRYPT],
    ["bcrypt", "cost 15", BCRYPT.replace("$04$", "$15$"), IS_BCRYPT],
    ["bcrypt", "cost 31", BCRYPT.replace("$04$", "$31$"), IS_BCRYPT],
    ["bcrypt", "a cost of one digit", BCRYPT.replace("$04$", "$4$"), IS_BCRYPT],
    ["bcrypt", "version 2x, which is broken", BCRYPT.replace("$2b$", "$2x$"), IS_BCRYPT],
    ["bcrypt", "version 2", BCRYPT.replace("$2b$", "$2$"), IS_BCRYPT],
    ["bcrypt", "a character short", BCRYPT.slice(0, -1), IS_BCRYPT],
    ["bcrypt", "a character long", `${BCRYPT}.`, IS_BCRYPT],
    ["bcrypt", "another alphabet", `${BCRYPT.slice(0, -5)}+${BCRYPT.slice(-4)}`, IS_BCRYPT],
    [
      "bcrypt",
      "a salt with more bits than there are",
      `${BCRYPT.slice(0, 28)}/${BCRYPT.slice(29)}`,
      IS_BCRYPT,
    ],
    ["bcrypt", "a hash with more bits than there are", `${BCRYPT.slice(0, -1)}/`, IS_BCRYPT],
    ["bcrypt", "a newline", `${BCRYPT}\n`, IS_BCRYPT],
  ])("as %s: %s", (algorithm, _, digest, violation) => {
    const lookup = algorithm === "bcrypt" ? "abcdefgh" : "";
    const record = sha256Record(KEY, { algorithm, digest, lookup });
    expect(violations(record)).toEqual([violation]);
  });
});

describe("A record is refused", () => {
  it.each([
    ["without a format", { format: "" }, ["format: is required"]],
    [
      "with a format that nobody declared",
      { format: "other" },
      ["format: is not a foreign format of this service"],
    ],
    ["without an algorithm", { algorithm: undefined }, ["algorithm: is required"]],
    [
      "with an algorithm that is none",
      { algorithm: "md5" },
      ["algorithm: must be one of sha256_hex, sha256_base64url, bcrypt"],
    ],
    ["without a digest", { digest: "" }, ["digest: is required"]],
    [
      "with a SHA-256 and a lookup",
      { lookup: "abcdefgh" },
      ["lookup: is for bcrypt only: a SHA-256 is found by itself"],
    ],
    ["with a bcrypt and no lookup", { algorithm: "bcrypt", digest: BCRYPT }, ["lookup: is required"]],
    [
      "with a bcrypt in a format that has no lookup",
      {
        format: "plain",
        algorithm: "bcrypt",
        digest: BCRYPT,
        lookup: "a",
        userId: "",
        serviceAccountId: "s",
      },
      ["algorithm: needs a format whose pattern has a group lookup"],
    ],
    [
      "with a lookup a byte too long",
      { algorithm: "bcrypt", digest: BCRYPT, lookup: "a".repeat(IMPORT_LOOKUP_BYTES_MAX + 1) },
      ["lookup: must be at most 128 bytes"],
    ],
    [
      "with a control character in its lookup",
      { algorithm: "bcrypt", digest: BCRYPT, lookup: "a\n" },
      ["lookup: must not hold control characters"],
    ],
    ["without what its format's type needs", { userId: "" }, ["user_id: is required for this key type"]],
    ["with what its format's type has not", { provider: "stripe" }, ["provider: is not for this key type"]],
    ["with an end that is past", { expireTime: START }, ["expire_time: must be in the future"]],
    ["with a role that is none", { roles: ["none"] }, ["roles[0]: is not a role of this service"]],
    [
      "with a wrong range",
      { allowedCidrs: ["192.0.2.0/33"] },
      [expect.stringMatching(/^allowed_cidrs\[0\]: /)],
    ],
    [
      "with a wrong limit",
      { rateLimit: { limit: 0, windowMs: 1_000 } },
      [expect.stringMatching(/^rate_limit\.limit: /)],
    ],
    [
      "with a wrong quota",
      { quota: { limit: 1, period: "year" } },
      [expect.stringMatching(/^quota\.period: /)],
    ],
  ] as readonly [string, Partial<ImportRecordInput>, readonly string[]][])("%s", (_, overrides, expected) => {
    expect(refused(sha256Record(KEY, overrides)).code).toBe("invalid_argument");
    expect(violations(sha256Record(KEY, overrides))).toEqual(expected);
  });

  it("with everything that is wrong with it at once", () => {
    const record = sha256Record(KEY, {
      format: "",
      algorithm: "bcrypt",
      digest: "x",
      userId: "a\0",
      name: "\n",
    });
    expect(violations(record).map((violation) => violation.split(":")[0])).toEqual([
      "format",
      "digest",
      "lookup",
      "user_id",
      "name",
    ]);
  });

  it("never with what stands in its digest, lookup, format or algorithm", () => {
    const anyMark = fc.stringMatching(/^[Q-Z]{6,12}$/);
    fc.assert(
      fc.property(
        anyMark,
        fc.constantFrom("sha256_hex", "sha256_base64url", "bcrypt", undefined),
        (mark, kind) => {
          for (const overrides of [
            { digest: mark },
            { digest: `${SHA256.toString("hex")}${mark}` },
            { format: mark },
            { lookup: mark.padEnd(129, mark) },
            { algorithm: mark },
          ]) {
            const { message, details } = refused(
              sha256Record(KEY, { algorithm: kind, ...overrides, digest: mark }),
            );
            expect(JSON.stringify([message, details])).not.toContain(mark);
          }
        },
      ),
      { numRuns: propertyRuns() },
    );
  });
});

describe("A record's key_id", () => {
  it("is of the type of its format, for every type", () => {
    for (const type of KEY_TYPES) {
      const foreignFormats = [compileForeignFormat({ name: "legacy", type, pattern: "(?<lookup>.)" })];
      const { type: _, ...owner } = NEEDED[type];
      for (const record of [sha256Record(KEY, owner), bcryptRecord(KEY, { ...owner, lookup: "a" })]) {
        const command = check(record, { ...POLICY, foreignFormats });
        expect(command.fields.type).toBe(type);
        expect(keyTypeOf(command.keyId)).toBe(type);
      }
    }
  });

  it("is that of its digest, however it is spelt, and of its lookup, whatever its bcrypt", () => {
    const keyIdOf = (record: ImportRecordInput) => check(record).keyId;
    const spelt = sha256Record(KEY, { algorithm: "sha256_base64url", digest: SHA256.toString("base64url") });
    expect(keyIdOf(spelt)).toBe(keyIdOf(sha256Record(KEY)));
    expect(keyIdOf(bcryptRecord(KEY))).toBe(keyIdOf(bcryptRecord(KEY)));
    const others = [
      sha256Record(legacyKey(2)),
      bcryptRecord(KEY),
      bcryptRecord(KEY, { lookup: "other" }),
      plainRecord(plainKey()),
    ];
    expect(new Set([sha256Record(KEY), ...others].map(keyIdOf)).size).toBe(5);
    const elsewhere = check(sha256Record(KEY), { ...FORMATS, environment: "dev" });
    expect(elsewhere.keyId).not.toBe(keyIdOf(sha256Record(KEY)));
  });
});

it("What a Create can choose is kept, with the lifetime that the type has by default.", () => {
  const policy = { ...FORMATS, ttlDefaultMs: { user: DAY_MS } };
  const chosen = {
    userId: "user-1",
    organizationId: "org-1",
    name: "name",
    description: "description",
    metadata: { a: [1] },
    scopes: ["read", "read", "list"],
    roles: ["reader"],
    allowedCidrs: ["192.0.2.0/24"],
    rateLimit: { limit: 5, windowMs: 1_000 },
    quota: { limit: 9, period: "day" },
  };
  expect(check(sha256Record(KEY, chosen), policy).fields).toEqual({
    type: "user",
    owner: { userId: "user-1", organizationId: "org-1" },
    name: "name",
    description: "description",
    metadata: '{"a":[1]}',
    scopes: ["read", "list"],
    roles: ["reader"],
    allowedCidrs: ["192.0.2.0/24"],
    rateLimit: { limit: 5, windowMs: 1_000 },
    quota: { limit: 9, period: "day" },
    expireTime: START + DAY_MS,
  });
  expect(check(sha256Record(KEY, { expireTime: START + 1 }), policy).fields.expireTime).toBe(START + 1);
});
