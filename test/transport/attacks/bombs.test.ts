// What is small on the wire and large inside, and what does not end: headers, compressed messages, bodies.
// Each is refused at the bound, with little memory, while others are answered.
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useProcesses } from "../../system/process.ts";
import { readErrorJson } from "../clients/client.ts";
import { FLAG, FRAME, frame, indexedLiteral, openRawHttp2, requestBlock } from "../wire/frames.ts";
import { grpcHeaders, gzippedEnvelope } from "../wire/grpc.ts";
import { openHttp1 } from "../wire/http1.ts";
import { openHttp2 } from "../wire/http2.ts";
import { selfSigned } from "../wire/self-signed.ts";
import {
  type AttackedService,
  attackBesideOthers,
  CREDENTIAL,
  JSON_TYPE,
  startAttacked,
  VERIFY,
} from "./attacked-service.ts";

const HEADER_BYTES_MAX = 8_192;
const BODY_BYTES_MAX = 16_384;
const SETTINGS = {
  FLEETKEY_HEADER_BYTES_MAX: String(HEADER_BYTES_MAX),
  FLEETKEY_BODY_BYTES_MAX: String(BODY_BYTES_MAX),
  FLEETKEY_BODY_TIMEOUT: "2s",
};
const MIB = 1_048_576;
const ROUNDS = 20;

const certificate = selfSigned();
const processes = useProcesses(afterAll);
let clear: AttackedService;
let secure: AttackedService;
beforeAll(async () => {
  clear = await startAttacked(processes, SETTINGS);
  secure = await startAttacked(processes, SETTINGS, certificate);
});
afterAll(() => certificate.remove());

const TARGETS = [
  { over: "clear text", target: () => clear },
  { over: "TLS", target: () => secure },
];
const HEADERS = { ...JSON_TYPE, ...CREDENTIAL };

describe.each(TARGETS)("over $over a header", ({ target }) => {
  const get = (bytes: number) => ({
    method: "GET",
    path: "/healthz",
    headers: { "x-large": "x".repeat(bytes) },
  });

  it("in HTTP/1.1 is taken up to the limit and refused above it", async () => {
    const connection = await openHttp1(target().url, target().ca);
    expect(await connection.request(get(HEADER_BYTES_MAX - 200))).toMatchObject({ status: 200 });
    expect(await connection.request(get(HEADER_BYTES_MAX + 200))).toMatchObject({ status: 431 });
    await connection.closed;
  });

  it("in HTTP/2 is taken up to the limit and refused above it, on its own", async () => {
    const connection = openHttp2(target().url, { ca: target().ca });
    const ask = (bytes: number) => connection.request({ ":path": "/healthz", ...get(bytes).headers });
    expect(await ask(HEADER_BYTES_MAX - 500)).toMatchObject({ status: 200 });
    await expect(ask(HEADER_BYTES_MAX + 500)).rejects.toThrow(/ENHANCE_YOUR_CALM/);
    expect(await ask(10)).toMatchObject({ status: 200 });
    connection.close();
  });

  it("in HTTP/1.1 without an end is refused at the limit", async () => {
    await attackBesideOthers(target(), async () => {
      const connection = await openHttp1(target().url, target().ca);
      connection.send("GET /healthz HTTP/1.1\r\nhost: a\r\n");
      const timer = setInterval(() => connection.send("x-more: yyyyyyyyyyyyyyyy\r\n".repeat(100)), 1);
      await connection.closed;
      clearInterval(timer);
    });
  });

  it("in HTTP/2 that is unpacked to megabytes by HPACK is refused, again and again", async () => {
    await attackBesideOthers(target(), async () => {
      const raw = await openRawHttp2(target().url, target().ca);
      // 4,000 bytes in the table, and 12,000 times one byte that stands for them: 48 MB.
      const start = requestBlock("/healthz", {}, "GET");
      const bomb = Buffer.concat([start, indexedLiteral("x", "y".repeat(4_000)), Buffer.alloc(12_000, 0xbe)]);
      for (let round = 0; round < ROUNDS; round += 1) {
        const stream = round * 2 + 1;
        await raw.send(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, stream, bomb));
        const end = await raw.received(({ type, stream: of }) => type === FRAME.reset && of === stream);
        expect(end.payload.readUInt32BE(0)).toBe(11);
      }
      expect(raw.frames().filter(({ type }) => type === FRAME.headers)).toEqual([]);
      raw.close();
    });
  });
});

