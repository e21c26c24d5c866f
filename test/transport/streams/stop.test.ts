// A service that stops does not wait for streams: each is told so at once, after what it had begun, and its
// client goes on elsewhere. And a stream does not outlive what let its caller in.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterEach, expect, it } from "vitest";
import { KeyType } from "../../../gen/fleetkey/v1/key_pb.js";
import type { VerifyStreamRequestSchema } from "../../../gen/fleetkey/v1/key_service_pb.js";
import { ROOT_KEY, type RunningService, runService } from "../../running-service.ts";
import { clientOf } from "../../system/client.ts";
import { openHttp1 } from "../wire/http1.ts";
import { DUPLEX_CLIENTS, endOf, nextOf, type StreamClient, WATCH_CLIENTS } from "./stream-clients.ts";

const SETTINGS = { FLEETKEY_POLL_INTERVAL: "20ms", FLEETKEY_LEASE: "200ms" };
/** Far longer than a test waits. */
const LONG = "1m";
const SOON_MS = 2_000;

const [[, openAny]] = WATCH_CLIENTS;

let service: RunningService;
let client: StreamClient;
let stop: () => Promise<void>;
afterEach(async () => {
  client.close();
  await stop();
});

async function start(open: (url: string) => StreamClient, drainTimeout: string) {
  service = await runService({ ...SETTINGS, FLEETKEY_DRAIN_TIMEOUT: drainTimeout });
  client = open(service.url);
  let stopped: Promise<void> | undefined;
  stop = () => {
    stopped ??= service.stop();
    return stopped;
  };
}

async function stopsSoon(): Promise<void> {
  const began = performance.now();
  await stop();
  expect(performance.now() - began).toBeLessThan(SOON_MS);
}

it.each(WATCH_CLIENTS)("Watch ends with unavailable, through %s", async (_, open) => {
  await start(open, LONG);
  const watches = [client.watch(), client.watch()];
  for (const watch of watches) await nextOf(watch);
  const ends = watches.map(endOf);
  const stopped = stopsSoon();
  expect(await Promise.all(ends)).toEqual(["Unavailable", "Unavailable"]);
  // A client of HTTP/2 ends its connection when it likes.
  client.close();
  await stopped;
});

it("a connection of HTTP/1.1 ends with its Watch, also when its client would use it again", async () => {
  await start(openAny, LONG);
  const connection = await openHttp1(service.url);
  const body = "\0\0\0\0\x02{}";
  const headers = ["host: a", "content-type: application/connect+json", `content-length: ${body.length}`];
  const lines = [...headers, `authorization: Bearer ${ROOT_KEY}`];
  connection.send(`POST /fleetkey.v1.KeyService/Watch HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
  const begun = new Promise((resolve) => connection.socket.once("data", resolve));
  await begun;
  await stopsSoon();
  await connection.closed;
});

it.each(DUPLEX_CLIENTS)("VerifyStream ends with unavailable, through %s", async (_, open) => {
  await start(open, LONG);
  const { promise: later, resolve: send } =
    Promise.withResolvers<MessageInitShape<typeof VerifyStreamRequestSchema>>();
  async function* questions() {
    yield { id: 1 };
    yield await later;
  }
  const answers = client.verifyStream(questions());
  expect(await nextOf(answers)).toMatchObject({ id: 1 });
  const end = endOf(answers);
  const stopped = stopsSoon();
  expect(await end).toBe("Unavailable");
  send({ id: 2 });
  client.close();
  await stopped;
});

it.each(WATCH_CLIENTS)("Watch ends once its caller's key is revoked, through %s", async (_, open) => {
  await start(open, "1s");
  const root = clientOf(service.url);
  const { apiKey, key } = await root.keys.create({
    ...{ type: KeyType.SERVICE, serviceAccountId: "edge", scopes: ["fleetkey:read"] },
  });
  const watch = client.watch("", { headers: { "x-api-key": apiKey } });
  await nextOf(watch);
  await root.keys.revoke({ target: { case: "keyId", value: key?.keyId ?? "" } });
  const revoked = performance.now();
  expect(await endOf(watch)).toBe("Unauthenticated");
  expect(performance.now() - revoked).toBeLessThan(SOON_MS);
});
