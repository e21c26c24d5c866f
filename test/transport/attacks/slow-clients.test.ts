// Clients that keep something open by being slow: each is cut off when its time is over, over both protocols,
// in clear text and over TLS, while others are answered.
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useProcesses } from "../../system/process.ts";
import {
  CONTINUATION,
  FLAG,
  FRAME,
  type Frame,
  frame,
  openRawHttp2,
  PREFACE,
  type RawHttp2,
  requestBlock,
} from "../wire/frames.ts";
import { openHttp1 } from "../wire/http1.ts";
import { selfSigned } from "../wire/self-signed.ts";
import {
  type AttackedService,
  attackBesideOthers,
  CREDENTIAL,
  JSON_TYPE,
  startAttacked,
  VERIFY,
} from "./attacked-service.ts";

const MS_MAX = 1_500;
const SETTINGS = {
  FLEETKEY_HEADERS_TIMEOUT: `${MS_MAX}ms`,
  FLEETKEY_BODY_TIMEOUT: `${MS_MAX}ms`,
  FLEETKEY_IDLE_TIMEOUT: `${MS_MAX}ms`,
};
/** Of one slow byte after another; far shorter than any deadline. */
const DRIP_MS = 50;
const ATTACKERS = 5;

const certificate = selfSigned();
const processes = useProcesses(afterAll);
let clear: AttackedService;
let secure: AttackedService;
let clearBeginning: AttackedService;
let secureBeginning: AttackedService;
beforeAll(async () => {
  const beginning = { FLEETKEY_HEADERS_TIMEOUT: `${MS_MAX}ms` };
  clearBeginning = await startAttacked(processes, beginning);
  secureBeginning = await startAttacked(processes, beginning, certificate);
  clear = await startAttacked(processes, SETTINGS);
  secure = await startAttacked(processes, SETTINGS, certificate);
});
afterAll(() => certificate.remove());

/** Sends byte after byte until the connection is gone. */
function drip(socket: Socket, bytes = "x"): void {
  const timer = setInterval(() => socket.write(bytes), DRIP_MS);
  socket.once("close", () => clearInterval(timer));
}

/** Many attackers at once, each of them cut off, and none before its time. */
async function expectCutOff(target: AttackedService, attack: () => Promise<void>): Promise<void> {
  const started = performance.now();
  await attackBesideOthers(target, async () => {
    await Promise.all(Array.from({ length: ATTACKERS }, attack));
  });
  expect(performance.now() - started).toBeGreaterThan(MS_MAX * 0.8);
}

const HEAD = "content-type: application/json\r\n";
const CREDENTIAL_LINE = `authorization: ${CREDENTIAL.authorization}\r\n`;
const post = (headers: string) => `POST ${VERIFY} HTTP/1.1\r\nhost: a\r\n${headers}`;

const HTTP1_ATTACKS = [
  { what: "headers that do not end", bytes: post("x-slow: ") },
  { what: "a first line that does not end", bytes: "GET /healthz" },
  {
    what: "a body that does not end",
    bytes: post(`${HEAD}${CREDENTIAL_LINE}content-length: 60000\r\n\r\n{`),
  },
  { what: "a refused body that does not end", bytes: post(`${HEAD}content-length: 60000\r\n\r\n{`) },
  {
    what: "a body in chunks that does not end",
    bytes: post(`${HEAD}${CREDENTIAL_LINE}transfer-encoding: chunked\r\n\r\nffff\r\n{`),
  },
  {
    what: "a body that nobody reads",
    bytes: "POST /healthz HTTP/1.1\r\nhost: a\r\ncontent-length: 60000\r\n\r\n",
  },
];

const HTTP2_ATTACKS: readonly { what: string; open: (raw: RawHttp2) => Promise<void> }[] = [
  {
    what: "a body that does not end",
    async open(raw) {
      const block = requestBlock(VERIFY, { ...JSON_TYPE, ...CREDENTIAL });
      await raw.send(frame(FRAME.headers, FLAG.endHeaders, 1, block));
      dripFrames(raw);
    },
  },
  {
    what: "a refused body that does not end",
    async open(raw) {
      await raw.send(frame(FRAME.headers, FLAG.endHeaders, 1, requestBlock(VERIFY, JSON_TYPE)));
      dripFrames(raw);
    },
  },
  {
    what: "a gRPC message that does not end",
    async open(raw) {
      const block = requestBlock(VERIFY, {
        "content-type": "application/grpc",
        te: "trailers",
        ...CREDENTIAL,
      });
      await raw.send(frame(FRAME.headers, FLAG.endHeaders, 1, block));
      dripFrames(raw);
    },
  },
  {
    what: "a refused stream that does not end",
    async open(raw) {
      const block = requestBlock("/fleetkey.v1.KeyService/Import", {
        "content-type": "application/grpc",
        te: "trailers",
      });
      await raw.send(frame(FRAME.headers, FLAG.endHeaders, 1, block));
      dripFrames(raw);
    },
  },
];

function dripFrames(raw: RawHttp2): void {
  const timer = setInterval(() => raw.socket.write(frame(FRAME.data, 0, 1, Buffer.from("x"))), DRIP_MS);
  raw.socket.once("close", () => clearInterval(timer));
}

const TARGETS = [
  { over: "clear text", target: () => clear },
  { over: "TLS", target: () => secure },
];

const BEGINNERS = [
  { over: "clear text", target: () => clearBeginning },
  { over: "TLS", target: () => secureBeginning },
];

