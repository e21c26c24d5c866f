// What becomes of a node when one of its processes is stopped or killed: no worker that is stopped or left
// alone ever answers what it should have forgotten, and what can go on does.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { KeyType } from "../../../gen/fleetkey/v1/key_pb.js";
import { ROOT_KEY } from "../../running-service.ts";
import { createUserKey, failureOf, verdictOn } from "../client.ts";
import { IS_LONG } from "../long-run.ts";
import { useProcesses } from "../process.ts";
import { describeOnStores } from "../stores.ts";
import { type Connection, continueProcess, startWorkers, stopProcess } from "./node-of-workers.ts";

const CONNECTIONS = 8;
const STARTS = IS_LONG ? 40 : 4;
/** About as long as a start takes. */
const START_MS = 1_200;
const LEASE_MS = 1_000;
const QUICK = { FLEETKEY_LEASE: `${LEASE_MS}ms`, FLEETKEY_POLL_INTERVAL: "50ms" };
const TEST_TIMEOUT_MS = 60_000;
const WAITED_MS = { timeout: 10_000 };
const NO_PRIMARY = {
  code: "Unavailable",
  reason: "NODE_UNAVAILABLE",
  retryDelay: expect.objectContaining({ seconds: 1n }),
};

const verdictsOn = (connections: readonly Connection[], apiKey: string) =>
  Promise.all(connections.map(({ client }) => verdictOn(client, apiKey)));

/** One whose worker answers. */
function anyAnswering(connections: readonly Connection[]): Promise<Connection> {
  return Promise.race(connections.map((connection) => connection.open().then(() => connection)));
}

function childrenOf(pid: number): readonly string[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return readFileSync(path, "utf8")
    .split(" ")
    .filter((child) => child !== "");
}

/** Nobody accepts connections any more. */
async function expectRefused(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const outcome = await new Promise((resolve) => {
    socket.once("connect", () => resolve("connected")).once("error", (error) => resolve(error));
  });
  socket.destroy();
  expect(outcome).toMatchObject({ code: "ECONNREFUSED" });
}

