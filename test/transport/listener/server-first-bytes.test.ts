// A clear-text connection is told apart by its first bytes, however they are cut, and holds up nobody else.
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ROOT_KEY, type RunningService, runService } from "../../running-service.ts";
import { type ServiceRun, useProcesses } from "../../system/process.ts";
import { callHttp1, type Http1Connection, openHttp1 } from "../wire/http1.ts";

const SETTINGS = {
  FLEETKEY_LISTEN: "127.0.0.1:0",
  FLEETKEY_STORE: "sqlite::memory:",
  FLEETKEY_ROOT_KEY: ROOT_KEY,
};
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** An empty SETTINGS frame: no payload, type 4, no flags, stream 0. */
const SETTINGS_FRAME = Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
const FRAME_TYPE_OFFSET = 3;
const REQUEST = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
const HEALTH = { method: "GET", path: "/healthz" };

describe("first bytes", { timeout: 5_000 }, () => {
  // A process of its own: a server that spins over the first byte would never let this one time out.
  const processes = useProcesses(afterAll);
  let service: ServiceRun | undefined;
  let url: string;
  beforeEach(async () => {
    service ??= await processes.start(SETTINGS);
    url = service.url;
  });
  // After a failure the next case gets a process that is not held up.
  afterEach(({ task }) => {
    if (task.result?.state !== "fail") return;
    service?.run.killGroup();
    service = undefined;
  });

  // The answer on another connection shows that the server has taken the byte before, and is free for others.
  async function sendByteByByte(connection: Http1Connection, bytes: Uint8Array): Promise<void> {
    for (const [index, byte] of bytes.entries()) {
      connection.send(Uint8Array.of(byte));
      if (index < 4) await callHttp1(url, HEALTH);
    }
  }

  it("are HTTP/1.1 when they come one by one", async () => {
    const connection = await openHttp1(url);
    await sendByteByByte(connection, Buffer.from(REQUEST));
    expect(await connection.answer()).toMatchObject({ status: 200, body: '{"status":"alive"}' });
    connection.close();
  });

  it("are HTTP/1.1 when they begin like HTTP/2's", async () => {
    const connection = await openHttp1(url);
    await sendByteByByte(connection, Buffer.from(REQUEST.replace("GET", "PROPFIND")));
    expect(await connection.answer()).toMatchObject({ status: 405 });
    connection.close();
  });

  it("are HTTP/2 when they come one by one", async () => {
    const connection = await openHttp1(url);
    const answered = once(connection.socket, "data") as Promise<[Buffer]>;
    await sendByteByByte(connection, Buffer.concat([Buffer.from(PREFACE), SETTINGS_FRAME]));
    const [frames] = await answered;
    expect(frames[FRAME_TYPE_OFFSET]).toBe(SETTINGS_FRAME[FRAME_TYPE_OFFSET]);
    connection.close();
  });

  it("that never become a protocol's keep nobody else waiting", async () => {
    const connection = await openHttp1(url);
    connection.send("P");
    expect(await callHttp1(url, HEALTH)).toMatchObject({ status: 200 });
    connection.close();
  });
});

describe("a connection that does not say what it speaks", () => {
  let running: RunningService;
  beforeAll(async () => {
    running = await runService({ FLEETKEY_HEADERS_TIMEOUT: "100ms" });
  });
  afterAll(() => running.stop());

  it("is cut when its time is over", async () => {
    const connection = await openHttp1(running.url);
    await connection.closed;
  });

  it("is cut then, too, when it says it byte by byte", async () => {
    const connection = await openHttp1(running.url);
    connection.send("P");
    await callHttp1(running.url, HEALTH);
    connection.send("R");
    await connection.closed;
  });

  it("keeps its time once it has spoken", async () => {
    const speaking = await openHttp1(running.url);
    await speaking.request(HEALTH);
    const silent = await openHttp1(running.url);
    await silent.closed;
    expect(await speaking.request(HEALTH)).toMatchObject({ status: 200 });
    speaking.close();
  });
});
