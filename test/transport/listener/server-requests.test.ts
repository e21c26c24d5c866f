// Requests as HTTP: which methods and content types reach an rpc, and what is said to a body that is no
// message.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT_KEY, type RunningService, runService } from "../../running-service.ts";
import { readErrorJson } from "../clients/client.ts";
import { callHttp1, type Http1Answer } from "../wire/http1.ts";

const SERVICE = "/fleetkey.v1.KeyService";
const CREDENTIAL = { authorization: `Bearer ${ROOT_KEY}` };
const JSON_TYPE = { "content-type": "application/json" };

let service: RunningService;
let created: { readonly apiKey: string; readonly key: { readonly keyId: string } };
beforeAll(async () => {
  service = await runService();
  created = JSON.parse((await post("Create", '{"type":"KEY_TYPE_USER","userId":"u"}')).body);
});
afterAll(() => service.stop());

function post(rpc: string, body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}) {
  return callHttp1(service.url, {
    path: `${SERVICE}/${rpc}`,
    headers: { ...JSON_TYPE, ...CREDENTIAL, ...headers },
    body,
  });
}

function get(rpc: string, message: object, headers: Readonly<Record<string, string>> = CREDENTIAL) {
  const query = `encoding=json&message=${encodeURIComponent(JSON.stringify(message))}`;
  return callHttp1(service.url, { method: "GET", path: `${SERVICE}/${rpc}?${query}`, headers });
}

describe("GET", () => {
  it("reads keys, as these calls change nothing", async () => {
    const one = await get("Get", { keyId: created.key.keyId });
    expect(one.status).toBe(200);
    expect(JSON.parse(one.body)).toMatchObject({ key: { keyId: created.key.keyId } });
    const list = await get("List", { userId: "u" });
    expect(JSON.parse(list.body)).toMatchObject({ keys: [{ keyId: created.key.keyId }] });
  });

  it("needs a credential as POST does", async () => {
    expect(await get("Get", { keyId: created.key.keyId }, {})).toMatchObject({ status: 401 });
    expect(await get("List", {}, { authorization: "Bearer wrong" })).toMatchObject({ status: 401 });
  });

  it("refuses unknown fields as POST does", async () => {
    const answer = await get("Get", { keyId: created.key.keyId, fields: "all" });
    expect(readErrorJson(answer.body)).toMatchObject({
      code: "invalid_argument",
      details: { violations: ["fields"] },
    });
  });

  it.each([
    { rpc: "Verify", field: "apiKey" },
    { rpc: "Refresh", field: "apiKey" },
    { rpc: "Revoke", field: "apiKey" },
  ])("never takes an api_key: $rpc", async ({ rpc, field }) => {
    for (const headers of [CREDENTIAL, {}]) {
      const answer = await get(rpc, { [field]: created.apiKey }, headers);
      expect(answer.status).toBe(405);
      expect(answer.body).toBe("");
    }
    expect(await post("Verify", JSON.stringify({ apiKey: created.apiKey }))).toMatchObject({
      body: expect.stringContaining('"valid":true'),
    });
    expect(service.logged()).not.toContain(created.apiKey);
  });

  it.each([
    { rpc: "Create", message: { type: "KEY_TYPE_USER", userId: "by-get" } },
    { rpc: "RevokeAllForUser", message: { userId: "u" } },
  ])("never changes anything: $rpc", async ({ rpc, message }) => {
    expect(await get(rpc, message)).toMatchObject({ status: 405 });
    const { body } = await post("List", '{"userId":"by-get"}');
    expect(body).toBe("{}");
    const key = JSON.parse((await post("Get", JSON.stringify({ keyId: created.key.keyId }))).body);
    expect(key).toMatchObject({ key: { state: "KEY_STATE_ACTIVE" } });
  });

  it("does not read the URL of a POST", async () => {
    const answer = await post(`Verify?message={"apiKey":"${created.apiKey}"}&apiKey=${created.apiKey}`, "{}");
    expect(JSON.parse(answer.body)).toMatchObject({ valid: false });
  });
});

describe("a method beside GET and POST", () => {
  it.each(["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])("is 405: %s", async (method) => {
    const answer = await callHttp1(service.url, { method, path: `${SERVICE}/Get`, headers: CREDENTIAL });
    expect(answer.status).toBe(405);
  });
});

describe("a content type", () => {
  it.each(["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8"])(
    "of JSON is taken: %s",
    async (type) => {
      expect(await post("List", "{}", { "content-type": type })).toMatchObject({ status: 200 });
    },
  );

  // A form can be sent by any web page, with no preflight; so can text/plain.
  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/jsonp",
    "application/connect+json-seq",
    "",
  ])('of nothing that an rpc reads is 415: "%s"', async (type) => {
    expect(await post("List", "{}", { "content-type": type })).toMatchObject({ status: 415 });
  });
});

describe("a body that is no message", () => {
  async function expectRefused(answer: Http1Answer): Promise<void> {
    expect(answer.status).toBe(400);
    expect(readErrorJson(answer.body)).toMatchObject({
      code: "invalid_argument",
      details: { errorInfo: { reason: "INVALID_ARGUMENT", domain: "fleetkey" }, violations: [""] },
    });
  }

  it.each([
    "",
    " ",
    "{",
    "}",
    "[]",
    "null",
    '"text"',
    "1",
    "{} {}",
    '{"userId":}',
    "{'userId':'u'}",
    "\u0000",
  ])("is 400 as JSON: %s", async (body) => expectRefused(await post("List", body)));

  it("is 400 as JSON: bytes that are not UTF-8", async () => {
    await expectRefused(await post("List", Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d)));
  });

  it.each([
    { what: "a text for a number", body: '{"pageSize":"many"}', field: "page_size" },
    { what: "a number for a text", body: '{"userId":7}', field: "user_id" },
    { what: "a list for a text", body: '{"userId":["u"]}', field: "user_id" },
    { what: "a negative size", body: '{"pageSize":-1}', field: "page_size" },
    { what: "a fraction", body: '{"pageSize":1.5}', field: "page_size" },
  ])("names the field of $what", async ({ body, field }) => {
    const answer = await post("List", body);
    expect(answer.status).toBe(400);
    expect(readErrorJson(answer.body).details?.violations).toEqual([field]);
  });

  it("is refused with two members of one oneof", async () => {
    const answer = await post("Revoke", `{"keyId":"${created.key.keyId}","apiKey":"${created.apiKey}"}`);
    expect(answer.status).toBe(400);
    expect(answer.body).not.toContain(created.apiKey);
  });

  it("is refused when it nests deeper than any reader can follow", async () => {
    const depth = 15_000;
    const body = `{"type":1,"userId":"u","metadata":{"deep":${"[".repeat(depth)}${"]".repeat(depth)}}}`;
    expect(await post("Create", body)).toMatchObject({ status: 400 });
  });

  it.each([
    { what: "cut off", bytes: Uint8Array.of(0x12, 0x05, 0x61) },
    { what: "no tag", bytes: Uint8Array.of(0xff, 0xff, 0xff) },
    { what: "a text that is not UTF-8", bytes: Uint8Array.of(0x12, 0x02, 0xff, 0xfe) },
  ])("is refused as binary, too: $what", async ({ bytes }) => {
    const answer = await post("List", bytes, { "content-type": "application/proto" });
    // Connect's decoder calls it "internal" and gives no place to say it better.
    expect(readErrorJson(answer.body).code).toMatch(/^(invalid_argument|internal)$/);
  });
});
