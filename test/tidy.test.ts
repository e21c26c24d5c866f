// The house rules that a machine can see: which room may know which, sizes, names, opening comments, and what
// must never be in the project.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const FILE_LINES_MAX = 300;
const LINE_COLUMNS_MAX = 110;
const ROOM_FILES_MAX = 8;

/**
 * What each room may import beside itself. What is not here may import nothing; `service` and `main.ts` see
 * all.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  domain: ["lib"],
  store: ["domain", "lib"],
  access: ["domain", "lib"],
  app: ["access", "domain", "lib", "store"],
  cache: ["domain", "lib", "store"],
  cluster: ["app", "cache", "domain", "lib", "store"],
  observability: ["domain", "lib"],
  transport: ["access", "app", "domain", "lib", "observability", "gen"],
  config: ["app", "domain", "lib", "store", "transport"],
};
/** Of the store, the use cases know the contract, not a backend. */
const STORE_BACKENDS = /^src\/store\/(sqlite|mongo|open-store)/;

const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { encoding: "utf8" })
  .split("\n")
  .filter((file) => file !== "");
const sources = files.filter((file) => /^(src|test)\/.*\.ts$/.test(file));
const textOf = (file: string) => readFileSync(file, "utf8");

function importsOf(file: string): readonly string[] {
  return [...textOf(file).matchAll(/from "(\.[^"]+)"/g)].map(([, path = ""]) =>
    relative(".", join(dirname(file), path)),
  );
}

const roomOf = (file: string) => (file.startsWith("src/") ? file.split("/")[1] : file.split("/")[0]) ?? "";

describe("every source file", () => {
  const offenders = (isWrong: (lines: readonly string[], file: string) => boolean) =>
    sources.filter((file) => isWrong(textOf(file).split("\n"), file));

  it("opens with a comment of at most five lines on what it owns", () => {
    expect(offenders(([first = ""]) => !/^\/\/ \S/.test(first))).toEqual([]);
    expect(offenders((lines) => lines.findIndex((line) => !line.startsWith("//")) > 5)).toEqual([]);
  });

  it(`has at most ${FILE_LINES_MAX} lines of at most ${LINE_COLUMNS_MAX} columns`, () => {
    expect(offenders((lines) => lines.length > FILE_LINES_MAX + 1)).toEqual([]);
    expect(offenders((lines) => lines.some((line) => line.length > LINE_COLUMNS_MAX))).toEqual([]);
  });

  it("is named in kebab-case for what it holds", () => {
    expect(offenders((_, file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/.test(basename(file)))).toEqual([]);
    expect(offenders((_, file) => /util|helper|manager|common/.test(file))).toEqual([]);
  });
});

describe("src", () => {
  const rooms = sources.filter((file) => file.startsWith("src/") && file.split("/").length > 2);

  it("has rooms that import only from rooms below them", () => {
    const below = rooms.filter((file) => roomOf(file) !== "service");
    const wrong = below.flatMap((file) => {
      const allowed = [roomOf(file), ...(MAY_IMPORT[roomOf(file)] ?? [])];
      return importsOf(file)
        .filter((path) => !allowed.includes(roomOf(path)))
        .map((path) => `${file} imports ${path}`);
    });
    expect(wrong).toEqual([]);
  });

  it("has use cases that know no backend", () => {
    const app = rooms.filter((file) => roomOf(file) === "app");
    expect(app.filter((file) => importsOf(file).some((path) => STORE_BACKENDS.test(path)))).toEqual([]);
  });

  it(`has no folder of more than ${ROOM_FILES_MAX} files`, () => {
    const counts = Map.groupBy(rooms, (file) => dirname(file));
    const crowded = [...counts]
      .filter(([, inside]) => inside.length > ROOM_FILES_MAX)
      .map(([folder]) => folder);
    expect(crowded).toEqual([]);
  });
});

describe("the project", () => {
  const texts = files.filter(
    (file) => !/^(gen|LICENSE)|\.(png|binpb)$/.test(file) && file !== "test/tidy.test.ts",
  );

  it.each([
    ["a note to do later", /\b(TODO|FIXME|XXX)\b/],
    ["a path of one machine", /\/(home|Users|root|work)\/\w/],
    ["a whole api_key", /\bfl_(user|org|svc|pub|int)_[a-z0-9]{1,12}_[0-9A-Za-z]{48}\b/],
    ["where it was installed from", /"resolved":/],
  ])("holds nowhere %s", (_what, pattern) => {
    expect(texts.filter((file) => pattern.test(textOf(file)))).toEqual([]);
  });
});
