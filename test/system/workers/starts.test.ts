// The start of a node of several workers: what must not start ends with 78 and says so once, as a node of one
// process does, and what the first start makes is made once.
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createUserKey, verdictOn } from "../client.ts";
import { type Settings, useProcesses } from "../process.ts";
import { Connection, startWorkers } from "./node-of-workers.ts";

const EXIT_CONFIG = 78;
const WAITED_MS = { timeout: 10_000 };
const TEST_TIMEOUT_MS = 60_000;
const FREE_PORT = { FLEETKEY_LISTEN: "127.0.0.1:0" };

vi.setConfig({ testTimeout: TEST_TIMEOUT_MS });
const processes = useProcesses();

async function expectRefusal(settings: Settings, says: RegExp, cwd = processes.folder()): Promise<void> {
  const run = processes.launch({ ...FREE_PORT, FLEETKEY_WORKERS: "3", ...settings }, { cwd });
  const { code } = await run.end();
  expect({ code, stdout: run.stdout }).toEqual({ code: EXIT_CONFIG, stdout: "" });
  expect(run.stderr.match(/^fleetkey cannot start: /gm)).toHaveLength(1);
  expect(run.stderr).toMatch(says);
  expect(run.stderr).not.toMatch(/^ +at /m);
}

/** An address that somebody else has. */
async function takenAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on a port");
  return `127.0.0.1:${address.port}`;
}

async function health(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path: "/healthz" }, (response) => {
      void text(response).then(() => resolve(response.statusCode));
    })
      .on("error", reject)
      .end();
  });
}

describe("a node of several workers refuses to start with", () => {
  it("an address that is taken", async () => {
    const address = await takenAddress();
    await expectRefusal({ FLEETKEY_LISTEN: address }, new RegExp(`EADDRINUSE.*${address}`));
  });

  it("a certificate that is none", async () => {
    const cwd = processes.folder();
    for (const name of ["cert.pem", "key.pem"]) writeFileSync(join(cwd, name), "nothing");
    const files = { FLEETKEY_TLS_CERT: `${cwd}/cert.pem`, FLEETKEY_TLS_KEY: `${cwd}/key.pem` };
    await expectRefusal(files, /FLEETKEY_TLS_(CERT|KEY)/, cwd);
  });

  it("a pepper file that holds something else", async () => {
    const cwd = processes.folder();
    writeFileSync(join(cwd, "peppers"), "nothing", { mode: 0o600 });
    await expectRefusal({ FLEETKEY_STORE: `sqlite:${cwd}/fleetkey.db` }, /peppers does not hold/, cwd);
  });

  it("a store in memory, which each process would have for itself", async () => {
    const store = { FLEETKEY_STORE: "sqlite::memory:", FLEETKEY_ROOT_KEY: "test-root-".padEnd(40, "x") };
    await expectRefusal(store, /FLEETKEY_WORKERS: must be 1/);
  });
});

it("A first start with four workers makes one of each secret, which all of them have.", async () => {
  const cwd = processes.folder();
  const node = await startWorkers(processes, FREE_PORT, 4, { cwd });
  const names = readdirSync(join(cwd, "data")).filter((name) => !name.startsWith("fleetkey.db"));
  expect(names.sort()).toEqual(["peppers", "root.key"]);
  expect(node.run.stdout.match(/listening on/g)).toHaveLength(1);
  expect(node.run.stderr.match(/so every caller needs the root credential/g)).toHaveLength(1);
  const rootKey = readFileSync(join(cwd, "data/root.key"), "utf8").trim();
  const connections = Array.from({ length: 8 }, () => new Connection(node.service.url, rootKey));
  for (const connection of connections) await connection.open();
  for (const maker of connections) {
    const { apiKey } = await createUserKey(maker.client, "user-1");
    const verdicts = connections.map(({ client }) => verdictOn(client, apiKey));
    expect(await Promise.all(verdicts)).toEqual(Array(8).fill("VALID"));
  }
});

it("When all workers are full, further connections are ended, and those that are open go on.", async () => {
  const node = await startWorkers(processes, { ...FREE_PORT, FLEETKEY_CONNECTIONS_MAX: "1" });
  const { hostname, port } = new URL(node.service.url);
  const sockets = Array.from({ length: 6 }, () => connect(Number(port), hostname));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  const ended = new Set<Socket>();
  for (const socket of sockets) socket.on("error", () => {}).on("close", () => ended.add(socket));
  await vi.waitFor(() => expect(ended.size).toBeGreaterThanOrEqual(4), WAITED_MS);
  const open = sockets.filter((socket) => !ended.has(socket));
  expect(open.length).toBeGreaterThan(0);
  for (const socket of open) {
    socket.write("GET /healthz HTTP/1.1\r\nHost: fleetkey\r\n\r\n");
    const [chunk] = await once(socket, "data");
    expect(String(chunk)).toMatch(/^HTTP\/1\.1 200 /);
  }
});

it("Workers share Unix sockets, also where a killed node has left its own.", async () => {
  const cwd = processes.folder();
  const paths = [join(cwd, "main.sock"), join(cwd, "sidecar.sock")] as const;
  const settings = {
    FLEETKEY_LISTEN: `unix:${paths[0]}`,
    FLEETKEY_SIDECAR_LISTEN: `unix:${paths[1]}`,
    FLEETKEY_STORE: `sqlite:${cwd}/fleetkey.db`,
  };
  const former = await startWorkers(processes, settings, 2, { cwd });
  former.run.killGroup();
  await former.run.end();
  const node = await startWorkers(processes, settings, 4, { cwd });
  for (let call = 0; call < 8; call++) {
    expect(await Promise.all(paths.map(health))).toEqual([200, 200]);
  }
  expect(node.run.stderr.match(/sidecars are answered without a credential/g)).toHaveLength(1);
});
