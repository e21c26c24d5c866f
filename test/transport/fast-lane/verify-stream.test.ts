// VerifyStream in the fast lane: every request has its answer, in order, however the bytes come; one that
// cannot be judged fails alone; who does not read is not read from; and a caller whose key ends is put out.
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { WAITING_MAX } from "../../../src/transport/fast-lane/stream/stream-call.ts";
import { UNREAD_BYTES_MAX } from "../../../src/transport/listener/unread-body.ts";
import { revokeInput } from "../../app/requests.ts";
import { ROOT } from "../../app/world.ts";
import { propertyRuns } from "../../domain/build.ts";
import { envelope } from "../wire/grpc.ts";
import { makeKeys } from "./keys.ts";
import { openRoad, type RoadOptions } from "./road.ts";
import { openSession } from "./send.ts";
import { openVerifyStream, requestOf, type VerifyStream } from "./stream-client.ts";

async function open(options: Partial<RoadOptions> = {}) {
  const road = await openRoad({ hasLane: true, ...options });
  const keys = await makeKeys(road);
  const session = await openSession(road.url);
  onTestFinished(() => session.destroy());
  // Callers that are not in memory come by the stock road.
  await road.authentication.authenticate({ credential: { kind: "one", secret: keys.caller ?? "" } });
  const begin = () => openVerifyStream(session, keys.caller ?? "");
  return { road, keys, begin, plain: keys.plain ?? "" };
}

/** Ids and what became of them. */
const told = ({ answers }: VerifyStream) =>
  answers.map(({ id, result }) => {
    if (result.case === "verify") return [id, result.value.valid ? "valid" : result.value.denialReason];
    return [id, result.value?.message];
  });

const inOrder = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

/** Lets time pass for whoever asks performance.now(). */
function passTime(ms: number): void {
  const now = performance.now.bind(performance);
  const spy = vi.spyOn(performance, "now").mockImplementation(() => now() + ms);
  onTestFinished(() => spy.mockRestore());
}

it("answers in the order of the requests, those that must be read beside those that are held", async () => {
  const { road, keys, begin, plain } = await open();
  const stream = begin();
  stream.stream.write(requestOf(1, plain));
  await stream.answered(1);
  road.store.answers = "never";
  stream.stream.write(
    Buffer.concat([
      ...[requestOf(2, plain), requestOf(3, keys.scoped ?? ""), requestOf(4, plain), requestOf(5, "text")],
      ...[requestOf(6, keys.revoked ?? ""), requestOf(4_294_967_295, plain), requestOf(0, plain)],
    ]),
  );
  await stream.answered(2);
  expect(told(stream)).toEqual([
    [1, "valid"],
    [2, "valid"],
  ]);
  road.store.release();
  await stream.answered(8);
  expect(told(stream).slice(2)).toEqual([
    ...[
      [3, "valid"],
      [4, "valid"],
      [5, 1],
    ],
    ...[
      [6, 3],
      [4_294_967_295, "valid"],
      [0, "valid"],
    ],
  ]);
  stream.stream.end();
  expect(await stream.ended).toBe("0");
  expect(road.counts.taken).toBe(1);
});

it("lets one request fail alone", async () => {
  const { road, keys, begin, plain } = await open();
  const stream = begin();
  stream.stream.write(requestOf(1, plain));
  await stream.answered(1);
  road.store.answers = "unavailable";
  const asked = [requestOf(2, keys.scoped ?? ""), requestOf(3, plain, { requiredScopes: ["A B"] })];
  stream.stream.write(Buffer.concat([...asked, requestOf(4, plain)]));
  await stream.answered(4);
  expect(told(stream).slice(1)).toEqual([
    [2, "the store does not answer"],
    [3, expect.stringContaining("required_scopes")],
    [4, "valid"],
  ]);
  stream.stream.end();
  expect(await stream.ended).toBe("0");
});

it("The bytes of the requests can come in pieces of any size.", async () => {
  const { begin, plain, keys } = await open();
  const anyPieces = fc.tuple(
    fc.array(fc.constantFrom(plain, keys.scoped ?? "", "text", ""), { maxLength: 12 }),
    fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 30 }),
  );
  await fc.assert(
    fc.asyncProperty(anyPieces, async ([apiKeys, sizes]) => {
      const bytes = Buffer.concat(apiKeys.map((apiKey, at) => requestOf(at + 1, apiKey)));
      const stream = begin();
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        await new Promise((resolve) => stream.stream.write(bytes.subarray(at, at + size), resolve));
        await new Promise(setImmediate);
        at += size;
      }
      stream.stream.end();
      expect(await stream.ended).toBe("0");
      expect(told(stream)).toEqual(
        apiKeys.map((apiKey, at) => [at + 1, apiKey === plain || apiKey === keys.scoped ? "valid" : 1]),
      );
    }),
    { numRuns: propertyRuns(60) },
  );
});

describe("a message that is none ends the stream after the answers before it", () => {
  it.each<[string, Buffer, string]>([
    ["too long", Buffer.from([0, 0, 0, 0x10, 0x01]), "8 message"],
    ["compressed", envelope(Buffer.from([0x08, 1]), 1), "13 received"],
    ["of wrong bytes", envelope(Buffer.from([0x12, 0x7f, 0x0a])), "13 parse"],
    ["with an unknown field", envelope(Buffer.from([0x08, 1, 0x18, 1])), "3 field"],
    ["with an unknown field inside", envelope(Buffer.from([0x12, 2, 0x30, 1])), "3 field"],
    ["cut off", Buffer.from([0, 0, 0, 0, 9, 1]), "3 protocol"],
  ])("%s", async (_, bytes, status) => {
    const { begin, plain } = await open();
    const stream = begin();
    stream.stream.end(Buffer.concat([requestOf(1, plain), bytes]));
    expect(await stream.ended).toMatch(new RegExp(`^${status}`));
    expect(told(stream)).toEqual([[1, "valid"]]);
  });
});

