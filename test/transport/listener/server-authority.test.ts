// A request that names no host, or one that no URL can have, is answered or refused, and the service lives
// on: nobody needs a credential to send it.
import { connect } from "node:http2";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { ROOT_KEY } from "../../running-service.ts";
import { type ServiceRun, useProcesses } from "../../system/process.ts";
import { callHttp1, openHttp1 } from "../wire/http1.ts";

const SETTINGS = {
  FLEETKEY_LISTEN: "127.0.0.1:0",
  FLEETKEY_STORE: "sqlite::memory:",
  FLEETKEY_ROOT_KEY: ROOT_KEY,
};
const PATH = "/fleetkey.v1.KeyService/Create";
const HEADERS = "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

describe("after a request with", () => {
  // A process of its own: what is tested against is its end.
  const processes = useProcesses(afterAll);
  let service: ServiceRun | undefined;
  beforeEach(async () => {
    service ??= await processes.start(SETTINGS);
  });
  // After a failure the next case gets a process that was not hurt.
  afterEach(({ task }) => {
    if (task.result?.state !== "fail") return;
    service?.run.killGroup();
    service = undefined;
  });

  async function expectAlive(): Promise<void> {
    const answer = await callHttp1(service?.url ?? "", { method: "GET", path: "/healthz" });
    expect(answer).toMatchObject({ status: 200 });
  }

  it.each([
    { what: "no Host in HTTP/1.0", head: `POST ${PATH} HTTP/1.0\r\n` },
    { what: "no Host in HTTP/1.1", head: `POST ${PATH} HTTP/1.1\r\n` },
    { what: "an empty Host", head: `POST ${PATH} HTTP/1.1\r\nhost:\r\n` },
    { what: "a Host with a bracket", head: `POST ${PATH} HTTP/1.1\r\nhost: a[b\r\n` },
    { what: "a Host with a space", head: `POST ${PATH} HTTP/1.1\r\nhost: a b\r\n` },
    { what: "a port of over 65535", head: `POST ${PATH} HTTP/1.1\r\nhost: a:99999\r\n` },
    { what: "two Hosts", head: `POST ${PATH} HTTP/1.1\r\nhost: a\r\nhost: b\r\n` },
    { what: "a whole URL as its target", head: `POST http://[${PATH} HTTP/1.1\r\nhost: a\r\n` },
  ])("$what the service lives", async ({ head }) => {
    const connection = await openHttp1(service?.url ?? "");
    connection.send(head + HEADERS);
    const answer = await connection.answer().catch(() => undefined);
    expect(answer?.status ?? 400).toBeGreaterThanOrEqual(400);
    connection.close();
    await expectAlive();
  });

  it.each(["a:99999", "a[b", "", "a/b", "a@b:c"])(
    '":authority: %s" in HTTP/2 the service lives',
    async (name) => {
      const session = connect(service?.url ?? "").on("error", () => {});
      const stream = session.request([
        ...[":method", "POST", ":scheme", "http", ":authority", name, ":path", PATH],
        ...["content-type", "application/json"],
      ]);
      const ended = new Promise<void>((resolve) => stream.once("close", () => resolve()));
      stream.on("error", () => {});
      stream.resume().end("{}");
      await ended;
      session.destroy();
      await expectAlive();
    },
  );
});
