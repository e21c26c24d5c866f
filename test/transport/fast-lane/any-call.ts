// Calls of Verify of all kinds, plain ones and odd ones, as they go over the wire.
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { ROOT_KEY } from "../../running-service.ts";
import { envelope } from "../wire/grpc.ts";
import { anyBinary, anyJson, mostly } from "./any-message.ts";
import type { Keys } from "./keys.ts";
import { CALLER_HEADER, ORIGIN } from "./road.ts";

export type Header = readonly [string, string];

export interface AnyCall {
  readonly http: 1 | 2;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly Header[];
  readonly body: Buffer;
  /** Where the body is cut into pieces that are sent one after the other. */
  readonly cuts: readonly number[];
  readonly trailers: boolean;
  readonly framing: "length" | "none" | "wrong length";
  /** What happens in both worlds before. */
  readonly before: "nothing" | "forget" | "store is away";
}

const PATH = "/fleetkey.v1.KeyService/Verify";
const anyPath = mostly(
  fc.constant(PATH),
  fc.constantFrom(`${PATH}?a=b`, `${PATH}?`, `${PATH}/`, "/fleetkey.v1.KeyService/verify", `/${PATH}`, "/"),
  40,
);
const anyMethod = mostly(fc.constant("POST"), fc.constantFrom("GET", "PUT", "OPTIONS", "HEAD", "DELETE"), 40);

const none = fc.constant<readonly Header[]>([]);
const header = (name: string, ...values: readonly string[]) =>
  fc.constantFrom(...values).map((value): readonly Header[] => [[name, value]]);

const ACCEPT = ["gzip", "identity,deflate,gzip", "br, gzip", "deflate", "", "gzip;q=0", "*"];
const ENCODINGS = ["identity", "gzip", "br", "deflate", ""];
const TIMES = ["100", "0", "60000", "60001", "9999999999", "12345678901", "-1", "x", "", "1.5", "5S", "250m"];
const GRPC_TIMES = [...TIMES, "60S", "61S", "1M", "2M", "1H", "0n", "99999999n", "100000000n", "5s", "5 S"];

/** Headers that neither road may mind, or both. */
const anyOthers = mostly(
  none,
  fc.oneof(
    header("user-agent", "grpc-go/1.66", ""),
    header("connect-protocol-version", "1", "2", ""),
    header("origin", ORIGIN, "https://evil.example", "null"),
    header("expect", "100-continue", "x"),
    header("x-request-id", "1", "é"),
    header("content-language", "de"),
    header("accept", "*/*"),
  ),
  8,
);

function anyCredential(keys: Keys): fc.Arbitrary<readonly Header[]> {
  const bearer = (key: string) => `Bearer ${key}`;
  const { caller = "", callerOfOrg = "" } = keys;
  const right = fc.constantFrom<readonly Header[]>(
    [["authorization", bearer(caller)]],
    [["x-api-key", caller]],
    [[CALLER_HEADER, caller]],
    [["authorization", bearer(ROOT_KEY)]],
    [["authorization", bearer(callerOfOrg)]],
  );
  const wrong = fc.oneof(
    fc.constantFrom<readonly Header[]>(
      [],
      [["authorization", bearer("wrong")]],
      [["authorization", "Basic eDp5"]],
      [["authorization", `bearer   ${caller}`]],
      [["authorization", caller]],
      [["authorization", ""]],
      [
        ["authorization", bearer(caller)],
        ["authorization", bearer(caller)],
      ],
      [
        ["authorization", bearer(caller)],
        ["authorization", bearer("wrong")],
      ],
      [
        ["authorization", bearer(caller)],
        ["x-api-key", caller],
      ],
      [
        ["authorization", bearer(caller)],
        ["x-api-key", ROOT_KEY],
      ],
      [
        ["x-api-key", caller],
        ["x-api-key", caller],
      ],
      [
        ["x-api-key", caller],
        [CALLER_HEADER, "other"],
      ],
      [["x-api-key", ""]],
      [["x-api-key", "é"]],
    ),
    fc.constantFrom(...Object.values(keys)).map((key): readonly Header[] => [["x-api-key", key]]),
  );
  return mostly(right, wrong, 10);
}

const CONTENT_TYPES = [
  "application/grpc",
  "application/grpc+proto",
  "application/grpc+json",
  "application/grpc-web",
  "application/grpc-web+proto",
  "application/proto",
  "application/json",
  "application/json; charset=utf-8",
  "application/JSON",
  "application/connect+json",
  "application/connect+proto",
  "text/plain",
  "",
  " application/json",
];

