// Covers `POST /leaks/github` in trouble, on a listener of its own: senders that are slow, endless or gone, a
// store that does not answer, and bugs.
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AppPorts } from "../../../src/app/ports.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { createLog } from "../../../src/observability/log.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { githubLeaks, LEAKS_BYTES_MAX } from "../../../src/transport/leaks/github.ts";
import { readGithubKeys } from "../../../src/transport/leaks/github-keys.ts";
import { type Listener, listen } from "../../../src/transport/listener/server.ts";
import { plainHttp } from "../../../src/transport/plain-http.ts";
import { brokenStore } from "../../app/backends.ts";
import { create, openWorld, stored, type World } from "../../app/world.ts";
import { openHttp1, requestBytes } from "../wire/http1.ts";
import { answerTo, openHttp2 } from "../wire/http2.ts";
import { keysFile, keysJson, newSigner, PATH, SENDS, signed } from "./github-sender.ts";

const SIGNER = newSigner("key-a");
/** Short enough for a test to wait for. */
const SHORT_MS = 60;
/** Long enough for a body of 1 MiB. */
const AMPLE_MS = 1_500;
const CHUNK = Buffer.alloc(64 * 1_024, " ");

let world: World;
let listener: Listener;
let logged = "";

/** Starts the listener anew. */
async function serve(ports: AppPorts, bodyMsMax?: number): Promise<string> {
  const { path, remove } = keysFile(keysJson([SIGNER]));
  const keys = readGithubKeys(path);
  remove();
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk);
      done();
    },
  });
  const handler = githubLeaks(ports, { keys, log: createLog("trace", sink), next: plainHttp, bodyMsMax });
  listener = await listen({
    address: { kind: "tcp", host: "127.0.0.1", port: 0 },
    tls: undefined,
    limits: loadConfig({}).limits,
    handler,
    isStream: () => false,
    onRefused: () => {},
  });
  return listener.url;
}

beforeEach(async () => {
  world = await openWorld();
  logged = "";
});
afterEach(() => listener.stop(0));

const reportOf = (...tokens: readonly string[]) =>
  JSON.stringify(tokens.map((token) => ({ token, type: "a" })));

/** The head of a report over HTTP/2 whose body is still to come. */
function beginHttp2(url: string, headers: Readonly<Record<string, string>>) {
  const http2 = openHttp2(url);
  const stream = http2.session.request({ ":method": "POST", ":path": PATH, ...headers });
  const closed = new Promise<number>((resolve) => stream.once("close", () => resolve(stream.rstCode)));
  return { http2, stream, answer: answerTo(stream), closed };
}

describe("A body that does not come in time", () => {
  const body = reportOf("token");

  it("is cut off over HTTP/1.1, after an answer", async () => {
    const url = await serve(world.ports, SHORT_MS);
    const connection = await openHttp1(url);
    const { head } = requestBytes({ path: PATH, headers: signed(body, SIGNER), body });
    connection.send(head + body.slice(0, -1));
    const answer = await connection.answer();
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([408, "canceled"]);
    await connection.closed;
  });

  it("is cut off over HTTP/2, after an answer, and the session goes on", async () => {
    const url = await serve(world.ports, SHORT_MS);
    const { http2, stream, answer, closed } = beginHttp2(url, signed(body, SIGNER));
    stream.write(body.slice(0, -1));
    expect((await answer).status).toBe(408);
    expect(await closed).toBe(0);
    const whole = await http2.request({ ":method": "POST", ":path": PATH, ...signed(body, SIGNER) }, body);
    expect(whole.status).toBe(200);
    http2.close();
  });
});