/** A call of which only the first half is sent, until the returned function sends the rest. */
async function halfCall(url: string) {
  const { hostname, port } = new URL(url);
  const body = JSON.stringify({ apiKey: "malformed" });
  const head = [
    "POST /fleetkey.v1.KeyService/Verify HTTP/1.1",
    `Host: ${hostname}`,
    `Authorization: Bearer ${ROOT_KEY}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "Expect: 100-continue",
  ];
  const socket = connect(Number(port), hostname);
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  // The worker has it when it has said so.
  await new Promise((resolve) => socket.once("readable", resolve));
  return async () => {
    socket.write(body);
    return text(socket);
  };
}

describeOnStores("of a node of two workers", (fresh) => {
  vi.setConfig({ testTimeout: TEST_TIMEOUT_MS });
  const processes = useProcesses();

  it("a worker that is killed is replaced, with a warning, and calls go on", async () => {
    const node = await startWorkers(processes, { ...fresh().settings, ...QUICK });
    const [killed = 0] = node.pids;
    process.kill(killed, "SIGKILL");
    const [warning] = await node.run.printed(/^.*a worker has ended; starting another one.*$/m);
    expect(JSON.parse(warning)).toMatchObject({ level: 40, pid: killed, signal: "SIGKILL", retryInMs: 100 });
    const pids = await node.answering(3);
    expect(new Set(pids).size).toBe(3);
    const connections = await node.connect(CONNECTIONS);
    const [first] = connections;
    if (first === undefined) throw new Error("there are connections");
    const { apiKey } = await createUserKey(first.client, "user-1");
    expect(await verdictsOn(connections, apiKey)).toEqual(Array(CONNECTIONS).fill("VALID"));
    await first.client.keys.revoke({ target: { case: "apiKey", value: apiKey } });
    expect(await verdictsOn(connections, apiKey)).toEqual(Array(CONNECTIONS).fill("REVOKED"));
    expect(node.run.output.match(/listening on/g)).toHaveLength(1);
  });

  it("a worker that is stopped delays a Revoke by the lease, and never answers valid then", async () => {
    const node = await startWorkers(processes, { ...fresh().settings, ...QUICK });
    const connections = await node.connect(CONNECTIONS);
    const [first] = connections;
    if (first === undefined) throw new Error("there are connections");
    const { apiKey } = await createUserKey(first.client, "user-1");
    for (let time = 0; time < 2; time++) {
      expect(await verdictsOn(connections, apiKey)).toEqual(Array(CONNECTIONS).fill("VALID"));
    }
    const [stopped = 0] = node.pids;
    await stopProcess(stopped);
    const { client } = await anyAnswering(connections);
    const askedAt = performance.now();
    await client.keys.revoke({ target: { case: "apiKey", value: apiKey } });
    const delayMs = performance.now() - askedAt;
    // These wait in front of the stopped worker, in part.
    const verdicts = verdictsOn(connections, apiKey);
    continueProcess(stopped);
    expect(await verdicts).toEqual(Array(CONNECTIONS).fill("REVOKED"));
    expect(delayMs).toBeGreaterThanOrEqual(LEASE_MS);
    expect(delayMs).toBeLessThan(LEASE_MS + 2_000);
    // All is as before: the next one does not wait.
    const next = await createUserKey(client, "user-1");
    expect(await verdictsOn(connections, next.apiKey)).toEqual(Array(CONNECTIONS).fill("VALID"));
    await client.keys.revoke({ target: { case: "apiKey", value: next.apiKey } });
    expect(await verdictsOn(connections, next.apiKey)).toEqual(Array(CONNECTIONS).fill("REVOKED"));
  });

  it("a primary that is stopped leaves Verify answered, and whatever needs it `unavailable`", async () => {
    const node = await startWorkers(processes, { ...fresh().settings, ...QUICK });
    const connections = await node.connect(CONNECTIONS);
    const [first] = connections;
    const { pid } = node.run;
    if (first === undefined || pid === undefined) throw new Error("it runs");
    const { client } = first;
    const { apiKey } = await createUserKey(client, "user-1");
    const rateLimit = { limit: 100, window: { seconds: 60n, nanos: 0 } };
    const limited = await client.keys.create({ type: KeyType.USER, userId: "user-1", rateLimit });
    for (const key of [apiKey, limited.apiKey]) {
      expect(await verdictsOn(connections, key)).toEqual(Array(CONNECTIONS).fill("VALID"));
    }
    await stopProcess(pid);
    expect(await failureOf(client.keys.verify({ apiKey: limited.apiKey }))).toEqual(NO_PRIMARY);
    const revoked = client.keys.revoke({ target: { case: "apiKey", value: apiKey } });
    expect(await failureOf(revoked)).toEqual(NO_PRIMARY);
    // It is stored, and by now nobody has a lease.
    expect(await verdictsOn(connections, apiKey)).toEqual(Array(CONNECTIONS).fill("REVOKED"));
    continueProcess(pid);
    await client.keys.revoke({ target: { case: "apiKey", value: apiKey } });
    expect(await verdictsOn(connections, limited.apiKey)).toEqual(Array(CONNECTIONS).fill("VALID"));
  });

  it("the workers end, in good order, when the primary is killed", async () => {
    const node = await startWorkers(processes, { ...fresh().settings, FLEETKEY_DRAIN_TIMEOUT: "10s" });
    const finish = await Promise.all(Array.from({ length: 4 }, () => halfCall(node.service.url)));
    node.run.kill("SIGKILL");
    await vi.waitFor(() => expect(() => process.kill(node.run.pid ?? 0, 0)).toThrow(), WAITED_MS);
    for (const answer of await Promise.all(finish.map((send) => send()))) {
      expect(answer).toContain("DENIAL_REASON_MALFORMED");
    }
    // Which waits for the end of whatever can write to its output.
    expect(await node.run.end()).toEqual({ code: null, signal: "SIGKILL" });
    await expectRefused(node.service.url);
  });

  it("workers that still start end, too, when the primary is killed", async () => {
    const settings = { ...fresh().settings, FLEETKEY_WORKERS: "2" };
    for (let round = 0; round < STARTS; round++) {
      const run = processes.launch(settings, { cwd: processes.folder() });
      await vi.waitFor(() => expect(childrenOf(run.pid ?? 0)).toHaveLength(2), { ...WAITED_MS, interval: 5 });
      // At another moment of their start each time.
      await setTimeout((round * START_MS) / STARTS);
      run.kill("SIGKILL");
      expect(await run.end()).toEqual({ code: null, signal: "SIGKILL" });
    }
  });

  it("SIGTERM has all open calls answered, and ends all processes with 0", async () => {
    const node = await startWorkers(processes, { ...fresh().settings, FLEETKEY_DRAIN_TIMEOUT: "10s" });
    const finish = await Promise.all(Array.from({ length: 4 }, () => halfCall(node.service.url)));
    node.run.kill("SIGTERM");
    await vi.waitFor(() => expectRefused(node.service.url), WAITED_MS);
    for (const answer of await Promise.all(finish.map((send) => send()))) {
      expect(answer).toContain("DENIAL_REASON_MALFORMED");
    }
    expect(await node.run.end()).toEqual({ code: 0, signal: null });
    expect(node.run.stderr.match(/"msg":"stopped"/g)).toHaveLength(1);
    expect(node.run.stderr).not.toMatch(/"level":[45]0.*worker/);
  });
});
