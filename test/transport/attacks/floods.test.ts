// Floods of small frames on one HTTP/2 connection: most end it, and two cost so little that others are
// answered all the same. Node 26 brings nghttp2 1.70.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IS_LONG } from "../../system/long-run.ts";
import { useProcesses } from "../../system/process.ts";
import {
  CALM,
  CONTINUATION,
  FLAG,
  FRAME,
  type Frame,
  frame,
  openRawHttp2,
  PRIORITY_UPDATE,
  type RawHttp2,
  requestBlock,
} from "../wire/frames.ts";
import { selfSigned } from "../wire/self-signed.ts";
import {
  type AttackedService,
  attackBesideOthers,
  CREDENTIAL,
  JSON_TYPE,
  startAttacked,
  VERIFY,
} from "./attacked-service.ts";

/** Frames in one write. */
const BATCH = 500;
const BATCHES_MAX = IS_LONG ? 2_000 : 100;
const RATE = 10;
/** What limits.ts makes of the rate. */
const BURST = RATE * 30;

const certificate = selfSigned();
const processes = useProcesses(afterAll);
let clear: AttackedService;
let secure: AttackedService;
beforeAll(async () => {
  const settings = { FLEETKEY_RESETS_MAX: String(RATE), FLEETKEY_PINGS_MAX: String(RATE) };
  clear = await startAttacked(processes, settings);
  secure = await startAttacked(processes, settings, certificate);
});
afterAll(() => certificate.remove());

const HEALTH = requestBlock("/healthz", {}, "GET");
const AUTHENTIC = requestBlock(VERIFY, { ...JSON_TYPE, ...CREDENTIAL });
const EMPTY = Buffer.alloc(0);
const PING = frame(FRAME.ping, 0, 0, Buffer.alloc(8));
const NUMBERS = { nextStream: 1 };

/** Streams have odd numbers that go up; each connection begins anew. */
function nextStream(): number {
  NUMBERS.nextStream += 2;
  return NUMBERS.nextStream;
}

interface Flood {
  readonly what: string;
  readonly before?: readonly Buffer[];
  readonly next: () => Buffer;
}

const ENDED: readonly Flood[] = [
  { what: "pings", next: () => PING },
  { what: "empty settings", next: () => frame(FRAME.settings, 0, 0) },
  { what: "settings", next: () => frame(FRAME.settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100])) },
  {
    what: "calls that are reset at once",
    next() {
      const stream = nextStream();
      const reset = frame(FRAME.reset, 0, stream, Buffer.from([0, 0, 0, 8]));
      return Buffer.concat([frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, stream, HEALTH), reset]);
    },
  },
  {
    what: "calls that the server has to reset",
    next() {
      const stream = nextStream();
      const noIncrement = frame(FRAME.window, 0, stream, Buffer.alloc(4));
      return Buffer.concat([frame(FRAME.headers, FLAG.endHeaders, stream, HEALTH), noIncrement]);
    },
  },
  {
    what: "a header block that does not end",
    before: [frame(FRAME.headers, 0, 1, HEALTH)],
    next: () => frame(CONTINUATION, 0, 1, Buffer.from([0, 1, 0x61, 1, 0x61])),
  },
  {
    what: "a header block of nothing that does not end",
    before: [frame(FRAME.headers, 0, 1, HEALTH)],
    next: () => frame(CONTINUATION, 0, 1),
  },
  {
    what: "empty data of an open call",
    before: [frame(FRAME.headers, FLAG.endHeaders, 1, AUTHENTIC)],
    next: () => frame(FRAME.data, 0, 1, EMPTY),
  },
  { what: "priorities", next: () => frame(FRAME.priority, 0, 1, Buffer.from([0, 0, 0, 0, 1])) },
  { what: "priority updates", next: () => frame(PRIORITY_UPDATE, 0, 0, Buffer.from([0, 0, 0, 1, 0x75])) },
  { what: "frames of an unknown type", next: () => frame(0x77, 0, 0, Buffer.alloc(8)) },
  {
    what: "acknowledgements of pings that nobody sent",
    next: () => frame(FRAME.ping, FLAG.ack, 0, Buffer.alloc(8)),
  },
  { what: "acknowledgements of settings that nobody sent", next: () => frame(FRAME.settings, FLAG.ack, 0) },
];

