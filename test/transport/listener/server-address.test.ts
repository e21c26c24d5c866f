// Where the service listens: a free TCP port, a Unix socket, and never in another's place.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runService } from "../../running-service.ts";
import { callHttp1 } from "../wire/http1.ts";
import { answerTo } from "../wire/http2.ts";

const HEALTH = { method: "GET", path: "/healthz" };
const directory = mkdtempSync(join(tmpdir(), "fleetkey-socket-"));
afterAll(() => rmSync(directory, { recursive: true }));

describe("a TCP address", () => {
  it("with port 0 becomes a free port", async () => {
    const services = [await runService(), await runService()];
    const ports = services.map(({ url }) => Number(new URL(url).port));
    expect(new Set(ports).size).toBe(2);
    expect(ports.every((port) => port > 0)).toBe(true);
    for (const { url } of services) expect(await callHttp1(url, HEALTH)).toMatchObject({ status: 200 });
    for (const service of services) await service.stop();
  });

  it("that is taken stops the start", async () => {
    const service = await runService();
    const { port } = new URL(service.url);
    await expect(runService({ FLEETKEY_LISTEN: `127.0.0.1:${port}` })).rejects.toThrow("EADDRINUSE");
    await service.stop();
  });
});

describe("a Unix socket", () => {
  const listenAt = (path: string) => runService({ FLEETKEY_LISTEN: `unix:${path}` });

  it("speaks HTTP/1.1 and HTTP/2, and is gone after the stop", async () => {
    const path = join(directory, "both");
    const service = await listenAt(path);
    expect(service.url).toBe(`unix:${path}`);
    expect(await callHttp1(service.url, HEALTH)).toMatchObject({ status: 200 });
    const session = connect("http://fleetkey", { createConnection: () => connectSocket(path) });
    const answer = await answerTo(session.request({ ":path": "/healthz" }));
    expect(answer).toMatchObject({ status: 200, body: '{"status":"alive"}' });
    session.destroy();
    await service.stop();
    expect(existsSync(path)).toBe(false);
  });

  it("that a killed process left behind is replaced", async () => {
    const path = join(directory, "stale");
    const script = `
      require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))
    `;
    await once(spawn(process.execPath, ["-e", script]), "exit");
    expect(existsSync(path)).toBe(true);
    const service = await listenAt(path);
    expect(await callHttp1(service.url, HEALTH)).toMatchObject({ status: 200 });
    await service.stop();
  });

  it("that another service answers at is left to it", async () => {
    const path = join(directory, "taken");
    const service = await listenAt(path);
    await expect(listenAt(path)).rejects.toThrow("EADDRINUSE");
    expect(await callHttp1(service.url, HEALTH)).toMatchObject({ status: 200 });
    await service.stop();
  });
});
