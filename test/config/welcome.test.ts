// What a person reads at start: exactly one line with the words that scripts wait for, a command that a shell
// takes as it stands whatever the path is called, and no credential.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { welcome } from "../../src/config/welcome.ts";

const URL = "http://127.0.0.1:8080";

/** The command alone, as somebody would copy it. */
function commandOf(text: string): string {
  const from = text.search(/^ +curl /m);
  if (from < 0) throw new Error("there is no curl command");
  return text.slice(from);
}

describe("welcome", () => {
  it("is one line when the root credential is not in a file", () => {
    expect(welcome({ url: URL, rootKeyPath: undefined })).toBe(`fleetkey is listening on ${URL}\n`);
  });

  it("says the words that scripts wait for exactly once", () => {
    const text = welcome({ url: URL, rootKeyPath: "data/root.key" });
    expect(text.match(/listening on/g)).toHaveLength(1);
    expect(text).toMatch(/^fleetkey is listening on http:\/\/127\.0\.0\.1:8080\n/);
    expect(text).toContain("The root credential is in data/root.key\n");
  });

  it.each([
    [URL, /^ *curl http:\/\/127\.0\.0\.1:8080\/fleetkey\.v1\.KeyService\/Create \\$/m],
    ["https://localhost:8443", /^ *curl -k https:\/\/localhost:8443\/fleetkey\.v1\.KeyService\/Create \\$/m],
    [
      "unix:/run/a.sock",
      /^ *curl --unix-socket \/run\/a\.sock http:\/\/fleetkey\/fleetkey\.v1\.KeyService\/Create/m,
    ],
    ["unix:/run/a b.sock", /^ *curl --unix-socket '\/run\/a b\.sock' http:\/\/fleetkey\//m],
  ])("has a command for %s", (url, line) => {
    expect(welcome({ url, rootKeyPath: "root.key" })).toMatch(line);
  });
});

describe("the command, run by a shell with a curl that prints its arguments,", () => {
  const CREDENTIAL = "a-credential-in-a-file";
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "fleetkey-welcome-"));
    writeFileSync(join(folder, "curl"), "#!/bin/sh\nprintf '%s\\n' \"$@\"\n", { mode: 0o700 });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    "root.key",
    "a space",
    "it's",
    '"quoted"',
    "$HOME",
    "$(false)",
    "`false`",
    "back\\slash",
    "semi;colon",
    "star*",
    "ümlaut",
    "-dash",
  ])("sends what is in the file %s", (name) => {
    const rootKeyPath = join(folder, name);
    writeFileSync(rootKeyPath, `${CREDENTIAL}\n`);
    const text = welcome({ url: URL, rootKeyPath });
    expect(text).not.toContain(CREDENTIAL);
    const env = { ...process.env, PATH: `${folder}:${process.env["PATH"]}` };
    const args = execFileSync("sh", ["-c", commandOf(text)], { encoding: "utf8", env }).split("\n");
    expect(args).toEqual([
      `${URL}/fleetkey.v1.KeyService/Create`,
      "-H",
      `Authorization: Bearer ${CREDENTIAL}`,
      "-H",
      "Content-Type: application/json",
      "-d",
      '{"type": "KEY_TYPE_USER", "userId": "user-1"}',
      "",
    ]);
  });

  it("sends what is in a file in a folder whose relative path begins with a dash", () => {
    mkdirSync(join(folder, "-data"));
    writeFileSync(join(folder, "-data", "root.key"), `${CREDENTIAL}\n`);
    const text = welcome({ url: URL, rootKeyPath: "-data/root.key" });
    const env = { ...process.env, PATH: `${folder}:${process.env["PATH"]}` };
    const output = execFileSync("sh", ["-c", commandOf(text)], { encoding: "utf8", env, cwd: folder });
    expect(output).toContain(`Authorization: Bearer ${CREDENTIAL}\n`);
  });
});
