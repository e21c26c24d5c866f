// Files that hold a secret: only their owner can read them, they are there whole or not at all, and of
// several processes that make one at once all go on with the same content.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSecretFile, readSecretFile } from "../../src/config/secret-file.ts";
import { StartRefused } from "../../src/domain/errors.ts";
import { IS_LONG } from "../system/long-run.ts";

const SOURCE = join(import.meta.dirname, "../../src/config/secret-file.ts");
const modeOf = (path: string) => statSync(path).mode & 0o777;

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleetkey-secret-"));
  path = join(folder, "secret");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("createSecretFile", () => {
  it("writes the text and a line end, readable by the owner only, and leaves nothing else behind", () => {
    expect(createSecretFile(path, "content")).toBe("content");
    expect(readFileSync(path, "utf8")).toBe("content\n");
    expect(modeOf(path)).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["secret"]);
  });

  it("makes the folders above it, for the owner only", () => {
    const deep = join(folder, "a", "b", "secret");
    createSecretFile(deep, "content");
    expect([modeOf(join(folder, "a")), modeOf(join(folder, "a", "b"))]).toEqual([0o700, 0o700]);
  });

  it("keeps what is there and gives that", () => {
    createSecretFile(path, "first");
    expect(createSecretFile(path, "second")).toBe("first");
    expect(readFileSync(path, "utf8")).toBe("first\n");
    expect(readdirSync(folder)).toEqual(["secret"]);
  });

  it("refuses what is there when others can read it", () => {
    writeFileSync(path, "first", { mode: 0o644 });
    expect(() => createSecretFile(path, "second")).toThrow(StartRefused);
  });

  // Process ids come again: in a container every start has the same one.
  it("is not kept from it by the draft of a process that was killed", () => {
    writeFileSync(`${path}.${process.pid}.new`, "", { mode: 0o600 });
    expect(createSecretFile(path, "content")).toBe("content");
  });

  it("gives all processes that make one at once the same content", async () => {
    const count = IS_LONG ? 16 : 4;
    const contents = await Promise.all(startCreators(count));
    expect(contents[0]).toMatch(/^content of \d+$/);
    expect(new Set(contents).size).toBe(1);
    expect(readFileSync(path, "utf8")).toBe(`${contents[0]}\n`);
    expect(readdirSync(folder)).toEqual(["secret"]);
  });
});

/** Starts processes that create the file once all of them are there, and print what they got. */
function startCreators(count: number): readonly Promise<string>[] {
  const program = `
    import { createSecretFile } from ${JSON.stringify(SOURCE)};
    process.stderr.write("ready");
    process.stdin.once("data", () => {
      process.stdout.write(createSecretFile(${JSON.stringify(path)}, "content of " + process.pid));
      process.exit(0);
    });`;
  const children = Array.from({ length: count }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", program], { env: {} }),
  );
  const allReady = Promise.all(children.map(({ stderr }) => once(stderr, "data")));
  return children.map(async ({ stdin, stdout }) => {
    await allReady;
    stdin.write("go");
    return text(stdout);
  });
}

describe("readSecretFile", () => {
  it("gives the text without its line end", () => {
    writeFileSync(path, "content\n", { mode: 0o600 });
    expect(readSecretFile(path)).toBe("content");
  });

  it("gives undefined when there is none", () => {
    expect(readSecretFile(path)).toBeUndefined();
    expect(readSecretFile(join(folder, "missing", "secret"))).toBeUndefined();
    expect(existsSync(join(folder, "missing"))).toBe(false);
  });

  it.each(["400", "600", "700"])("reads one of mode %s", (mode) => {
    writeFileSync(path, "content");
    chmodSync(path, mode);
    expect(readSecretFile(path)).toBe("content");
  });

  it.each(["640", "604", "660", "620", "610", "644", "777"])("refuses one of mode %s", (mode) => {
    writeFileSync(path, "content");
    chmodSync(path, mode);
    const refusal = `${path} can be read by others: run chmod 600 ${path}, and replace what was exposed`;
    expect(() => readSecretFile(path)).toThrow(new StartRefused(refusal));
  });

  it("judges a link by the file that it leads to", () => {
    mkdirSync(join(folder, "mounted"));
    createSecretFile(join(folder, "mounted", "secret"), "content");
    symlinkSync(join("mounted", "secret"), path);
    expect(readSecretFile(path)).toBe("content");
    chmodSync(path, "644");
    expect(() => readSecretFile(path)).toThrow(StartRefused);
  });
});