it("takes a request without anything in it as one with an empty api_key", async () => {
  const { begin } = await open();
  const stream = begin();
  stream.stream.end(envelope(Buffer.alloc(0)));
  expect(await stream.ended).toBe("0");
  expect(told(stream)).toEqual([[0, 1]]);
});

it("A client that does not read its answers is not read from, and costs no more than a few.", async () => {
  const { begin, plain } = await open();
  const stream = begin();
  stream.stream.pause();
  const many = Buffer.concat(inOrder(200).map((id) => requestOf(id, plain)));
  // As much as it takes: the last one waits for the window to open.
  let taken = 0;
  let isStuck = false;
  while (!isStuck && taken < 1_000) {
    stream.stream.write(many);
    const drained = new Promise<boolean>((resolve) => stream.stream.once("drain", () => resolve(true)));
    const waited = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 500));
    isStuck = stream.stream.writableNeedDrain && !(await Promise.race([drained, waited]));
    taken += 1;
  }
  expect(isStuck).toBe(true);
  stream.stream.resume();
  stream.stream.end();
  expect(await stream.ended).toBe("0");
  expect(stream.answers.map(({ id }) => id)).toEqual(
    Array.from({ length: taken }, () => inOrder(200)).flat(),
  );
});

it("Nothing more is read while many answers wait for the store.", async () => {
  const { road, begin, keys } = await open();
  road.forgetAll();
  await road.authentication.authenticate({ credential: { kind: "one", secret: keys.caller ?? "" } });
  const stream = begin();
  road.store.answers = "never";
  const count = 4 * WAITING_MAX;
  stream.stream.end(Buffer.concat(inOrder(count).map((id) => requestOf(id, keys.plain ?? ""))));
  // The rest stays with the client: the window is closed.
  for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
  expect(stream.stream.writableLength).toBeGreaterThan(0);
  road.store.release();
  expect(await stream.ended).toBe("0");
  expect(stream.answers.map(({ id }) => id)).toEqual(inOrder(count));
});

describe("who calls is asked again once the lease is over", () => {
  it("and put out when the caller's key has ended", async () => {
    const { road, keys, begin, plain } = await open();
    const stream = begin();
    stream.stream.write(requestOf(1, plain));
    await stream.answered(1);
    const target = { by: "api_key", apiKey: keys.caller ?? "" } as const;
    await revokeKey(road.ports, ROOT, revokeInput(target));
    road.forgetAll();
    stream.stream.write(requestOf(2, plain));
    await stream.answered(2);
    passTime(60_000);
    stream.stream.write(requestOf(3, plain));
    expect(await stream.ended).toMatch(/^16 /);
    expect(told(stream)).toEqual([
      [1, "valid"],
      [2, "valid"],
    ]);
  });

  it("and goes on when it has not, with the last request, too", async () => {
    const { begin, plain, road } = await open();
    const uses = () => road.world.uses.length;
    const stream = begin();
    stream.stream.write(requestOf(1, plain));
    await stream.answered(1);
    const before = uses();
    passTime(60_000);
    stream.stream.end(Buffer.concat([requestOf(2, plain), requestOf(3, plain)]));
    expect(await stream.ended).toBe("0");
    expect(told(stream)).toEqual([
      [1, "valid"],
      [2, "valid"],
      [3, "valid"],
    ]);
    // Two of the key, none of the caller's.
    expect(uses()).toBe(before + 2);
  });
});

it("ends a stream whose client is silent for too long", async () => {
  const { begin, plain, road } = await open({ limits: { idleTimeoutMs: 200 } });
  const stream = begin();
  stream.stream.write(requestOf(1, plain));
  expect(await stream.ended).toBe(`4 ${encodeURIComponent("the stream was idle for too long")}`);
  expect(told(stream)).toEqual([[1, "valid"]]);
  expect(road.logged()).toContain('"rpc":"fleetkey.v1.KeyService/VerifyStream","code":"DeadlineExceeded"');
});

it("ends a stream when the node is stopped", async () => {
  const { begin, plain, road } = await open({ limits: { idleTimeoutMs: 2_000 } });
  const stream = begin();
  stream.stream.write(requestOf(1, plain));
  await stream.answered(1);
  const stopped = road.stop(5_000);
  expect(await stream.ended).toMatch(/^14 /);
  await stopped;
});

it("cuts off a client that sends on after the end", async () => {
  const { begin } = await open();
  const stream = begin();
  stream.stream.write(envelope(Buffer.from([0x12, 0x7f, 0x0a])));
  const more = Buffer.alloc(16_384);
  for (let sent = 0; sent <= UNREAD_BYTES_MAX; sent += more.length) stream.stream.write(more);
  expect(await stream.ended).toMatch(/^(13|reset)/);
  await vi.waitUntil(() => stream.stream.destroyed);
});

it("tells of a stream whose client leaves in the middle", async () => {
  const { begin, plain, road } = await open();
  const stream = begin();
  stream.stream.write(requestOf(1, plain));
  await stream.answered(1);
  // Only closed, node would tell the end of the requests first.
  stream.stream.session?.destroy();
  await vi.waitUntil(() => road.logged().includes('VerifyStream","code":"Canceled"'));
});
