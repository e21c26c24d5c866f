// Which calls the fast lane answers by itself: all the plain ones, with what clients add to them. And that a
// call which turns out to be odd is answered by the stock road with nothing lost of it.
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { VerifyResponseSchema } from "../../../gen/fleetkey/v1/key_service_pb.js";
import { ROOT_KEY } from "../../running-service.ts";
import { envelope } from "../wire/grpc.ts";
import type { AnyCall, Header } from "./any-call.ts";
import { binaryOf } from "./any-message.ts";
import { makeKeys } from "./keys.ts";
import { openRoad } from "./road.ts";
import { openSession, sendOverHttp1, sendOverHttp2 } from "./send.ts";

const CALL: Omit<AnyCall, "http" | "headers" | "body"> = {
  ...{ method: "POST", path: "/fleetkey.v1.KeyService/Verify", cuts: [], trailers: false },
  ...{ framing: "length", before: "nothing" },
};
const GRPC: Header = ["content-type", "application/grpc"];
const PROTO: Header = ["content-type", "application/proto"];
const JSON_TYPE: Header = ["content-type", "application/json"];

async function open() {
  const road = await openRoad({ hasLane: true });
  const keys = await makeKeys(road);
  const session = await openSession(road.url);
  const asked = { requiredScopes: [], expectedType: 0, clientAddress: "", userAgent: "" };
  const binary = (apiKey = keys.plain ?? "") => binaryOf({ ...asked, apiKey });
  const credential: Header = ["x-api-key", keys.caller ?? ""];
  const call = (http: 1 | 2, body: Buffer, headers: readonly Header[], more: Partial<AnyCall> = {}) => {
    const all = { ...CALL, http, headers: [...headers, credential], body, ...more };
    return http === 1 ? sendOverHttp1(road.url, all) : sendOverHttp2(session, all);
  };
  // What is not in memory the stock road reads.
  await call(2, binary(), [PROTO]);
  Object.assign(road.counts, { taken: 0, handedOver: 0 });
  return { road, keys, binary, call, session };
}

describe("The lane answers", () => {
  it.each<[string, readonly Header[]]>([
    ["gRPC", [GRPC]],
    ["gRPC by its longer name", [["content-type", "application/grpc+proto"]]],
    ["grpc-go", [GRPC, ["te", "trailers"], ["user-agent", "grpc-go/1.66.0"], ["grpc-timeout", "4998m"]]],
    ["grpc-js", [GRPC, ["te", "trailers"], ["grpc-accept-encoding", "identity,deflate,gzip"]]],
    ["gRPC with tracing", [GRPC, ["traceparent", "00-1-2-01"], ["grpc-trace-bin", "AAA"]]],
  ])("%s", async (_, headers) => {
    const { road, binary, call } = await open();
    const { status, trailers, body } = await call(2, envelope(binary()), headers, { framing: "none" });
    expect({ status, trailers }).toEqual({ status: 200, trailers: { "grpc-status": "0" } });
    expect(fromBinary(VerifyResponseSchema, Buffer.from(body, "latin1").subarray(5)).valid).toBe(true);
    expect(road.counts).toEqual({ taken: 1, handedOver: 0 });
  });

  it.each<[string, readonly Header[]]>([
    ["Connect", []],
    [
      "connect-go",
      [
        ["connect-protocol-version", "1"],
        ["connect-timeout-ms", "4999"],
        ["accept-encoding", "gzip"],
      ],
    ],
    [
      "fetch",
      [
        ["accept", "*/*"],
        ["accept-encoding", "gzip, deflate, br"],
        ["user-agent", "node"],
      ],
    ],
  ])("%s in binary and in JSON, over both versions of HTTP", async (_, headers) => {
    const { road, keys, binary, call } = await open();
    for (const http of [1, 2] as const) {
      const proto = await call(http, binary(), [PROTO, ...headers]);
      expect(fromBinary(VerifyResponseSchema, Buffer.from(proto.body, "latin1")).valid).toBe(true);
      const json = await call(http, Buffer.from(JSON.stringify({ apiKey: keys.plain })), [
        JSON_TYPE,
        ...headers,
      ]);
      expect(JSON.parse(json.body)).toMatchObject({ valid: true });
    }
    expect(road.counts).toEqual({ taken: 4, handedOver: 0 });
  });

  it("whatever is said of an api_key, also what must be read first", async () => {
    const { road, keys, binary, call } = await open();
    for (const apiKey of Object.values(keys)) {
      const { trailers } = await call(2, envelope(binary(apiKey)), [GRPC]);
      expect(trailers).toEqual({ "grpc-status": "0" });
    }
    expect(road.counts).toEqual({ taken: Object.keys(keys).length, handedOver: 0 });
  });

  it("who shows the root credential", async () => {
    const { road, binary, session } = await open();
    const headers: Header[] = [GRPC, ["authorization", `Bearer ${ROOT_KEY}`]];
    await sendOverHttp2(session, { ...CALL, http: 2, headers, body: envelope(binary()) });
    expect(road.counts).toEqual({ taken: 1, handedOver: 0 });
  });
});

describe("The stock road answers", () => {
  it.each<[string, readonly Header[], Partial<AnyCall>]>([
    ["a call in two pieces", [GRPC], { cuts: [7] }],
    ["a call byte by byte", [GRPC], { cuts: Array.from({ length: 80 }, (_, at) => at) }],
  ])("%s that the lane took", async (_, headers, more) => {
    const { road, binary, call } = await open();
    const { trailers, body } = await call(2, envelope(binary()), headers, more);
    expect(trailers).toEqual({ "grpc-status": "0" });
    expect(fromBinary(VerifyResponseSchema, Buffer.from(body, "latin1").subarray(5)).valid).toBe(true);
    expect(road.counts).toEqual({ taken: 1, handedOver: 1 });
  });

  it("a message in JSON with escapes that the lane took, over both versions of HTTP", async () => {
    const { road, keys, call } = await open();
    const body = Buffer.from(`{"\\u0061piKey":"${keys.plain}"}`);
    for (const http of [1, 2] as const) {
      for (const cuts of [[], [11]]) {
        const answer = await call(http, body, [JSON_TYPE], { cuts });
        expect(JSON.parse(answer.body)).toMatchObject({ valid: true });
      }
    }
    expect(road.counts).toEqual({ taken: 4, handedOver: 4 });
  });

  it.each<[string, 1 | 2, readonly Header[], Partial<AnyCall>]>([
    ["gRPC in JSON", 2, [["content-type", "application/grpc+json"]], {}],
    ["a compressed request", 2, [GRPC, ["grpc-encoding", "gzip"]], {}],
    ["a wrong time", 2, [GRPC, ["grpc-timeout", "x"]], {}],
    ["a page of another origin", 1, [JSON_TYPE, ["origin", "https://a.example"]], {}],
    ["a body without a length", 1, [JSON_TYPE], { framing: "none" }],
    ["who waits to be told to go on", 1, [JSON_TYPE, ["expect", "100-continue"]], {}],
    [
      "two credentials of one name",
      1,
      [JSON_TYPE, ["authorization", "Bearer a"], ["authorization", "Bearer a"]],
      {},
    ],
    ["a query", 1, [JSON_TYPE], { path: `${CALL.path}?a` }],
  ])("%s, which the lane does not touch", async (_, http, headers, more) => {
    const { road, keys, call } = await open();
    await call(http, Buffer.from(JSON.stringify({ apiKey: keys.plain })), headers, more);
    expect(road.counts).toEqual({ taken: 0, handedOver: 0 });
  });
});
