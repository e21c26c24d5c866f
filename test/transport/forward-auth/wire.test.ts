// What could make an answer that lets a request through although nobody looked at its key, or one that
// another request takes for its own: preflights, duplicates, bodies that are announced and not sent, other
// paths.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AskedService, askedService } from "../proxy/asked-service.ts";
import { openHttp1 } from "../wire/http1.ts";
import { type Headers, PROTOCOLS } from "./ask.ts";

const ORIGIN = "https://console.example.com";

let asked: AskedService;
let apiKey: string;
beforeAll(async () => {
  asked = await askedService({ FLEETKEY_CORS_ORIGINS: ORIGIN });
  ({ apiKey } = await asked.create());
});
afterAll(() => asked.stop());

describe.each(PROTOCOLS)("over $over", ({ ask }) => {
  it("a browser's preflight is a request like another, and is not let through without a key", async () => {
    const headers: Headers = { origin: ORIGIN, "access-control-request-method": "POST" };
    for (const url of [asked.service.url, asked.sidecarUrl]) {
      for (const path of ["/authz", "/authz/orders"]) {
        const { status } = await ask(url, { method: "OPTIONS", path, headers });
        expect(status).toBe(url === asked.sidecarUrl ? 401 : 403);
      }
    }
  });

  it.each([
    "/authz2",
    "/authzz/x",
    "/AUTHZ",
    "//authz",
    "/%61uthz",
    "/authz%2f",
    "/authz;a",
    "/",
    "/x/authz",
  ])("%s is another path, and answered with 404", async (path) => {
    expect(await ask(asked.sidecarUrl, { path, headers: { apikey: apiKey } })).toMatchObject({ status: 404 });
  });

  it("a body is not read, and its sender answered", async () => {
    const body = JSON.stringify({ apikey: apiKey, text: "x".repeat(100_000) });
    const type = { "content-type": "application/json" };
    const refused = await ask(asked.sidecarUrl, { method: "POST", headers: type, body });
    expect(refused).toMatchObject({ status: 401 });
    const allowed = await ask(asked.sidecarUrl, {
      method: "POST",
      headers: { ...type, apikey: apiKey },
      body: "short",
    });
    expect(allowed).toMatchObject({ status: 200, body: "" });
  });
});

describe("over HTTP/1.1, by hand", () => {
  const head = (lines: readonly string[]) =>
    `GET /authz HTTP/1.1\r\nhost: a\r\n${lines.join("\r\n")}\r\n\r\n`;
  const answerTo = async (text: string) => {
    const connection = await openHttp1(asked.sidecarUrl);
    connection.send(text);
    const answer = await connection.answer();
    return { connection, answer };
  };

  it.each([
    [
      "two Authorization headers",
      (key: string) => [`authorization: Bearer ${key}`, "authorization: Bearer other"],
    ],
    [
      "one Authorization header twice",
      (key: string) => [`authorization: Bearer ${key}`, `Authorization: Bearer ${key}`],
    ],
    ["two X-API-Key headers", (key: string) => [`x-api-key: ${key}`, "X-API-KEY: other"]],
    ["an empty one beside it", (key: string) => [`apikey: ${key}`, "apikey:"]],
    ["a byte that is not ASCII behind it", (key: string) => [`apikey: ${key}\u00ff`]],
  ])("%s are refused", async (_, linesOf) => {
    const { connection, answer } = await answerTo(head(linesOf(apiKey)));
    expect(answer).toMatchObject({ status: 401 });
    expect(JSON.parse(answer.body)).toMatchObject({ reason: "KEY_AMBIGUOUS" });
    connection.close();
  });

  it("a request without a host, as some proxies send them, is answered", async () => {
    const { connection, answer } = await answerTo(`GET /authz HTTP/1.0\r\napikey: ${apiKey}\r\n\r\n`);
    expect(answer).toMatchObject({ status: 200 });
    connection.close();
  });

  it.each([
    ["a length", "content-length: 400"],
    ["chunks", "transfer-encoding: chunked"],
  ])(
    "a connection on which %s was announced is not used again: what comes next is no answer",
    async (_, line) => {
      const { connection, answer } = await answerTo(head([line, `apikey: ${apiKey}`]));
      expect(answer).toMatchObject({ status: 200, headers: { connection: "close" } });
      connection.send(head([]));
      await expect(connection.answer()).rejects.toThrow("the connection ended");
      connection.close();
    },
  );

  it("a connection without a body is used again", async () => {
    const { connection, answer } = await answerTo(head(["content-length: 0", `apikey: ${apiKey}`]));
    expect(answer.headers["connection"]).toBe("keep-alive");
    connection.send(head([]));
    expect(await connection.answer()).toMatchObject({ status: 401 });
    connection.close();
  });

  it("headers past the bound are no leave", async () => {
    const { connection, answer } = await answerTo(
      head([`apikey: ${apiKey}`, `cookie: ${"x".repeat(61_440)}`]),
    );
    expect(answer.status).toBe(431);
    connection.close();
  });

  it("100 headers are no trouble", async () => {
    const lines = Array.from({ length: 100 }, (_, at) => `x-header-${at}: value`);
    const { connection, answer } = await answerTo(head([...lines, `apikey: ${apiKey}`]));
    expect(answer.status).toBe(200);
    connection.close();
  });
});
