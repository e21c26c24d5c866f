// How a credential may stand in the headers: once, in one of two places, and never beside another one that
// differs, whatever the protocol does with headers that are given twice.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT_KEY, type RunningService, runService } from "../../running-service.ts";
import { type Http1Connection, openHttp1 } from "../wire/http1.ts";
import { selfSigned } from "../wire/self-signed.ts";

const PATH = "/fleetkey.v1.KeyService/List";
const WRONG = "not-the-root-key-".padEnd(40, "y");
const certificate = selfSigned();

let clear: RunningService;
let secure: RunningService;
beforeAll(async () => {
  clear = await runService();
  secure = await runService(certificate.settings);
});
afterAll(async () => {
  await clear.stop();
  await secure.stop();
  certificate.remove();
});

const CONNECTIONS = [
  { over: "HTTP/1.1", statusOf: (headers: readonly string[]) => statusOverHttp1(clear.url, headers) },
  {
    over: "HTTP/1.1 over TLS",
    statusOf: (headers: readonly string[]) => statusOverHttp1(secure.url, headers, certificate.pem),
  },
  { over: "HTTP/2", statusOf: statusOverHttp2 },
];

async function statusOverHttp1(url: string, headers: readonly string[], ca?: string): Promise<number> {
  const connection: Http1Connection = await openHttp1(url, ca);
  const all = ["host: a", "content-type: application/json", "content-length: 2", ...headers];
  connection.send(`POST ${PATH} HTTP/1.1\r\n${all.join("\r\n")}\r\n\r\n{}`);
  const { status } = await connection.answer();
  connection.close();
  return status;
}

// node:http2 joins or refuses what is given twice; curl sends it as it is. A GET has nothing left to send.
async function statusOverHttp2(headers: readonly string[]): Promise<number> {
  const url = `${clear.url}${PATH}?encoding=json&message=%7B%7D`;
  const options = ["--silent", "--http2-prior-knowledge", "--write-out", "\n%{http_code}", "--max-time", "5"];
  const args = [...options, ...headers.flatMap((header) => ["--header", header]), url];
  const { stdout } = await promisify(execFile)("curl", args);
  return Number(stdout.slice(stdout.lastIndexOf("\n")));
}

describe.each(CONNECTIONS)("over $over", ({ statusOf }) => {
  it.each([
    { what: "Bearer", headers: [`authorization: Bearer ${ROOT_KEY}`] },
    { what: "bearer, in small letters", headers: [`authorization: bearer ${ROOT_KEY}`] },
    { what: "X-API-Key", headers: [`x-api-key: ${ROOT_KEY}`] },
    { what: "both, equal", headers: [`authorization: Bearer ${ROOT_KEY}`, `x-api-key: ${ROOT_KEY}`] },
  ])("$what is let in", async ({ headers }) => {
    expect(await statusOf(headers)).toBe(200);
  });

  it.each([
    { what: "another scheme", headers: [`authorization: Digest ${ROOT_KEY}`] },
    { what: "no scheme", headers: [`authorization: ${ROOT_KEY}`] },
    { what: "a part of the credential", headers: [`x-api-key: ${ROOT_KEY.slice(0, -1)}`] },
    { what: "more than the credential", headers: [`x-api-key: ${ROOT_KEY}x`] },
    { what: "both, the other wrong", headers: [`authorization: Bearer ${ROOT_KEY}`, `x-api-key: ${WRONG}`] },
    { what: "both, the first wrong", headers: [`authorization: Bearer ${WRONG}`, `x-api-key: ${ROOT_KEY}`] },
    { what: "both, the first no Bearer", headers: ["authorization: Basic x", `x-api-key: ${ROOT_KEY}`] },
    {
      what: "two of Authorization, the second wrong",
      headers: [`authorization: Bearer ${ROOT_KEY}`, `authorization: Bearer ${WRONG}`],
    },
    {
      what: "two of Authorization, the first wrong",
      headers: [`authorization: Bearer ${WRONG}`, `authorization: Bearer ${ROOT_KEY}`],
    },
    { what: "two of X-API-Key", headers: [`x-api-key: ${ROOT_KEY}`, `x-api-key: ${WRONG}`] },
  ])("$what is refused", async ({ headers }) => {
    expect(await statusOf(headers)).toBe(401);
  });
});
