// The sidecar listener: Verify, BatchVerify and VerifyStream for whoever reaches it, over gRPC and JSON, TCP
// and a Unix socket; every other rpc is refused and changes nothing, whatever credential is shown; and a
// start that would open it to other machines is refused unless that is said.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningService, runService } from "../../running-service.ts";
import { useProcesses } from "../../system/process.ts";
import { COMMON_SETTINGS } from "../../system/stores.ts";
import { keysFile, keysJson, newSigner, signed } from "../leaks/github-sender.ts";
import { callHttp1 } from "../wire/http1.ts";
import { COLUMNS } from "./columns.ts";
import { COLUMN_NAMES } from "./matrix.ts";
import { type MatrixClient, overGrpcJs, overJson } from "./matrix-client.ts";
import { newWorld, ROOT, type World } from "./world.ts";

const FORMATS = JSON.stringify([{ name: "legacy", type: "service", pattern: "lk-[0-9-]{3,60}" }]);
const GITHUB = newSigner("current");
const SIDECAR_RPCS = ["Verify", "BatchVerify", "VerifyStream"];
const CREDENTIALS: readonly { readonly shown: string; readonly headers: Readonly<Record<string, string>> }[] =
  [
    { shown: "no credential", headers: {} },
    { shown: "the root credential", headers: ROOT },
    { shown: "a wrong credential", headers: { "x-api-key": "wrong" } },
  ];

const file = keysFile(keysJson([GITHUB]));
const folder = mkdtempSync(join(tmpdir(), "fleetkey-sidecar-"));
const socketPath = join(folder, "sidecar.sock");

/** Where a log says that sidecars are answered. */
function sidecarUrl(logged: string): string {
  const lines = logged.split("\n").filter((line) => line.includes("sidecar"));
  const [line] = lines.map((text) => JSON.parse(text) as { level: number; msg: string; url: string });
  expect(line).toMatchObject({ level: 30, msg: "sidecars are answered without a credential" });
  return line?.url ?? "";
}

let service: RunningService;
let overUnix: RunningService;
let operator: MatrixClient;
let world: World;
beforeAll(async () => {
  const settings = { FLEETKEY_ENVIRONMENT: "prod", FLEETKEY_FOREIGN_FORMATS: FORMATS };
  service = await runService({
    ...settings,
    FLEETKEY_SIDECAR_LISTEN: "127.0.0.1:0",
    FLEETKEY_GITHUB_KEYS: file.path,
  });
  overUnix = await runService({ ...settings, FLEETKEY_SIDECAR_LISTEN: `unix:${socketPath}` });
  operator = overJson(service.url);
  world = await newWorld(operator, { user: "b", org: "b" });
});
afterAll(async () => {
  operator.close();
  await service.stop();
  await overUnix.stop();
  file.remove();
  rmSync(folder, { recursive: true });
});

describe.each([
  { title: "gRPC", open: overGrpcJs },
  { title: "JSON", open: overJson },
])("over $title", ({ open }) => {
  let client: MatrixClient;
  beforeAll(() => {
    client = open(sidecarUrl(service.logged()));
  });
  afterAll(() => client.close());

  it.each(CREDENTIALS)("they answer who shows $shown, of all keys", async ({ headers }) => {
    for (const { apiKey } of [world.own, world.foreign]) {
      const verdict = await client.call("Verify", { apiKey }, headers);
      expect(verdict).toMatchObject({ code: "ok", response: { valid: true } });
      const batch = await client.call("BatchVerify", { requests: [{ apiKey }] }, headers);
      expect(batch.response).toMatchObject({ responses: [{ verify: { valid: true } }] });
      const stream = await client.call("VerifyStream", { id: 1, request: { apiKey } }, headers);
      expect(stream.response).toMatchObject({ id: 1, verify: { valid: true } });
    }
    const { apiKey } = world.absent;
    const verdict = await client.call("Verify", { apiKey }, headers);
    expect(verdict.response).toEqual({ valid: false, denialReason: "DENIAL_REASON_UNKNOWN" });
  });

  const others = COLUMN_NAMES.filter((name) => !SIDECAR_RPCS.includes(COLUMNS[name].rpc));
  it.each(others)("%s is refused and changes nothing, whoever asks", async (name) => {
    const state = () => Promise.all([operator.call("List", {}, ROOT), operator.call("ListEvents", {}, ROOT)]);
    const before = await state();
    for (const { headers } of CREDENTIALS) {
      for (const resource of [world.own, world.absent]) {
        const { rpc, ask } = COLUMNS[name];
        const outcome = await client.call(rpc, ask(resource), headers);
        expect(outcome).toMatchObject({ code: "permission_denied" });
      }
    }
    expect(await state()).toEqual(before);
  });
});

it("health is answered there, and GitHub's reports are not", async () => {
  const url = sidecarUrl(service.logged());
  expect(await callHttp1(url, { method: "GET", path: "/healthz" })).toMatchObject({ status: 200 });
  const body = JSON.stringify([{ token: world.own.apiKey, type: "fleetkey_key", url: "" }]);
  const report = { path: "/leaks/github", headers: signed(body, GITHUB), body };
  expect(await callHttp1(url, report)).toMatchObject({ status: 404 });
  const verdict = await operator.call("Verify", { apiKey: world.own.apiKey }, ROOT);
  expect(verdict.response).toMatchObject({ valid: true });
});

it("the port that everybody calls goes on asking for a credential", async () => {
  const outcome = await operator.call("Verify", { apiKey: world.own.apiKey }, {});
  expect(outcome).toMatchObject({ code: "unauthenticated" });
});

describe("over a Unix socket", () => {
  const post = (rpc: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
    callHttp1(`unix:${socketPath}`, {
      path: `/fleetkey.v1.KeyService/${rpc}`,
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  it("JSON and gRPC are answered", async () => {
    expect(sidecarUrl(overUnix.logged())).toBe(`unix:${socketPath}`);
    expect(await post("Verify", { apiKey: "x" })).toMatchObject({ status: 200 });
    const client = overGrpcJs(`unix:${socketPath}`);
    const verdict = await client.call("Verify", { apiKey: "x" }, {});
    client.close();
    expect(verdict.response).toEqual({ valid: false, denialReason: "DENIAL_REASON_MALFORMED" });
    const health = await callHttp1(`unix:${socketPath}`, { method: "GET", path: "/healthz" });
    expect(health.status).toBe(200);
  });

  it("nothing else is", async () => {
    for (const headers of [{}, ROOT]) {
      const answer = await post("Create", { type: "KEY_TYPE_PUBLISHABLE" }, headers);
      expect(answer).toMatchObject({ status: 403 });
    }
  });
});

describe("an address that other machines reach", () => {
  const processes = useProcesses();
  const settings = {
    ...COMMON_SETTINGS,
    FLEETKEY_STORE: "sqlite::memory:",
    FLEETKEY_SIDECAR_LISTEN: "0.0.0.0:0",
  };

  it("is refused at start", async () => {
    const run = processes.launch(settings, { cwd: processes.folder() });
    expect(await run.end()).toEqual({ code: 78, signal: null });
    expect(run.output).toContain("FLEETKEY_SIDECAR_LISTEN: is not a loopback address");
  });

  it("is warned of when it was allowed", async () => {
    const { run } = await processes.start({ ...settings, FLEETKEY_SIDECAR_REMOTE: "allow" });
    const [, line = ""] = await run.printed(/^(.*whoever reaches the sidecar.*)\n/m);
    expect(JSON.parse(line)).toMatchObject({
      level: 40,
      msg: "whoever reaches the sidecar listener can ask about api_keys",
    });
  });
});
