// How a Watch ends that its client does not end: one who does not take what it is told is cut off and costs
// no more than it has taken, and a place is free again however its watch ended.
import { create, toBinary } from "@bufbuild/protobuf";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { expect, it, vi } from "vitest";
import { WatchRequestSchema } from "../../../gen/fleetkey/v1/key_service_pb.js";
import { WATCH_PAGE } from "../../../src/app/events/watch-events.ts";
import { openChannel } from "../clients/grpc-js.ts";
import { CALM, FLAG, FRAME, frame, openRawHttp2, requestBlock } from "../wire/frames.ts";
import { envelope, grpcHeaders } from "../wire/grpc.ts";
import { openHttp1 } from "../wire/http1.ts";
import { openHttp2 } from "../wire/http2.ts";
import { nextOf, WATCH_CLIENTS } from "./stream-clients.ts";
import { listenToWatchers, type WatchedListener } from "./watched-listener.ts";

const PATH = "/fleetkey.v1.KeyService/Watch";
const REQUEST = envelope(toBinary(WatchRequestSchema, create(WatchRequestSchema, {})));
/** Short enough for a test to wait for. */
const BLOCKED_MS_MAX = 150;
/** What lies between a store and a client that reads nothing: a few pages. */
const EVENTS_READ_MAX = 20 * WATCH_PAGE;

const watchers = ({ news }: WatchedListener) => expect.poll(() => news.followers, { timeout: 5_000 });

it("who reads nothing over HTTP/2 is cut off with ENHANCE_YOUR_CALM, and the session goes on", async () => {
  const listener = await listenToWatchers(BLOCKED_MS_MAX);
  const printed = vi.spyOn(console, "error");
  const raw = await openRawHttp2(listener.url);
  const noWindow = Uint8Array.of(0, 4, 0, 0, 0, 0);
  const block = requestBlock(PATH, { "content-type": "application/grpc", te: "trailers" });
  await raw.send(
    frame(FRAME.settings, 0, 0, noWindow),
    frame(FRAME.headers, FLAG.endHeaders, 1, block),
    frame(FRAME.data, FLAG.endStream, 1, REQUEST),
  );
  await raw.received(({ type, stream }) => type === FRAME.headers && stream === 1);
  const began = performance.now();
  listener.flood();
  const reset = await raw.received(({ type, stream }) => type === FRAME.reset && stream === 1);
  expect(reset.payload.readUInt32BE()).toBe(CALM);
  expect(performance.now() - began).toBeGreaterThan(2 * BLOCKED_MS_MAX - 20);
  await watchers(listener).toBe(0);
  expect(listener.eventsRead()).toBeLessThanOrEqual(EVENTS_READ_MAX);
  expect(listener.ended).toEqual(["ResourceExhausted"]);
  expect(printed).not.toHaveBeenCalled();
  await raw.send(frame(FRAME.ping, 0, 0, Buffer.alloc(8)));
  await raw.received(({ type, flags }) => type === FRAME.ping && flags === FLAG.ack);
  raw.close();
});

it("a gRPC client that reads nothing learns that it is RESOURCE_EXHAUSTED", async () => {
  const listener = await listenToWatchers(BLOCKED_MS_MAX);
  const channel = openChannel(listener.url);
  const serialize = () => REQUEST.subarray(5);
  const stream = channel.makeServerStreamRequest(PATH, serialize, (bytes) => bytes, {}, new Metadata());
  const first = new Promise((resolve) => stream.once("data", resolve));
  await first;
  stream.pause();
  const ended = new Promise<ServiceError>((resolve) => stream.once("error", resolve));
  listener.flood();
  await watchers(listener).toBe(1);
  await watchers(listener).toBe(0);
  stream.resume();
  expect((await ended).code).toBe(status.RESOURCE_EXHAUSTED);
  channel.close();
});

it("who reads nothing over HTTP/1.1 loses the connection", async () => {
  const listener = await listenToWatchers(BLOCKED_MS_MAX);
  const connection = await openHttp1(listener.url);
  connection.socket.pause();
  const body = Buffer.from("\0\0\0\0\x02{}").toString("latin1");
  connection.send(
    `POST ${PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: application/connect+json\r\n` +
      `content-length: ${body.length}\r\n\r\n${body}`,
  );
  await watchers(listener).toBe(1);
  listener.flood();
  await watchers(listener).toBe(0);
  connection.socket.resume();
  await connection.closed;
  // The buffers of both kernels are larger than those of HTTP/2.
  expect(listener.eventsRead()).toBeLessThanOrEqual(20 * EVENTS_READ_MAX);
});

it("a deadline is kept also when the client forgets it", async () => {
  const { url, news } = await listenToWatchers(BLOCKED_MS_MAX);
  const connection = openHttp2(url);
  const answer = await connection.request(grpcHeaders(PATH, { "grpc-timeout": "200m" }), REQUEST);
  expect(answer.trailers["grpc-status"]).toBe(String(status.DEADLINE_EXCEEDED));
  expect(news.followers).toBe(0);
  connection.close();
});

it.each(WATCH_CLIENTS)("a client that is gone leaves its place, through %s", async (_, open) => {
  for (const isFlooded of [false, true]) {
    const listener = await listenToWatchers(60_000);
    const client = open(listener.url);
    const watch = client.watch();
    await nextOf(watch);
    expect(listener.news.followers).toBe(1);
    if (isFlooded) listener.flood();
    await watch.return?.();
    await watchers(listener).toBe(0);
    await expect.poll(() => listener.ended).toHaveLength(1);
    client.close();
  }
});

it("a connection that breaks in the middle leaves its place", async () => {
  const listener = await listenToWatchers(60_000);
  const connection = openHttp2(listener.url);
  const stream = connection.session.request(grpcHeaders(PATH), { endStream: false });
  stream.on("error", () => {});
  stream.end(REQUEST);
  await watchers(listener).toBe(1);
  listener.flood();
  await expect.poll(listener.eventsRead).toBeGreaterThan(0);
  connection.close();
  await watchers(listener).toBe(0);
});
