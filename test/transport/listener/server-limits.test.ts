// How much of a body is read: 64 KiB of a call with a credential, 1 MiB of one that holds many, 4 KiB of one
// that anybody may send, compressed or not, at the bound and one byte above it.
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT_KEY, type RunningService, runService } from "../../running-service.ts";
import { readErrorJson } from "../clients/client.ts";
import { envelope, grpcHeaders, gzippedEnvelope } from "../wire/grpc.ts";
import { callHttp1, type Http1Answer } from "../wire/http1.ts";
import { type Http2Connection, openHttp2 } from "../wire/http2.ts";

const SERVICE = "/fleetkey.v1.KeyService";
const CREDENTIAL = { authorization: `Bearer ${ROOT_KEY}` };
const JSON_TYPE = { "content-type": "application/json" };
const BYTES_MAX = 65_536;
const BATCH_BYTES_MAX = 1_048_576;
const POSSESSION_BYTES_MAX = 4_096;
/** Of the bombs: far above both bounds when unpacked, far below when packed. */
const BOMB_BYTES = 2_000_000;

const GRPC_RESOURCE_EXHAUSTED = "8";
const GRPC_UNAUTHENTICATED = "16";

let service: RunningService;
let http2: Http2Connection;
beforeAll(async () => {
  service = await runService();
  http2 = openHttp2(service.url);
});
afterAll(async () => {
  http2.close();
  await service.stop();
});

/** JSON of exactly so many bytes; the white space is not part of the message but has to be read. */
function jsonOf(bytes: number, message = "{}"): string {
  return message.padEnd(bytes, " ");
}

function post(rpc: string, body: string | Uint8Array, headers: Readonly<Record<string, string>>) {
  return callHttp1(service.url, { path: `${SERVICE}/${rpc}`, headers: { ...JSON_TYPE, ...headers }, body });
}

function expectTooLarge(answer: Http1Answer): void {
  expect(answer.status).toBe(429);
  expect(readErrorJson(answer.body).code).toBe("resource_exhausted");
}

describe("a body with a credential", () => {
  it("is read up to 64 KiB", async () => {
    expect(await post("List", jsonOf(BYTES_MAX), CREDENTIAL)).toMatchObject({ status: 200 });
    expectTooLarge(await post("List", jsonOf(BYTES_MAX + 1), CREDENTIAL));
  });

  it("that holds many calls is read up to 1 MiB", async () => {
    expect(await post("BatchVerify", jsonOf(BATCH_BYTES_MAX), CREDENTIAL)).toMatchObject({ status: 200 });
    expectTooLarge(await post("BatchVerify", jsonOf(BATCH_BYTES_MAX + 1), CREDENTIAL));
  });

  it("is read up to 64 KiB without a length, too", async () => {
    const chunked = (bytes: number) =>
      post("List", `${bytes.toString(16)}\r\n${jsonOf(bytes)}\r\n0\r\n\r\n`, {
        ...CREDENTIAL,
        "transfer-encoding": "chunked",
      });
    expect(await chunked(BYTES_MAX)).toMatchObject({ status: 200 });
    expectTooLarge(await chunked(BYTES_MAX + 1));
  });

  it.each(["Refresh", "Revoke"])("of a call that anybody may make is read up to 4 KiB: %s", async (rpc) => {
    const message = '{"keyId":"flk_uAAAAAAAAAAA"}';
    const answer = await post(rpc, jsonOf(POSSESSION_BYTES_MAX, message), CREDENTIAL);
    expect(answer).toMatchObject({ status: 404 });
    expectTooLarge(await post(rpc, jsonOf(POSSESSION_BYTES_MAX + 1, message), CREDENTIAL));
  });
});

describe("a body without a credential", () => {
  it.each(["Refresh", "Revoke"])("is read up to 4 KiB: %s", async (rpc) => {
    const message = '{"apiKey":"x"}';
    expect(await post(rpc, jsonOf(POSSESSION_BYTES_MAX, message), {})).toMatchObject({ status: 401 });
    expectTooLarge(await post(rpc, jsonOf(POSSESSION_BYTES_MAX + 1, message), {}));
  });

  it.each(["Create", "Verify", "List", "RevokeAllForUser"])(
    "is of no interest otherwise: %s",
    async (rpc) => {
      expect(await post(rpc, jsonOf(BYTES_MAX + 1), {})).toMatchObject({ status: 401 });
    },
  );
});

