// What the README promises that a machine can hold against the code: the table of settings, the pattern for
// secret scanners, the commands, the links.
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { SETTINGS } from "../src/config/settings.ts";
import { API_KEY_PATTERN } from "../src/domain/api-key/key-format.ts";

const README = readFileSync("README.md", "utf8");

/** The rows that the settings themselves call for; paste them into README when this test fails. */
function settingRows(): readonly string[] {
  return Object.entries(SETTINGS).map(([name, schema]) => {
    const { defaultValue } = schema.def as { readonly defaultValue?: unknown };
    const shown = defaultValue === undefined ? "" : `\`${defaultValue}\``;
    return `| \`${name}\` | ${shown} | ${schema.description} |`;
  });
}

it("lists every setting with its default and meaning, and no other", () => {
  const listed = README.split("\n").filter((line) => line.startsWith("| `FLEETKEY_"));
  expect(listed).toEqual(settingRows());
});

it("quotes the pattern of an api_key for secret scanners", () => {
  expect(README).toContain(`\n${API_KEY_PATTERN.source}\n`);
});

it("names only npm commands that exist", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  const named = [...README.matchAll(/`npm (?:run )?([a-z:]+)`/g)].map(([, name = ""]) => name);
  expect(named.filter((name) => !(name in scripts) && name !== "ci")).toEqual([]);
});

it("links only to what is there", () => {
  const links = [...README.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = ""]) => path);
  expect(links.filter((path) => !path.startsWith("http") && !existsSync(path))).toEqual([]);
});
