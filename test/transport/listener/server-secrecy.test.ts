// An api_key in a wrong place stays between its sender and the service: no error repeats it and no log line
// holds it, be it as text, in a header, or packed in the details of an error.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  formatApiKey,
  keyPrefixes,
  newSecret,
  SECRET_LENGTH,
} from "../../../src/domain/api-key/key-format.ts";
import { randomLookup } from "../../../src/domain/api-key/key-id.ts";
import { ROOT_KEY, type RunningService, runService } from "../../running-service.ts";
import { envelope, grpcHeaders } from "../wire/grpc.ts";
import { callHttp1 } from "../wire/http1.ts";
import { type Http2Connection, openHttp2 } from "../wire/http2.ts";

const SERVICE = "/fleetkey.v1.KeyService";
const CREDENTIAL = { authorization: `Bearer ${ROOT_KEY}` };
const JSON_TYPE = { "content-type": "application/json" };

const SECRET = newSecret(randomBytes);
const API_KEY = formatApiKey(keyPrefixes("dev").user, randomLookup("user", randomBytes), SECRET);

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

/** Whether a text holds the secret, as it is or in base64, which error details are sent in. */
function mentions(text: string): boolean {
  const tokens = text.match(/[\w+/-]{16,}/g) ?? [];
  const decoded = tokens.map((token) => Buffer.from(token, "base64").toString("latin1"));
  // A part of it is already too much.
  const part = SECRET.slice(0, SECRET_LENGTH / 2);
  return [text, ...decoded].some((candidate) => candidate.includes(part));
}

it("the search finds a secret as text and in base64", () => {
  expect(mentions(`x ${API_KEY} y`)).toBe(true);
  expect(mentions(`"value":"${Buffer.from(`..${API_KEY}..`).toString("base64").replaceAll("=", "")}"`)).toBe(
    true,
  );
  expect(mentions("nothing of it")).toBe(false);
});

const IN_JSON: readonly { what: string; rpc?: string; body: string }[] = [
  { what: "an enum", body: `{"type":"${API_KEY}"}` },
  { what: "an enum of a filter", rpc: "List", body: `{"state":"${API_KEY}"}` },
  { what: "the name of a field", body: `{"${API_KEY}":true}` },
  { what: "the name of a field within one", rpc: "Refresh", body: `{"owner":{"${API_KEY}":1}}` },
  { what: "JSON that is cut off", body: `{"apiKey":"${API_KEY}` },
  { what: "JSON without quotes", rpc: "Verify", body: `{"apiKey":${API_KEY}}` },
  { what: "a bare text", rpc: "Verify", body: API_KEY },
  { what: "a JSON text", rpc: "Verify", body: `"${API_KEY}"` },
  { what: "a list for a text", rpc: "Verify", body: `{"apiKey":["${API_KEY}"]}` },
  { what: "an object for a text", rpc: "Verify", body: `{"apiKey":{"value":"${API_KEY}"}}` },
  { what: "a name given twice", rpc: "Verify", body: `{"apiKey":"${API_KEY}","apiKey":"${API_KEY}"}` },
  { what: "both names of a field", rpc: "Verify", body: `{"apiKey":"${API_KEY}","api_key":"${API_KEY}"}` },
  { what: "two members of a oneof", rpc: "Revoke", body: `{"apiKey":"${API_KEY}","keyId":"${API_KEY}"}` },
  { what: "a time", body: `{"type":1,"userId":"u","expireTime":"${API_KEY}"}` },
  { what: "a duration", body: `{"type":1,"userId":"u","ttl":"${API_KEY}"}` },
  { what: "a flag", body: `{"type":1,"userId":"u","exclusive":"${API_KEY}"}` },
  { what: "a number", rpc: "List", body: `{"pageSize":"${API_KEY}"}` },
  { what: "a key_id", rpc: "Get", body: `{"keyId":"${API_KEY}"}` },
  { what: "a key_id to revoke", rpc: "Revoke", body: `{"keyId":"${API_KEY}"}` },
  { what: "a page_token", rpc: "List", body: `{"pageToken":"${API_KEY}"}` },
  { what: "an etag", rpc: "Refresh", body: `{"keyId":"flk_uAAAAAAAAAAA","etag":"${API_KEY}${API_KEY}"}` },
  { what: "a provider", body: `{"type":5,"provider":"${API_KEY}"}` },
  { what: "a user_id with a control character", body: `{"type":1,"userId":"${API_KEY}\\n"}` },
  {
    what: "a reason that is too long",
    rpc: "Revoke",
    body: `{"apiKey":"${API_KEY}","reason":"${API_KEY.repeat(5)}"}`,
  },
  { what: "the field for it, where nothing is found", rpc: "Refresh", body: `{"apiKey":"${API_KEY}"}` },
  { what: "the field for it, in Verify", rpc: "Verify", body: `{"apiKey":"${API_KEY}"}` },
];

