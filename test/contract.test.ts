// The published contract: well-formed, generated freshly into gen/, and never changed in a way that breaks a
// client that reads the wire or its JSON.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { afterAll, expect, it } from "vitest";
import { EventService } from "../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../gen/fleetkey/v1/key_service_pb.js";

const folder = mkdtempSync(join(tmpdir(), "fleetkey-gen-"));
afterAll(() => rmSync(folder, { recursive: true }));

const buf = (...args: readonly string[]) => execFileSync("buf", args, { encoding: "utf8", stdio: "pipe" });
const git = (...args: readonly string[]) =>
  execFileSync("git", args, { encoding: "utf8", stdio: "pipe" }).trim();

function filesOf(root: string): ReadonlyMap<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(js|ts)$/.test(name),
  );
  return new Map(names.sort().map((name) => [name, readFileSync(join(root, name), "utf8")]));
}

/**
 * The state that the working tree is held against: the last commit, or the one before when nothing has
 * changed.
 */
function baseline(): string | undefined {
  try {
    const isChanged = git("status", "--porcelain", "--", "proto") !== "";
    const commit = git("rev-parse", "--verify", "--quiet", isChanged ? "HEAD" : "HEAD~1");
    return git("ls-tree", commit, "buf.yaml") === "" ? undefined : commit;
  } catch {
    return undefined;
  }
}

it("follows the rules of buf lint STANDARD", () => {
  expect(() => buf("lint")).not.toThrow();
});

it("is what gen/ was generated from", () => {
  buf("generate", "--output", folder);
  expect(filesOf("gen")).toEqual(filesOf(join(folder, "gen")));
});

const commit = baseline();
it.skipIf(commit === undefined)(
  `breaks no client of commit ${commit?.slice(0, 8) ?? "before (skipped: there is none with a contract)"}`,
  () => {
    expect(() => buf("breaking", "--against", `.git#ref=${commit}`)).not.toThrow();
  },
);

it("lets only Get and List be cached or sent as GET: anything else could carry an api_key in its URL", () => {
  const methods = [...KeyService.methods, ...EventService.methods];
  const safe = methods.filter(
    ({ idempotency }) => idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
  );
  expect(safe.map(({ name }) => name)).toEqual(["Get", "List"]);
});
