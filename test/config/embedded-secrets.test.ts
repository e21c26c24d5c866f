// The secrets of embedded mode: made once and kept, never made anew under a number whose keys they could not
// check, and never quoted when a file is broken.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { peppersOf, rootKeysOf } from "../../src/config/embedded-secrets.ts";
import { type Config, loadConfig } from "../../src/config/load-config.ts";
import { StartRefused } from "../../src/domain/errors.ts";
import { pepper, rootKey, type Settings } from "./settings.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleetkey-embedded-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const embedded = (settings: Settings = {}): Config =>
  loadConfig({ FLEETKEY_STORE: `sqlite:${folder}/fleetkey.db`, ...settings });

/** The message that a call is refused with. */
function refusalOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof StartRefused) return error.message;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("the root key", () => {
  it("is made at the first start, beside the database, and is the same afterwards", () => {
    const first = rootKeysOf(embedded());
    expect(first.path).toBe(join(folder, "root.key"));
    expect(first.keys).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(readFileSync(join(folder, "root.key"), "utf8")).toBe(`${first.keys[0]}\n`);
    expect(statSync(join(folder, "root.key")).mode & 0o777).toBe(0o600);
    expect(rootKeysOf(embedded())).toEqual(first);
  });

  it("is another one in another folder", () => {
    const first = rootKeysOf(embedded());
    const second = rootKeysOf(loadConfig({ FLEETKEY_STORE: `sqlite:${folder}/b/fleetkey.db` }));
    expect(second.keys).not.toEqual(first.keys);
  });

  it("comes from the setting when there is one, and no file is made or named then", () => {
    expect(rootKeysOf(embedded({ FLEETKEY_ROOT_KEY: rootKey() }))).toEqual({ keys: [rootKey()] });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("may be two in the file, as in the setting", () => {
    const both = [rootKey("a"), rootKey("b")];
    writeFileSync(join(folder, "root.key"), both.join(","), { mode: 0o600 });
    expect(rootKeysOf(embedded()).keys).toEqual(both);
  });

  it.each(["", "\n", "too short", "with a space ".repeat(4)])(
    "is not taken from a file with %j",
    (content) => {
      writeFileSync(join(folder, "root.key"), content, { mode: 0o600 });
      const refusal = refusalOf(() => rootKeysOf(embedded()));
      expect(refusal).toBe(
        `${folder}/root.key does not hold what it should: put a copy of the right file back`,
      );
    },
  );
});

describe("the peppers", () => {
  it("are made at the first start and are the same afterwards", () => {
    const first = peppersOf(embedded(), []);
    expect(first).toEqual([{ version: 1, secret: expect.any(Buffer) }]);
    expect(first[0]?.secret).toHaveLength(32);
    expect(statSync(join(folder, "peppers")).mode & 0o777).toBe(0o600);
    expect(peppersOf(embedded(), [1])).toEqual(first);
  });

  it("come from the setting when there is one, and no file is made then", () => {
    const peppers = peppersOf(embedded({ FLEETKEY_PEPPERS: pepper(7) }), [7]);
    expect(peppers.map(({ version }) => version)).toEqual([7]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("are made anew for a store in memory, without a file", () => {
    const config = embedded({ FLEETKEY_STORE: "sqlite::memory:", FLEETKEY_ROOT_KEY: rootKey() });
    expect(peppersOf(config, [])[0]?.secret).not.toEqual(peppersOf(config, [])[0]?.secret);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    [[1], "1"],
    [[2, 1], "2,1"],
  ])("are not made anew when the database knows versions %j: their file is missing", (known, versions) => {
    const refusal = refusalOf(() => peppersOf(embedded(), known));
    expect(refusal).toContain(`${folder}/peppers is missing`);
    expect(refusal).toContain("put the file back");
    expect(refusal).toContain(`FLEETKEY_PEPPERS_LOST=${versions} `);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("are not made anew when only some of the missing versions are declared lost", () => {
    const refusal = refusalOf(() => peppersOf(embedded({ FLEETKEY_PEPPERS_LOST: "1" }), [1, 2]));
    expect(refusal).toContain("pepper version 2:");
  });

  it.each([
    { known: [1], lost: "1", version: 2 },
    { known: [1, 3], lost: "1,3", version: 4 },
    { known: [1], lost: "1,9", version: 10 },
    { known: [], lost: "5", version: 6 },
  ])("get number $version when $known are known and $lost declared lost", ({ known, lost, version }) => {
    const config = embedded({ FLEETKEY_PEPPERS_LOST: lost });
    const made = peppersOf(config, known);
    expect(made.map((made) => made.version)).toEqual([version]);
    expect(peppersOf(config, [...known, version])).toEqual(made);
  });

  it.each([
    "",
    "confidential",
    "1:confidential",
    `${pepper(1)}\n${pepper(2)}confidential`,
    `${pepper(1, 1)},${pepper(1, 2)}`,
  ])("are not taken from a file with %j, which is not quoted", (content) => {
    writeFileSync(join(folder, "peppers"), content, { mode: 0o600 });
    const refusal = refusalOf(() => peppersOf(embedded(), []));
    expect(refusal).toBe(`${folder}/peppers does not hold what it should: put a copy of the right file back`);
    expect(readFileSync(join(folder, "peppers"), "utf8")).toBe(content);
  });

  it("may be several in the file, the first one current", () => {
    writeFileSync(join(folder, "peppers"), `${pepper(2)},${pepper(1)}\n`, { mode: 0o600 });
    expect(peppersOf(embedded(), [1]).map(({ version }) => version)).toEqual([2, 1]);
  });
});