describe("A body without an end", () => {
  it("is cut off over HTTP/1.1 soon after its bound, after an answer", async () => {
    const url = await serve(world.ports);
    const connection = await openHttp1(url);
    const headers = { ...signed("", SIGNER), "transfer-encoding": "chunked" };
    connection.send(requestBytes({ path: PATH, headers }).head);
    const chunk = Buffer.concat([Buffer.from("10000\r\n"), CHUNK, Buffer.from("\r\n")]);
    for (let sent = 0; sent <= LEAKS_BYTES_MAX; sent += CHUNK.length) connection.send(chunk);
    expect(await connection.answer()).toMatchObject({ status: 413 });
    connection.send(chunk);
    connection.send(chunk);
    await connection.closed;
  });

  it("is cut off over HTTP/2 soon after its bound, after an answer", async () => {
    const url = await serve(world.ports);
    const { http2, stream, answer, closed } = beginHttp2(url, signed("", SIGNER));
    const sendOne = () => void stream.write(CHUNK, (error) => error || sendOne());
    sendOne();
    expect((await answer).status).toBe(413);
    await closed;
    http2.close();
  });

  it("that stops without an end is cut off, too", async () => {
    const url = await serve(world.ports, AMPLE_MS);
    const { http2, stream, answer, closed } = beginHttp2(url, signed("", SIGNER));
    stream.write(Buffer.alloc(LEAKS_BYTES_MAX + 1, " "));
    expect((await answer).status).toBe(413);
    await closed;
    http2.close();
  });

  it.each(SENDS)("that says how long it is, is not waited for, over %s", async (_, send) => {
    const url = await serve(world.ports);
    const headers = { ...signed("", SIGNER), "content-length": String(LEAKS_BYTES_MAX + 1) };
    const answer = await send(url, { headers, body: Buffer.alloc(LEAKS_BYTES_MAX + 1, " ") });
    expect(answer.status).toBe(413);
  });
});

describe("A sender that leaves in the middle", () => {
  it("harms nobody, over HTTP/1.1 and over HTTP/2", async () => {
    const url = await serve(world.ports);
    const body = reportOf("token");
    const connection = await openHttp1(url);
    connection.send(
      requestBytes({ path: PATH, headers: signed(body, SIGNER), body }).head + body.slice(0, 5),
    );
    connection.socket.resetAndDestroy();
    await connection.closed;
    const { http2, stream, answer } = beginHttp2(url, signed(body, SIGNER));
    answer.catch(() => {});
    await new Promise((resolve) => stream.write(body.slice(0, 5), resolve));
    http2.close();
    for (const [, send] of SENDS) {
      expect((await send(url, { headers: signed(body, SIGNER), body })).status).toBe(200);
    }
    expect(logged).not.toContain("bug");
  });
});

describe.each(SENDS)("Over %s", (_, send) => {
  it("is 503 when the store does not answer, so that GitHub sends again", async () => {
    const store = brokenStore(storeUnavailable(new Error("no server")));
    const { apiKey } = await create(world.ports);
    const url = await serve({ ...world.ports, store });
    const body = reportOf(apiKey);
    const answer = await send(url, { headers: signed(body, SIGNER), body });
    expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "1"]);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "unavailable" });
    expect(logged).toContain('"failed":1');
  });

  it("does what it can when the store fails in the midst of a report", async () => {
    const keys = [await create(world.ports), await create(world.ports), await create(world.ports)];
    const [, failing] = keys;
    const { store } = world;
    const read = async (keyId: string) => {
      if (keyId === failing?.key.keyId) throw storeUnavailable(new Error("no server"));
      return store.keys.read(keyId);
    };
    const halfBroken = new Proxy(store.keys, {
      get: (keysOfStore, name) => {
        const value: unknown = Reflect.get(keysOfStore, name);
        return name === "read" ? read : typeof value === "function" ? value.bind(keysOfStore) : value;
      },
    });
    const url = await serve({ ...world.ports, store: { ...store, keys: halfBroken } });
    const body = reportOf(...keys.map(({ apiKey }) => apiKey));
    expect((await send(url, { headers: signed(body, SIGNER), body })).status).toBe(503);
    const revoked = await Promise.all(
      keys.map(async ({ key }) => (await stored(world.ports, key.keyId)).revocation !== undefined),
    );
    expect(revoked).toEqual([true, false, true]);
  });

  it("is 500 for a bug, which is logged and tells nothing", async () => {
    const { apiKey } = await create(world.ports);
    const url = await serve({ ...world.ports, store: brokenStore(new TypeError("a detail")) });
    const body = reportOf(apiKey);
    const answer = await send(url, { headers: signed(body, SIGNER), body });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      500,
      { code: "internal", message: "internal error" },
    ]);
    expect(logged).toContain('"msg":"bug"');
    expect(logged).not.toContain(apiKey);
  });

  it("hands every other path on", async () => {
    const url = await serve(world.ports);
    const answer = await send(url, { method: "GET", path: "/healthz", headers: {} });
    expect([answer.status, answer.body]).toEqual([200, '{"status":"alive"}']);
  });
});