const PACKINGS = [
  { coding: "gzip", pack: (bytes: Buffer) => gzipSync(bytes) },
  {
    coding: "br",
    pack: (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  },
];

/** JSON of exactly so many bytes. */
const jsonOf = (bytes: number) => Buffer.from('{"apiKey":"x"}'.padEnd(bytes, " "));

describe.each(TARGETS)("over $over a message", ({ target }) => {
  it.each(PACKINGS)("of $coding is taken up to the limit and refused above it", async ({ coding, pack }) => {
    const connection = await openHttp1(target().url, target().ca);
    const headers = { ...HEADERS, "content-encoding": coding };
    const ask = (bytes: number) => connection.request({ path: VERIFY, headers, body: pack(jsonOf(bytes)) });
    expect(await ask(BODY_BYTES_MAX)).toMatchObject({ status: 200 });
    const refused = await ask(BODY_BYTES_MAX + 1);
    expect(refused.status).toBe(429);
    expect(readErrorJson(refused.body).code).toBe("resource_exhausted");
    connection.close();
  });

  it.each(PACKINGS)("that is a bomb of $coding is not unpacked further", async ({ coding, pack }) => {
    const bomb = pack(jsonOf(64 * MIB));
    await attackBesideOthers(target(), async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const connection = openHttp2(target().url, { ca: target().ca });
        const path = { ":method": "POST", ":path": VERIFY, "content-encoding": coding };
        const answer = await connection.request({ ...HEADERS, ...path }, bomb).catch(() => undefined);
        // Who sends more than is read of a refused call can miss the answer, not the end.
        if (answer !== undefined) expect(readErrorJson(answer.body).code).toBe("resource_exhausted");
        connection.close();
      }
    });
  });

  it("of gRPC that is a bomb is not unpacked further", async () => {
    const bomb = gzippedEnvelope(Buffer.alloc(64 * MIB));
    await attackBesideOthers(target(), async () => {
      const connection = openHttp2(target().url, { ca: target().ca });
      const headers = grpcHeaders(VERIFY, { ...CREDENTIAL, "grpc-encoding": "gzip" });
      for (let round = 0; round < ROUNDS; round += 1) {
        const answer = await connection.request(headers, bomb);
        expect(answer.trailers["grpc-status"] ?? answer.headers["grpc-status"]).toBe("8");
      }
      connection.close();
    });
  });
});

describe.each(TARGETS)("over $over a body that does not end", ({ target }) => {
  const CHUNK = Buffer.alloc(16_384, " ");

  it.each([
    { whose: "with a credential", headers: HEADERS },
    { whose: "without one", headers: JSON_TYPE },
  ])("in HTTP/1.1 $whose ends the connection", async ({ headers }) => {
    await attackBesideOthers(target(), async () => {
      const connection = await openHttp1(target().url, target().ca);
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      connection.send(
        `POST ${VERIFY} HTTP/1.1\r\nhost: a\r\n${lines.join("")}transfer-encoding: chunked\r\n\r\n`,
      );
      const timer = setInterval(() => {
        connection.send(`4000\r\n${CHUNK}\r\n`);
      }, 1);
      await connection.closed;
      clearInterval(timer);
    });
  });

  it.each([
    { whose: "with a credential", headers: HEADERS },
    { whose: "without one", headers: JSON_TYPE },
  ])("in HTTP/2 $whose ends its stream", async ({ headers }) => {
    await attackBesideOthers(target(), async () => {
      const raw = await openRawHttp2(target().url, target().ca);
      await raw.send(frame(FRAME.headers, FLAG.endHeaders, 1, requestBlock(VERIFY, headers)));
      // As much as the window of a stream lets through; the rest is for the server to ask for.
      for (let sent = 0; sent < 3; sent += 1) await raw.send(frame(FRAME.data, 0, 1, CHUNK));
      await raw.received(({ type, stream }) => type === FRAME.headers && stream === 1);
      const sending = setInterval(() => void raw.send(frame(FRAME.data, 0, 1, Buffer.from(" "))), 5);
      await raw.received(({ type, stream }) => type === FRAME.reset && stream === 1);
      clearInterval(sending);
      raw.close();
    });
  });
});