describe.each(TARGETS)("over $over", ({ target }) => {
  it.concurrent.each(HTTP1_ATTACKS)("in HTTP/1.1 $what cut off", async ({ bytes }) => {
    await expectCutOff(target(), async () => {
      const connection = await openHttp1(target().url, target().ca);
      connection.send(bytes);
      drip(connection.socket);
      await connection.closed;
    });
  });

  it.concurrent.each(HTTP2_ATTACKS)(
    "in HTTP/2 $what ends its stream, and then the connection",
    async ({ open }) => {
      await expectCutOff(target(), async () => {
        const raw = await openRawHttp2(target().url, target().ca);
        await open(raw);
        await raw.received(({ type, stream }) => type === FRAME.reset && stream === 1);
        await raw.closed;
      });
    },
  );

  it.concurrent("in HTTP/2 a stream without a message is told so, and then the connection ends", async () => {
    await expectCutOff(target(), async () => {
      const raw = await openRawHttp2(target().url, target().ca);
      const gRpc = { "content-type": "application/grpc", te: "trailers", ...CREDENTIAL };
      const block = requestBlock("/fleetkey.v1.KeyService/Import", gRpc);
      await raw.send(frame(FRAME.headers, FLAG.endHeaders, 1, block));
      const isEnd = ({ stream, flags }: Frame) => stream === 1 && (flags & FLAG.endStream) !== 0;
      expect((await raw.received(isEnd)).type).toBe(FRAME.headers);
      await raw.closed;
    });
    expect(target().service.run.stderr).toMatch(/KeyService\/Import","code":"DeadlineExceeded"/);
  });

  it.concurrent("in HTTP/2 a call whose answer is not taken ends, and then the connection", async () => {
    await expectCutOff(target(), async () => {
      const raw = await openRawHttp2(target().url, target().ca);
      const noWindow = Uint8Array.of(0, 4, 0, 0, 0, 0);
      const block = requestBlock(VERIFY, { ...JSON_TYPE, ...CREDENTIAL });
      await raw.send(
        frame(FRAME.settings, 0, 0, noWindow),
        frame(FRAME.headers, FLAG.endHeaders, 1, block),
        frame(FRAME.data, FLAG.endStream, 1, Buffer.from('{"apiKey":"x"}')),
      );
      await raw.received(({ type, stream }) => type === FRAME.headers && stream === 1);
      await raw.received(({ type, stream }) => type === FRAME.reset && stream === 1);
      await raw.closed;
      expect(raw.frames().filter(({ type }) => type === FRAME.data)).toEqual([]);
    });
  });

  it.concurrent("in HTTP/2 a connection without a call ends with a GOAWAY, whatever it pings", async () => {
    await expectCutOff(target(), async () => {
      const raw = await openRawHttp2(target().url, target().ca);
      const timer = setInterval(() => raw.socket.write(frame(FRAME.ping, 0, 0, Buffer.alloc(8))), DRIP_MS);
      await raw.received(({ type }) => type === FRAME.goaway);
      await raw.closed;
      clearInterval(timer);
    });
  });

  it.concurrent("in HTTP/1.1 a connection without a call ends", async () => {
    await expectCutOff(target(), async () => {
      const connection = await openHttp1(target().url, target().ca);
      expect(await connection.request({ method: "GET", path: "/healthz" })).toMatchObject({ status: 200 });
      await connection.closed;
    });
  });

  it.concurrent("in HTTP/2 a header block that does not end, and is not ended", async () => {
    await expectCutOff(target(), async () => {
      const raw = await openRawHttp2(target().url, target().ca);
      await raw.send(frame(FRAME.headers, 0, 1, requestBlock(VERIFY)), frame(CONTINUATION, 0, 1));
      await raw.closed;
    });
  });
});

// Their idle timeout is the default's five minutes: what ends them is the deadline of the beginning.
describe.each(BEGINNERS)("over $over a beginning", ({ target }) => {
  it.concurrent.each([
    { what: "half a preface", bytes: PREFACE.subarray(0, 10) },
    { what: "a preface without settings", bytes: PREFACE },
    {
      what: "a preface with half of its settings",
      bytes: Buffer.concat([PREFACE, frame(4, 0, 0).subarray(0, 5)]),
    },
  ])("in HTTP/2 of $what is cut off", async ({ bytes }) => {
    await expectCutOff(target(), async () => {
      const raw = await openRawHttp2(target().url, target().ca, false);
      await raw.send(bytes);
      await raw.closed;
    });
  });
});

describe("a connection that says nothing", () => {
  const connectTo = async ({ url }: AttackedService): Promise<Socket> => {
    const { hostname: host, port } = new URL(url);
    const socket = connect({ host, port: Number(port) }).on("error", () => {});
    await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
    socket.resume();
    return socket;
  };
  const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()));

  it.concurrent.each(TARGETS)("over $over is cut off", async ({ target }) => {
    await expectCutOff(target(), async () => closed(await connectTo(target())));
  });

  it.concurrent("in the middle of a TLS handshake is cut off, also going on byte by byte", async () => {
    // A record of a ClientHello with 512 bytes, of which none is right and most never come.
    const record = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
    await expectCutOff(secure, async () => {
      const socket = await connectTo(secure);
      socket.write(record);
      drip(socket);
      await closed(socket);
    });
  });
});

describe("answers that are not taken", () => {
  /** Their answers are more than the buffers of both sides hold. */
  const REQUESTS = 60_000;

  it.each(TARGETS)("in HTTP/1.1 over $over end the connection", async ({ target }) => {
    await attackBesideOthers(target(), async () => {
      const connection = await openHttp1(target().url, target().ca);
      connection.socket.pause();
      connection.send("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n".repeat(REQUESTS));
      // Whoever reads nothing learns of the end by writing.
      drip(connection.socket);
      await connection.closed;
    });
  });
});