/** nghttp2 takes them for 0.06 microseconds each, with no call of JavaScript that could count them. */
const BORNE: readonly Flood[] = [
  {
    what: "empty data of a call that is over",
    before: [frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, HEALTH)],
    next: () => frame(FRAME.data, 0, 1, EMPTY),
  },
  { what: "window updates", next: () => frame(FRAME.window, 0, 0, Buffer.from([0, 0, 0, 1])) },
];

async function flood(raw: RawHttp2, { before = [], next }: Flood): Promise<number> {
  NUMBERS.nextStream = 1;
  await raw.send(...before);
  let sent = 0;
  for (let batch = 0; batch < BATCHES_MAX && !raw.isClosed(); batch += 1) {
    await raw.send(...Array.from({ length: BATCH }, next));
    sent += BATCH;
  }
  return sent;
}

const TARGETS = [
  { over: "clear text", target: () => clear },
  { over: "TLS", target: () => secure },
];

describe.each(TARGETS)("over $over", ({ target }) => {
  it.each(ENDED)("a flood of $what ends the connection", async (attack) => {
    await attackBesideOthers(target(), async () => {
      const raw = await openRawHttp2(target().url, target().ca);
      await flood(raw, attack);
      await raw.closed;
    });
  });

  it.each(BORNE)("a flood of $what keeps nobody waiting", async (attack) => {
    await attackBesideOthers(target(), async () => {
      const raw = await openRawHttp2(target().url, target().ca);
      if (attack.before !== undefined) {
        await raw.send(...attack.before);
        await raw.received(({ stream, flags }) => stream === 1 && (flags & FLAG.endStream) !== 0);
      }
      expect(await flood(raw, { ...attack, before: [] })).toBe(BATCH * BATCHES_MAX);
      await raw.send(PING);
      await raw.received(({ type, flags }) => type === FRAME.ping && flags === FLAG.ack);
      raw.close();
    });
  });

  it("a flood of pings whose answers are not read ends the connection", async () => {
    await attackBesideOthers(target(), async () => {
      const raw = await openRawHttp2(target().url, target().ca);
      raw.socket.pause();
      await flood(raw, { what: "pings", next: () => PING });
      // Whoever reads nothing learns of the end by writing.
      while (!raw.isClosed()) await raw.send(PING);
    });
  });

  it.each([
    { what: "pings", each: PING },
    { what: "settings", each: frame(FRAME.settings, 0, 0) },
  ])("$what up to the burst are answered, and then the connection ends in calm", async ({ each }) => {
    const raw = await openRawHttp2(target().url, target().ca);
    const isAnswer = ({ type, flags }: Frame) => type === each.readUInt8(3) && flags === FLAG.ack;
    // The settings of the preface count, and are answered, too.
    const counted = () => raw.frames().filter(isAnswer).length + (each === PING ? 1 : 0);
    await raw.send(...Array<Buffer>(BURST - 1).fill(each));
    await raw.received(() => counted() === BURST);
    await raw.send(...Array<Buffer>(BURST).fill(each));
    const goaway = await raw.received(({ type }) => type === FRAME.goaway);
    expect(goaway.payload.readUInt32BE(4)).toBe(CALM);
    await raw.closed;
  });

  it("resets up to the burst are taken, and those after it end the connection", async () => {
    const raw = await openRawHttp2(target().url, target().ca);
    NUMBERS.nextStream = 1;
    const next = ENDED.find(({ what }) => what === "calls that are reset at once")?.next ?? (() => PING);
    await raw.send(...Array.from({ length: BURST - 10 }, next));
    await raw.send(PING);
    await raw.received(({ type, flags }) => type === FRAME.ping && flags === FLAG.ack);
    expect(raw.isClosed()).toBe(false);
    await raw.send(...Array.from({ length: BURST }, next));
    await raw.closed;
  });
});