describe("no JSON answer mentions an api_key that came as", () => {
  it.each(IN_JSON)("$what", async ({ rpc = "Create", body }) => {
    for (const credential of [CREDENTIAL, {}]) {
      const headers = { ...JSON_TYPE, ...credential };
      const answer = await callHttp1(service.url, { path: `${SERVICE}/${rpc}`, headers, body });
      expect(answer.status).toBeLessThan(500);
      expect(mentions(JSON.stringify(answer))).toBe(false);
    }
    expect(mentions(service.logged())).toBe(false);
  });

  it("a parameter of GET", async () => {
    for (const message of [`{"keyId":"${API_KEY}"}`, `{"${API_KEY}":1}`, API_KEY]) {
      const path = `${SERVICE}/Get?encoding=json&message=${encodeURIComponent(message)}`;
      const answer = await callHttp1(service.url, { method: "GET", path, headers: CREDENTIAL });
      expect(answer.status).toBe(400);
      expect(mentions(JSON.stringify(answer))).toBe(false);
    }
    expect(mentions(service.logged())).toBe(false);
  });

  it("a part of the path", async () => {
    for (const path of [
      `/${API_KEY}`,
      `/healthz?${API_KEY}`,
      `${SERVICE}/${API_KEY}`,
      `${SERVICE}/Verify?${API_KEY}`,
    ]) {
      const answer = await callHttp1(service.url, {
        path,
        headers: { ...JSON_TYPE, ...CREDENTIAL },
        body: "{}",
      });
      expect(mentions(JSON.stringify(answer))).toBe(false);
      expect(mentions(service.logged())).toBe(false);
    }
  });

  it.each([
    { name: "authorization", value: `Bearer ${API_KEY}` },
    { name: "authorization", value: API_KEY },
    { name: "authorization", value: `Basic ${API_KEY}` },
    { name: "x-api-key", value: API_KEY },
    { name: "content-type", value: API_KEY },
    { name: "content-type", value: `application/json; charset=${API_KEY}` },
    { name: "connect-protocol-version", value: API_KEY },
  ])("the header $name", async ({ name, value }) => {
    const headers = { ...JSON_TYPE, ...CREDENTIAL, [name]: value };
    const answer = await callHttp1(service.url, { path: `${SERVICE}/List`, headers, body: "{}" });
    expect(mentions(JSON.stringify(answer))).toBe(false);
    expect(mentions(service.logged())).toBe(false);
  });
});

describe("no gRPC answer mentions an api_key that came as", () => {
  const text = (field: number, value: string) =>
    Buffer.concat([Uint8Array.of((field << 3) | 2, value.length), Buffer.from(value)]);

  it.each([
    { what: "the message", rpc: "Verify", message: Buffer.from(API_KEY) },
    { what: "a field that is not known", rpc: "Verify", message: text(15, API_KEY) },
    { what: "a key_id", rpc: "Get", message: text(1, API_KEY) },
    { what: "a page_token", rpc: "List", message: text(10, API_KEY) },
    { what: "a message within one", rpc: "Refresh", message: text(2, API_KEY) },
    { what: "a text that is cut off", rpc: "Verify", message: text(1, API_KEY).subarray(0, -3) },
  ])("$what", async ({ rpc, message }) => {
    const answer = await http2.request(grpcHeaders(`${SERVICE}/${rpc}`, CREDENTIAL), envelope(message));
    expect(answer.trailers["grpc-status"] ?? answer.headers["grpc-status"]).not.toBe("0");
    expect(mentions(JSON.stringify(answer))).toBe(false);
    expect(mentions(service.logged())).toBe(false);
  });

  it("JSON in gRPC", async () => {
    const headers = grpcHeaders(`${SERVICE}/Create`, {
      ...CREDENTIAL,
      "content-type": "application/grpc+json",
    });
    for (const { body } of IN_JSON) {
      const answer = await http2.request(headers, envelope(Buffer.from(body)));
      expect(mentions(JSON.stringify(answer))).toBe(false);
    }
    expect(mentions(service.logged())).toBe(false);
  });
});
