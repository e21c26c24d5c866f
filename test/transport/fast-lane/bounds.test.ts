// What clients of the fast lane cannot do: keep a call open by being slow, live on a credential that has
// ended, or leave something behind by going away in the middle.
import { connect } from "node:http2";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { OpenCalls } from "../../../src/transport/fast-lane/open-calls.ts";
import { revokeInput } from "../../app/requests.ts";
import { ROOT } from "../../app/world.ts";
import { envelope, grpcHeaders } from "../wire/grpc.ts";
import { openHttp1 } from "../wire/http1.ts";
import { answerTo } from "../wire/http2.ts";
import { binaryOf } from "./any-message.ts";
import { makeKeys } from "./keys.ts";
import { openRoad, type RoadOptions } from "./road.ts";
import { openSession } from "./send.ts";

const PATH = "/fleetkey.v1.KeyService/Verify";
const MS_MAX = 300;

async function open(options: Partial<RoadOptions> = {}) {
  const road = await openRoad({ hasLane: true, ...options });
  const keys = await makeKeys(road);
  const session = await openSession(road.url);
  onTestFinished(() => session.destroy());
  await road.authentication.authenticate({ credential: { kind: "one", secret: keys.caller ?? "" } });
  const asked = { requiredScopes: [], expectedType: 0, clientAddress: "", userAgent: "" };
  const message = envelope(binaryOf({ ...asked, apiKey: keys.plain ?? "" }));
  const headers = { "x-api-key": keys.caller ?? "" };
  const begin = () => session.request(grpcHeaders(PATH, headers), { endStream: false });
  const json = JSON.stringify({ apiKey: keys.plain });
  const request = { path: PATH, headers: { ...headers, "content-type": "application/json" }, body: json };
  return { road, keys, headers, message, begin, request };
}

/** Lets time pass for whoever asks performance.now(). */
function passTime(ms: number): void {
  const now = performance.now.bind(performance);
  const spy = vi.spyOn(performance, "now").mockImplementation(() => now() + ms);
  onTestFinished(() => spy.mockRestore());
}

const SLOW = { limits: { bodyTimeoutMs: MS_MAX } };

describe("is cut off", () => {
  it.each<[string, (message: Buffer) => Buffer | undefined]>([
    ["no body at all", () => undefined],
    ["a message whose end does not come", (message) => message],
  ])("over HTTP/2 %s", async (_, partOf) => {
    const { road, begin, message } = await open(SLOW);
    const started = performance.now();
    const stream = begin();
    const part = partOf(message);
    if (part !== undefined) stream.write(part);
    await new Promise((resolve) => stream.once("close", resolve).on("error", () => {}));
    expect(performance.now() - started).toBeGreaterThan(MS_MAX * 0.9);
    expect(road.counts).toEqual({ taken: 1, handedOver: 0 });
  });

  it("over HTTP/1.1 a body that does not come", async () => {
    const { road, keys } = await open(SLOW);
    const connection = await openHttp1(road.url);
    const fields = `host: a\r\nx-api-key: ${keys.caller}\r\ncontent-type: application/json\r\n`;
    connection.send(`POST ${PATH} HTTP/1.1\r\n${fields}content-length: 100\r\n\r\n`);
    await connection.closed;
    expect(road.counts).toEqual({ taken: 1, handedOver: 0 });
  });

  it("who takes no answer", async () => {
    const { road, keys, message } = await open(SLOW);
    const session = connect(road.url, { settings: { initialWindowSize: 0 } });
    onTestFinished(() => session.destroy());
    session.on("error", () => {});
    const stream = session.request(grpcHeaders(PATH, { "x-api-key": keys.caller ?? "" }), {
      endStream: false,
    });
    stream.end(message);
    await new Promise((resolve) => stream.once("response", resolve));
    await new Promise((resolve) => stream.once("close", resolve).on("error", () => {}));
    expect(road.counts).toEqual({ taken: 1, handedOver: 0 });
  });
});

it("A caller whose key ends while the body is held back is refused.", async () => {
  const { road, keys, begin, message } = await open();
  const stream = begin();
  await vi.waitUntil(() => road.counts.taken === 1);
  await revokeKey(road.ports, ROOT, revokeInput({ by: "api_key", apiKey: keys.caller ?? "" }));
  road.forgetAll();
  passTime(1_000);
  stream.end(message);
  expect((await answerTo(stream)).trailers).toMatchObject({
    "grpc-status": "16",
    "www-authenticate": "Bearer",
  });
});

it("A caller whose key has not ended meanwhile is answered, and that is one use of its key.", async () => {
  const { road, begin, message } = await open();
  const stream = begin();
  await vi.waitUntil(() => road.counts.taken === 1);
  passTime(1_000);
  const before = road.world.uses.length;
  stream.end(message);
  expect((await answerTo(stream)).trailers).toEqual(expect.objectContaining({ "grpc-status": "0" }));
  expect(road.world.uses.length - before).toBe(2);
});

it("Calls whose clients go away in the middle harm nobody, at whatever point they are.", async () => {
  const { road, begin, message, headers } = await open();
  const parts = [Buffer.alloc(0), message.subarray(0, 4), message];
  const ways = parts.flatMap((part) => [true, false].map((isEnded) => ({ part, isEnded })));
  for (const { part, isEnded } of ways) {
    const taken = road.counts.taken;
    const session = await openSession(road.url);
    // The key that is asked about is not in memory, who asks is.
    road.store.answers = "never";
    const stream = session.request(grpcHeaders(PATH, headers), { endStream: false });
    const closed = new Promise((resolve) => stream.on("close", resolve).on("error", () => {}));
    if (part.length > 0) stream.write(part);
    if (isEnded) stream.end();
    await vi.waitUntil(() => road.counts.taken > taken);
    session.destroy();
    await closed;
    road.store.release();
  }
  const stream = begin();
  stream.end(message);
  expect((await answerTo(stream)).status).toBe(200);
  expect(road.logged()).not.toContain('"msg":"bug"');
});

it("An answer over HTTP/1.1 says that its connection ends when the node does.", async () => {
  const { road, request } = await open();
  road.forgetAll();
  const connection = await openHttp1(road.url);
  onTestFinished(() => connection.close());
  expect((await connection.request(request)).headers["connection"]).toBe("keep-alive");
  road.world.clock.now += 1;
  road.store.answers = "at once";
  const answered = connection.request(request);
  const stopped = road.stop(5_000);
  expect((await answered).headers["connection"]).toBe("close");
  await connection.closed;
  await stopped;
});

describe("Open calls", () => {
  it("are looked over again and again, until there are none", () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const open = new OpenCalls(800);
    const looks: string[] = [];
    const first = { look: () => looks.push("first") };
    const second = { look: () => looks.push("second") };
    const places = [open.add(first), open.add(second)];
    vi.advanceTimersByTime(100);
    open.delete(places[0] ?? 0);
    vi.advanceTimersByTime(100);
    expect(looks).toEqual(["first", "second", "second"]);
    open.delete(places[1] ?? 0);
    vi.advanceTimersByTime(100);
    expect(vi.getTimerCount()).toBe(0);
    open.add(first);
    vi.advanceTimersByTime(100);
    expect(looks.at(-1)).toBe("first");
  });
});
