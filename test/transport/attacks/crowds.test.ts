// Too many at once: connections beyond the limit are closed and counted in the log, streams beyond it are
// refused, and who was there before is answered.
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { useProcesses } from "../../system/process.ts";
import { FLAG, FRAME, frame, openRawHttp2, PREFACE, requestBlock } from "../wire/frames.ts";
import { callHttp1, openHttp1 } from "../wire/http1.ts";
import { selfSigned } from "../wire/self-signed.ts";
import {
  type AttackedService,
  attackBesideOthers,
  CREDENTIAL,
  JSON_TYPE,
  startAttacked,
  VERIFY,
} from "./attacked-service.ts";

const CONNECTIONS_MAX = 50;
const STREAMS_MAX = 20;
const HEALTH = { method: "GET", path: "/healthz" };
const SETTINGS = {
  FLEETKEY_CONNECTIONS_MAX: String(CONNECTIONS_MAX),
  FLEETKEY_STREAMS_MAX: String(STREAMS_MAX),
};

const certificate = selfSigned();
afterAll(() => certificate.remove());
const processes = useProcesses(afterEach);

const TARGETS = [
  { over: "clear text", start: () => startAttacked(processes, SETTINGS) },
  { over: "TLS", start: () => startAttacked(processes, SETTINGS, certificate) },
];

async function connectTo({ url }: AttackedService): Promise<{ socket: Socket; closed: Promise<void> }> {
  const { hostname: host, port } = new URL(url);
  const socket = connect({ host, port: Number(port) }).on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await Promise.race([new Promise<void>((resolve) => socket.once("connect", () => resolve())), closed]);
  socket.resume();
  return { socket, closed };
}

describe.each(TARGETS)("over $over", ({ start }) => {
  it("connections beyond the limit are closed at once, and there is room again when others end", async () => {
    const target = await start();
    const first = await openHttp1(target.url, target.ca);
    expect(await first.request(HEALTH)).toMatchObject({ status: 200 });
    const held = await Promise.all(Array.from({ length: CONNECTIONS_MAX - 1 }, () => connectTo(target)));
    const beyond = await Promise.all(Array.from({ length: 200 }, () => connectTo(target)));
    await Promise.all(beyond.map(({ closed }) => closed));
    expect(await first.request(HEALTH)).toMatchObject({ status: 200 });
    expect(held.filter(({ socket }) => socket.destroyed)).toEqual([]);
    await target.service.run.printed(/"refused":"too many connections","count":\d+/);
    const lines = target.service.run.stderr.match(/too many connections/g) ?? [];
    // The first at once, and the others together in each second that it took.
    expect(lines.length).toBeLessThan(20);
    for (const { socket } of held) socket.destroy();
    await first.request(HEALTH);
    const later = await openHttp1(target.url, target.ca);
    expect(await later.request(HEALTH)).toMatchObject({ status: 200 });
    later.close();
    first.close();
  });

  it("streams beyond the limit are refused, and those within it are answered", async () => {
    const target = await start();
    await attackBesideOthers(target, async () => {
      // A client that has not acknowledged the settings need not know the limit yet.
      const raw = await openRawHttp2(target.url, target.ca, false);
      await raw.send(PREFACE, frame(FRAME.settings, 0, 0));
      const settings = await raw.received(({ type, flags }) => type === FRAME.settings && flags === 0);
      expect(settings.payload.toString("hex")).toContain(`0003${STREAMS_MAX.toString(16).padStart(8, "0")}`);
      const block = requestBlock(VERIFY, { ...JSON_TYPE, ...CREDENTIAL });
      const ids = Array.from({ length: STREAMS_MAX + 5 }, (_, index) => index * 2 + 1);
      await raw.send(...ids.map((id) => frame(FRAME.headers, FLAG.endHeaders, id, block)));
      const last = ids.at(-1) ?? 0;
      await raw.received(({ type, stream }) => type === FRAME.reset && stream === last);
      const refused = raw.frames().filter(({ type }) => type === FRAME.reset);
      expect(refused.map(({ stream }) => stream)).toEqual(ids.slice(STREAMS_MAX));
      const body = Buffer.from('{"apiKey":"x"}');
      for (const id of ids.slice(0, STREAMS_MAX)) await raw.send(frame(FRAME.data, FLAG.endStream, id, body));
      const isLast = (id: number) =>
        raw.frames().some((each) => each.stream === id && (each.flags & 1) === 1);
      await raw.received(() => ids.slice(0, STREAMS_MAX).every(isLast));
      raw.close();
    });
  });

  it("clients that know the limit and open more streams, which they never end, are cut off", async () => {
    const target = await start();
    await attackBesideOthers(target, async () => {
      const block = requestBlock(VERIFY, { ...JSON_TYPE, ...CREDENTIAL });
      const attackers = await Promise.all(
        Array.from({ length: 20 }, () => openRawHttp2(target.url, target.ca)),
      );
      for (const raw of attackers) {
        for (let id = 1; id < 2_000 && !raw.isClosed(); id += 2) {
          await raw.send(frame(FRAME.headers, FLAG.endHeaders, id, block));
        }
      }
      for (const raw of attackers) {
        await raw.closed;
        expect(raw.frames().filter(({ type }) => type === FRAME.headers)).toEqual([]);
      }
    });
  });
});

it("HTTP/1.1 answers on as many connections as there may be", async () => {
  const [clear] = TARGETS;
  const target = await clear?.start();
  if (target === undefined) throw new Error("there is no target");
  const calls = Array.from({ length: CONNECTIONS_MAX }, () => callHttp1(target.url, HEALTH));
  for (const answer of await Promise.all(calls)) expect(answer.status).toBe(200);
});
