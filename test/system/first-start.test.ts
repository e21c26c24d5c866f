// The first minutes of somebody who tries the program with nothing but npm, a shell and curl: it starts
// without settings, says what to do next, does that, keeps its secrets over a restart and to itself, and ends
// when told to.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { clientOf, createUserKey, verdictOn } from "./client.ts";
import { PROJECT, type ServiceRun, useProcesses } from "./process.ts";

const FREE_PORT = { FLEETKEY_LISTEN: "127.0.0.1:0" };

const processes = useProcesses();

interface Created {
  readonly apiKey: string;
  readonly key: { readonly keyId: string };
}

/** What the printed command prints when it is pasted into a shell. */
function pasteCommand({ run }: ServiceRun, cwd: string): Created {
  const command = run.stdout.slice(run.stdout.search(/^ +curl /m));
  // Without curl's progress meter, which a terminal shows.
  return JSON.parse(execFileSync("sh", ["-c", command.trim()], { cwd, encoding: "utf8", stdio: "pipe" }));
}

/** A call as the README shows it. */
function curl(url: string, credential: string | undefined, method: string, message: unknown) {
  const authorization = credential === undefined ? [] : ["-H", `Authorization: Bearer ${credential}`];
  const headers = ["-H", "Content-Type: application/json", ...authorization];
  const target = `${url}/fleetkey.v1.KeyService/${method}`;
  const args = ["-sS", target, ...headers, "-d", JSON.stringify(message)];
  return JSON.parse(execFileSync("curl", args, { encoding: "utf8" }));
}

const rootKeyIn = (cwd: string) => readFileSync(join(cwd, "data/root.key"), "utf8").trim();

describe("a first start in an empty folder", () => {
  it("prints one line that says where it listens, and a command that creates a key", async () => {
    const cwd = processes.folder();
    const service = await processes.start(FREE_PORT, { cwd });
    const created = pasteCommand(service, cwd);
    expect(created.apiKey).toMatch(/^fl_user_dev_u[0-9A-Za-z]{47}$/);
    expect(service.run.output.match(/listening on/g)).toHaveLength(1);
    expect(service.run.output).not.toContain(rootKeyIn(cwd));
  });

  it("lets curl create, verify, refresh and revoke", async () => {
    const cwd = processes.folder();
    const service = await processes.start(FREE_PORT, { cwd });
    const { apiKey, key } = pasteCommand(service, cwd);
    const call = (method: string, message: unknown) => curl(service.url, rootKeyIn(cwd), method, message);
    const verify = (text: string) => call("Verify", { apiKey: text });

    expect(verify(apiKey)).toMatchObject({ valid: true, key: { keyId: key.keyId, userId: "user-1" } });
    const refreshed = curl(service.url, undefined, "Refresh", { apiKey });
    expect(refreshed.key.keyId).toBe(key.keyId);
    expect(verify(apiKey)).toEqual({ valid: false, denialReason: "DENIAL_REASON_UNKNOWN" });
    expect(verify(refreshed.apiKey)).toMatchObject({ valid: true, key: { generation: 2 } });

    const sibling = call("Create", {
      type: "KEY_TYPE_ORGANIZATION",
      organizationId: "org-1",
      userId: "user-1",
    });
    const stranger = call("Create", { type: "KEY_TYPE_USER", userId: "user-2" });
    expect(call("RevokeAllForUser", { userId: "user-1" })).toEqual({ revokedCount: 2 });
    for (const dead of [refreshed.apiKey, sibling.apiKey]) {
      expect(verify(dead)).toMatchObject({ valid: false, denialReason: "DENIAL_REASON_REVOKED" });
    }
    expect(verify(stranger.apiKey)).toMatchObject({ valid: true });
    expect(curl(service.url, undefined, "Verify", { apiKey })).toMatchObject({ code: "unauthenticated" });
  });

  it("makes files and a folder that nobody else can read", async () => {
    const cwd = processes.folder();
    const service = await processes.start(FREE_PORT, { cwd });
    pasteCommand(service, cwd);
    const modes = readdirSync(join(cwd, "data")).map((name) => {
      const { mode } = statSync(join(cwd, "data", name));
      return [name, (mode & 0o777).toString(8)];
    });
    const names = ["fleetkey.db", "fleetkey.db-shm", "fleetkey.db-wal", "peppers", "root.key"];
    expect(Object.fromEntries(modes)).toEqual(Object.fromEntries(names.map((name) => [name, "600"])));
    expect(statSync(join(cwd, "data")).mode & 0o777).toBe(0o700);
  });

  it("is one service when two processes begin it at once", async () => {
    const cwd = processes.folder();
    const both = [processes.start(FREE_PORT, { cwd }), processes.start(FREE_PORT, { cwd })];
    const [a, b] = (await Promise.all(both)).map(({ url }) => clientOf(url, rootKeyIn(cwd)));
    if (a === undefined || b === undefined) throw new Error("two were started");
    const { apiKey } = await createUserKey(a, "user-1");
    expect(await verdictOn(b, apiKey)).toBe("VALID");
  });
});

describe("a restart", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "after %s, which ends it with 0, keeps all keys",
    async (signal) => {
      const cwd = processes.folder();
      const first = await processes.start(FREE_PORT, { cwd });
      const { apiKey } = pasteCommand(first, cwd);
      const rootKey = rootKeyIn(cwd);
      first.run.kill(signal);
      expect(await first.run.end()).toEqual({ code: 0, signal: null });

      const second = await processes.start(FREE_PORT, { cwd });
      expect(rootKeyIn(cwd)).toBe(rootKey);
      const verified = curl(second.url, rootKey, "Verify", { apiKey });
      expect(verified).toMatchObject({ valid: true });
    },
  );
});

it("a second process on the same port ends at once and says which address is taken", async () => {
  const { url } = await processes.start(FREE_PORT);
  const address = new URL(url).host;
  const second = processes.launch({ FLEETKEY_LISTEN: address }, { cwd: processes.folder() });
  const { code } = await second.end();
  expect(code).toBeGreaterThan(0);
  expect(second.stdout).toBe("");
  expect(second.stderr).toMatch(/address already in use|EADDRINUSE/);
  expect(second.stderr).toContain(address);
});

it("npm start hands SIGTERM on to the program, and nothing is left running", async () => {
  const store = { FLEETKEY_STORE: `sqlite:${processes.folder()}/fleetkey.db` };
  const quiet = { npm_config_update_notifier: "false" };
  const run = processes.launch(
    { ...FREE_PORT, ...store, ...quiet },
    { cwd: PROJECT, command: ["npm", "start"] },
  );
  const [, url = ""] = await run.printed(/ is listening on (\S+)\n/);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  run.kill("SIGTERM");
  await run.end();
  expect(run.stderr).toContain('"msg":"stopped"');
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});