interface Payload {
  readonly headers: readonly Header[];
  readonly body: Buffer;
}

function anyGrpc(keys: Keys): fc.Arbitrary<Payload> {
  const message = anyBinary(keys);
  const framed = mostly(
    message.map((bytes) => envelope(bytes)),
    fc.oneof(
      message.map((bytes) => envelope(bytes, 1)),
      message.map((bytes) => envelope(bytes, 2)),
      message.map((bytes) => envelope(gzipSync(bytes), 1)),
      message.map((bytes) => Buffer.concat([envelope(bytes), envelope(bytes)])),
      message.map((bytes) => Buffer.concat([envelope(bytes), Buffer.from([0])])),
      fc.tuple(message, fc.nat(60)).map(([bytes, count]) => {
        const whole = envelope(bytes);
        return whole.subarray(0, Math.max(0, whole.length - count));
      }),
      fc.constantFrom(Buffer.alloc(0), Buffer.alloc(5), Buffer.alloc(4), envelope(Buffer.alloc(4_097, 1))),
    ),
    6,
  );
  return fc
    .tuple(
      framed,
      mostly(
        fc.constantFrom("application/grpc", "application/grpc+proto"),
        fc.constantFrom(...CONTENT_TYPES),
        12,
      ),
      mostly(none, fc.oneof(header("grpc-encoding", ...ENCODINGS), header("content-encoding", ...ENCODINGS))),
      mostly(none, header("grpc-accept-encoding", ...ACCEPT), 2),
      mostly(
        fc.oneof(none, header("grpc-timeout", "5S", "250m", "60S")),
        header("grpc-timeout", ...GRPC_TIMES),
      ),
      mostly(header("te", "trailers"), none),
    )
    .map(([body, type, ...others]) => ({ body, headers: [["content-type", type], ...others.flat()] }));
}

function anyConnect(keys: Keys): fc.Arbitrary<Payload> {
  const kinds = fc.oneof(
    anyBinary(keys).map((body) => ({ body, usual: "application/proto" })),
    anyJson(keys).map((body) => ({ body, usual: "application/json" })),
  );
  return fc
    .tuple(
      kinds,
      mostly(fc.constant(undefined), fc.constantFrom<string | undefined>(...CONTENT_TYPES), 12),
      mostly(none, header("content-encoding", ...ENCODINGS)),
      mostly(none, header("accept-encoding", ...ACCEPT), 2),
      mostly(
        fc.oneof(none, header("connect-timeout-ms", "100", "60000")),
        header("connect-timeout-ms", ...TIMES),
      ),
      fc.boolean(),
    )
    .map(([{ body, usual }, type, encoding, accept, timeout, isCompressed]) => {
      const headers: Header[] = [["content-type", type ?? usual], ...encoding, ...accept, ...timeout];
      const isGzip = encoding.some(([, value]) => value === "gzip");
      return { headers, body: isGzip && isCompressed ? gzipSync(body) : body };
    });
}

/** `http` 1 has Connect alone: what it makes of gRPC is the stock road's. */
export function anyCall(keys: Keys, http: 1 | 2): fc.Arbitrary<AnyCall> {
  const payload =
    http === 1 ? mostly(anyConnect(keys), anyGrpc(keys), 20) : fc.oneof(anyGrpc(keys), anyConnect(keys));
  return fc
    .record({
      http: fc.constant(http),
      method: anyMethod,
      path: anyPath,
      payload,
      credential: anyCredential(keys),
      others: anyOthers,
      cuts: mostly(fc.constant<readonly number[]>([]), fc.array(fc.nat(300), { minLength: 1, maxLength: 4 })),
      trailers: mostly(fc.constant(false), fc.constant(true), 20),
      framing: mostly(
        fc.constant<AnyCall["framing"]>("length"),
        fc.constantFrom<AnyCall["framing"]>("none", "wrong length"),
        8,
      ),
      before: mostly(
        fc.constant<AnyCall["before"]>("nothing"),
        fc.constantFrom<AnyCall["before"]>("forget", "store is away"),
        5,
      ),
    })
    .map(({ payload: { headers, body }, credential, others, ...call }) => ({
      ...call,
      ...{ body, headers: [...headers, ...credential, ...others] },
    }));
}