describe("a compressed body", () => {
  const packings = [
    { coding: "gzip", pack: (text: string) => gzipSync(text) },
    // Its default quality takes seconds.
    {
      coding: "br",
      pack: (text: string) => brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
    },
  ];

  it.each(packings)("is bounded by what it unpacks to: $coding", async ({ coding, pack }) => {
    const headers = { ...CREDENTIAL, "content-encoding": coding };
    expect(await post("List", pack(jsonOf(BYTES_MAX)), headers)).toMatchObject({ status: 200 });
    expectTooLarge(await post("List", pack(jsonOf(BYTES_MAX + 1)), headers));
  });

  it.each(packings)(
    "that is a bomb is not unpacked further than the bound: $coding",
    async ({ coding, pack }) => {
      const bomb = pack(jsonOf(BOMB_BYTES, '{"apiKey":"x"}'));
      expect(bomb.length).toBeLessThan(POSSESSION_BYTES_MAX);
      for (const headers of [CREDENTIAL, {}]) {
        expectTooLarge(await post("Refresh", bomb, { ...headers, "content-encoding": coding }));
      }
      expectTooLarge(await post("Verify", bomb, { ...CREDENTIAL, "content-encoding": coding }));
      expect(await post("Verify", bomb, { "content-encoding": coding })).toMatchObject({ status: 401 });
    },
  );

  it("in a way that is not known is refused, and what is not compressed as it says, too", async () => {
    const unknown = await post("List", "{}", { ...CREDENTIAL, "content-encoding": "zip" });
    expect(readErrorJson(unknown.body).code).toBe("unimplemented");
    const plain = await post("List", "{}", { ...CREDENTIAL, "content-encoding": "gzip" });
    expect(readErrorJson(plain.body).code).toBe("invalid_argument");
  });
});

describe("a gRPC message", () => {
  async function statusOf(rpc: string, body: Uint8Array, headers: Readonly<Record<string, string>>) {
    const answer = await http2.request(grpcHeaders(`${SERVICE}/${rpc}`, headers), body);
    return answer.trailers["grpc-status"] ?? answer.headers["grpc-status"];
  }

  /** A message of exactly so many bytes, with one text: a tag, two or three bytes of length, the text. */
  function messageOf(bytes: number, field: number): Buffer {
    const length = bytes - (bytes > 16_386 ? 4 : 3);
    const varint =
      length > 16_383
        ? [(length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14]
        : [(length & 127) | 128, length >> 7];
    return Buffer.concat([Uint8Array.of((field << 3) | 2, ...varint), Buffer.alloc(length, "x")]);
  }

  it("has the same bounds", async () => {
    const apiKeyOf = (bytes: number) => envelope(messageOf(bytes, 1));
    expect(await statusOf("Verify", apiKeyOf(BYTES_MAX), CREDENTIAL)).toBe("0");
    expect(await statusOf("Verify", apiKeyOf(BYTES_MAX + 1), CREDENTIAL)).toBe(GRPC_RESOURCE_EXHAUSTED);
    const presented = (bytes: number) => envelope(messageOf(bytes, 3));
    expect(await statusOf("Revoke", presented(POSSESSION_BYTES_MAX), {})).toBe(GRPC_UNAUTHENTICATED);
    expect(await statusOf("Revoke", presented(POSSESSION_BYTES_MAX + 1), {})).toBe(GRPC_RESOURCE_EXHAUSTED);
  });

  it("that is a bomb is not unpacked further than the bound", async () => {
    const bomb = gzippedEnvelope(messageOf(BOMB_BYTES, 3));
    expect(bomb.length).toBeLessThan(POSSESSION_BYTES_MAX);
    const gzip = { "grpc-encoding": "gzip" };
    expect(await statusOf("Refresh", bomb, gzip)).toBe(GRPC_RESOURCE_EXHAUSTED);
    expect(await statusOf("Verify", bomb, { ...gzip, ...CREDENTIAL })).toBe(GRPC_RESOURCE_EXHAUSTED);
    expect(await statusOf("Verify", bomb, gzip)).toBe(GRPC_UNAUTHENTICATED);
  });

  it("that only says that it is large is refused by that", async () => {
    const head = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]);
    expect(await statusOf("Refresh", head, {})).toBe(GRPC_RESOURCE_EXHAUSTED);
  });
});
