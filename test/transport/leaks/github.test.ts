// Covers `POST /leaks/github` of the running service, through HTTP/1.1 and HTTP/2: what a signed report does
// and is answered with, that nothing is done without a right signature, and the bounds of a report.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEAKS_BYTES_MAX, LEAKS_MAX } from "../../../src/transport/leaks/github.ts";
import { buildApiKey } from "../../domain/build.ts";
import { ROOT_KEY, type RunningService, runService } from "../../running-service.ts";
import { callHttp1 } from "../wire/http1.ts";
import { keysFile, keysJson, newSigner, PATH, SENDS, type Signer, signed } from "./github-sender.ts";

const CURRENT = newSigner("current");
const FORMER = newSigner("former");
const STRANGER = newSigner("current");
const URL_OF_FIND = "https://github.com/acme/app/blob/1234/.env";

const file = keysFile(keysJson([CURRENT, FORMER]));
let service: RunningService;
beforeAll(async () => {
  service = await runService({ FLEETKEY_GITHUB_KEYS: file.path });
});
afterAll(async () => {
  await service.stop();
  file.remove();
});

async function call(rpc: string, request: object) {
  const headers = { authorization: `Bearer ${ROOT_KEY}`, "content-type": "application/json" };
  const path = `/fleetkey.v1.${rpc}`;
  const answer = await callHttp1(service.url, { path, headers, body: JSON.stringify(request) });
  if (answer.status !== 200) throw new Error(`${rpc}: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body);
}

async function createKey(request: object = { type: "KEY_TYPE_USER", userId: "user-1" }) {
  const { apiKey, key } = await call("KeyService/Create", request);
  return { apiKey: String(apiKey), keyId: String(key.keyId) };
}
const stateOf = async (keyId: string) => (await call("KeyService/Get", { keyId })).key.state;
const eventsOf = async (keyId: string) => (await call("EventService/ListEvents", { keyId })).events;

const match = (token: string, url: string | null = URL_OF_FIND) => ({
  token,
  type: "fleetkey_key",
  url,
  source: "content",
});
const feedback = (token: string, label: string) => ({
  token_hash: createHash("sha256").update(token).digest("hex"),
  token_type: "fleetkey_key",
  label,
});

describe.each(SENDS)("over %s", (_, send) => {
  const report = (body: string | Uint8Array, signer: Signer = CURRENT) =>
    send(service.url, { headers: signed(body, signer), body });
  const reportAll = (...matches: readonly object[]) => report(JSON.stringify(matches));

  it("A reported key is revoked, and GitHub is told that it was one, by the hash of the token.", async () => {
    const { apiKey, keyId } = await createKey();
    const answer = await reportAll(match(apiKey));
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
    expect(JSON.parse(answer.body)).toEqual([feedback(apiKey, "true_positive")]);
    expect(await stateOf(keyId)).toBe("KEY_STATE_REVOKED");
    expect((await eventsOf(keyId)).at(-1)).toMatchObject({
      kind: "EVENT_KIND_KEY_REVOKED",
      caller: "github",
      address: expect.stringContaining("127.0.0.1"),
      reason: "leaked",
      source: "github",
      url: URL_OF_FIND,
    });
  });

  it("answers each match in order: known, public, unknown, none, twice, without a url", async () => {
    const user = await createKey();
    const open = await createKey({ type: "KEY_TYPE_PUBLISHABLE" });
    const account = await createKey({ type: "KEY_TYPE_SERVICE", serviceAccountId: "account-1" });
    const stranger = buildApiKey("user", 99);
    const answer = await reportAll(
      match(user.apiKey, null),
      match(open.apiKey, ""),
      match(stranger),
      match("😀 no key"),
      match(user.apiKey),
      { token: account.apiKey, type: "fleetkey_key" },
    );
    const [yes, no] = ["true_positive", "false_positive"];
    expect(JSON.parse(answer.body)).toEqual([
      feedback(user.apiKey, yes),
      feedback(open.apiKey, yes),
      feedback(stranger, no),
      feedback("😀 no key", no),
      feedback(user.apiKey, yes),
      feedback(account.apiKey, yes),
    ]);
    expect(await stateOf(open.keyId)).toBe("KEY_STATE_ACTIVE");
    expect((await eventsOf(open.keyId)).at(-1)).toMatchObject({ kind: "EVENT_KIND_KEY_LEAK_REPORTED" });
    expect(await eventsOf(user.keyId)).toHaveLength(2);
    expect(await stateOf(account.keyId)).toBe("KEY_STATE_REVOKED");
  });

  it("Repeated, it is answered the same and does nothing anew.", async () => {
    const { apiKey, keyId } = await createKey();
    const first = await reportAll(match(apiKey));
    const again = await reportAll(match(apiKey));
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(await eventsOf(keyId)).toHaveLength(2);
  });

  it("takes the signature of each key in the file, current or not", async () => {
    const answer = await report("[]", FORMER);
    expect([answer.status, answer.body]).toEqual([200, "[]"]);
  });

  it.each([
    ["of 1,025 bytes", `https://github.com/${"a".repeat(1_006)}`],
    ["with a control character", "https://github.com/a\nb"],
    ["that holds the token", "https://github.com/?q=TOKEN"],
  ])("A url %s does not keep the key from being revoked; it is left out.", async (_title, url) => {
    const { apiKey, keyId } = await createKey();
    expect((await reportAll(match(apiKey, url.replace("TOKEN", apiKey)))).status).toBe(200);
    const last = (await eventsOf(keyId)).at(-1);
    expect(last).toMatchObject({ kind: "EVENT_KIND_KEY_REVOKED", source: "github" });
    expect(last).not.toHaveProperty("url");
  });

  describe("Nothing is done and nothing is read into it without a right signature:", () => {
    const without = (name: string) => (headers: Record<string, string>) =>
      Object.fromEntries(Object.entries(headers).filter(([each]) => each !== name));
    const set = (name: string, value: string) => (headers: Record<string, string>) => ({
      ...headers,
      [name]: value,
    });
    const identifier = "github-public-key-identifier";
    const signature = "github-public-key-signature";
    it.each<[string, (headers: Record<string, string>, body: string) => Record<string, string>]>([
      ["no headers at all", () => ({})],
      ["no identifier", without(identifier)],
      ["no signature", without(signature)],
      ["an empty signature", set(signature, "")],
      ["an unknown identifier", set(identifier, "another")],
      ["an identifier that is an object's name", set(identifier, "__proto__")],
      ["another key's identifier", set(identifier, FORMER.identifier)],
      ["a stranger's signature under a known identifier", (_headers, body) => signed(body, STRANGER)],
      ["the signature of another body", () => signed("[]", CURRENT)],
      ["the signature of the same in other bytes", (_headers, body) => signed(`${body} `, CURRENT)],
      ["a signature that is none", set(signature, "AAAA")],
      ["the root credential", () => ({ authorization: `Bearer ${ROOT_KEY}` })],
    ])("%s", async (_title, headersOf) => {
      const { apiKey, keyId } = await createKey();
      const body = JSON.stringify([match(apiKey)]);
      const answer = await send(service.url, { headers: headersOf(signed(body, CURRENT), body), body });
      expect(answer.status).toBe(401);
      expect(JSON.parse(answer.body)).toMatchObject({ code: "unauthenticated" });
      expect(await stateOf(keyId)).toBe("KEY_STATE_ACTIVE");
    });

    it("a body that is no JSON", async () => {
      const answer = await report("{", STRANGER);
      expect(answer.status).toBe(401);
    });
  });

  it.each([
    ["nothing", ""],
    ["no JSON", "["],
    ["no UTF-8", Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])],
    ["no list", '{"token":"a","type":"b"}'],
    ["a list of texts", '["a"]'],
    ["null in a list", "[null]"],
    ["a match without a token", '[{"type":"b"}]'],
    ["a match with an empty token", '[{"token":"","type":"b"}]'],
    ["a match without a type", '[{"token":"a"}]'],
    ["a token that is no text", '[{"token":1,"type":"b"}]'],
    ["a url that is no text", '[{"token":"a","type":"b","url":{}}]'],
  ])("is 400 for a signed body that is %s", async (_title, body) => {
    const answer = await report(body);
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([400, "invalid_argument"]);
  });

  it(`takes ${LEAKS_MAX} tokens, and not one more`, async () => {
    const tokens = Array.from({ length: LEAKS_MAX }, (_title, index) => match(`token-${index}`));
    const answer = await reportAll(...tokens);
    expect([answer.status, JSON.parse(answer.body).length]).toEqual([200, LEAKS_MAX]);
    expect((await reportAll(...tokens, match("one more"))).status).toBe(413);
  });

  it("takes 1 MiB, and not one byte more", async () => {
    const { apiKey, keyId } = await createKey();
    const body = JSON.stringify([match(apiKey)]);
    const tooLarge = await report(body.padEnd(LEAKS_BYTES_MAX + 1, " "));
    expect([tooLarge.status, JSON.parse(tooLarge.body).code]).toEqual([413, "resource_exhausted"]);
    expect(await stateOf(keyId)).toBe("KEY_STATE_ACTIVE");
    expect((await report(body.padEnd(LEAKS_BYTES_MAX, " "))).status).toBe(200);
    expect(await stateOf(keyId)).toBe("KEY_STATE_REVOKED");
  });

  it.each(["GET", "PUT", "DELETE"])("is for POST only: %s", async (method) => {
    const answer = await send(service.url, { method, headers: signed("", CURRENT) });
    expect([answer.status, answer.headers["allow"]]).toEqual([405, "POST"]);
  });

  it("is at its path, with any query, and nowhere else", async () => {
    const headers = signed("[]", CURRENT);
    const statusAt = async (path: string) => (await send(service.url, { path, headers, body: "[]" })).status;
    expect(await statusAt(`${PATH}?a=b`)).toBe(200);
    for (const path of [`${PATH}/`, "/leaks", "/leaks/gitlab", "/Leaks/github", "/leaks%2Fgithub"]) {
      expect(await statusAt(path)).toBe(404);
    }
  });
});

describe("The log", () => {
  it("tells how many were reported and revoked, and nothing of what was sent", async () => {
    const { apiKey, keyId } = await createKey();
    const body = JSON.stringify([match(apiKey), match("another-token")]);
    await callHttp1(service.url, { path: PATH, headers: signed(body, CURRENT), body });
    await callHttp1(service.url, { path: PATH, headers: signed(body, STRANGER), body });
    const lines = service.logged();
    expect(lines).toContain('"tokens":2,"known":1,"revoked":1,"failed":0,"msg":"leaks reported by GitHub"');
    for (const text of [apiKey, apiKey.slice(-36), "another-token", URL_OF_FIND, keyId]) {
      expect(lines).not.toContain(text);
    }
  });
});

describe("Without the setting", () => {
  it.each(SENDS)("there is nothing at the path, over %s", async (_, send) => {
    const plain = await runService();
    const answer = await send(plain.url, { headers: signed("[]", CURRENT), body: "[]" });
    await plain.stop();
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([404, "unimplemented"]);
  });
});
