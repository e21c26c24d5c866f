// When the truth cannot be had: Check is an error that says `unavailable`, forward auth answers 503, neither
// ever with leave or with a refusal of the key; and a bug of Fleetkey's own is no leave either.
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { sidecarCaller } from "../../../src/access/caller.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { unavailable } from "../../../src/domain/errors.ts";
import type { Log } from "../../../src/observability/log.ts";
import { connectHandler } from "../../../src/transport/connect/connect-handler.ts";
import { sidecarGate } from "../../../src/transport/connect/gate.ts";
import { askingSidecar } from "../../../src/transport/forward-auth/asking-proxy.ts";
import { forwardAuth } from "../../../src/transport/forward-auth/forward-auth.ts";
import { plainHttp } from "../../../src/transport/plain-http.ts";
import { proxyParts } from "../../../src/transport/proxy/proxy-parts.ts";
import { create, openWorld } from "../../app/world.ts";
import { buildApiKey } from "../../domain/build.ts";
import { type Envoy, envoy } from "../ext-authz/envoy.ts";
import { overHttp1 } from "../forward-auth/ask.ts";
import { stockOptions } from "../stock-options.ts";

const POLICY = {
  trustedHops: 0,
  tellsReasons: false,
  stripsKey: true,
  requirementHeaders: new Set<string>(),
};

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Both forms over these ports, and what was logged. */
async function asking(ports: AppPorts) {
  const logged: unknown[][] = [];
  const write = (...line: unknown[]) => void logged.push(line);
  const log = { debug: () => {}, info: write, warn: write, error: write } as unknown as Log;
  const parts = proxyParts(ports, POLICY, () => {});
  const next = connectHandler(ports, {
    ...stockOptions(ports),
    proxies: parts,
    log,
    gate: sidecarGate(),
    authentication: { refusal: (_, refused) => refused },
    streamIdleMsMax: 1_000,
    requestBytesMax: 65_536,
    fallback: plainHttp,
  });
  const handler = forwardAuth({ parts, log, asking: askingSidecar, next });
  const client: Envoy = envoy(await listening(createHttp2Server(handler as never) as unknown as Server));
  onTestFinished(() => client.close());
  const url = await listening(createServer(handler));
  return { client, url, logged };
}

const READS: readonly (readonly [string, (ports: AppPorts) => AppPorts])[] = [
  [
    "held keys cannot be trusted and the store does not answer",
    (ports) => failing(ports, () => unavailable("down", "STORE")),
  ],
  ["a read ends with a bug", (ports) => failing(ports, () => new TypeError("a bug"))],
];

function failing(ports: AppPorts, reason: () => Error): AppPorts {
  const fail = async () => {
    throw reason();
  };
  return { ...ports, views: { held: () => undefined, read: fail, readAgain: fail } };
}

it.each(READS)("%s: neither leave nor refusal", async (title, broken) => {
  const { ports } = await openWorld();
  const { apiKey } = await create(ports);
  const { client, url, logged } = await asking(broken(ports));
  for (const key of [apiKey, buildApiKey("user", 5)]) {
    await expect(client.check({ headers: { apikey: key } })).rejects.toThrow(/UNAVAILABLE|INTERNAL/);
    for (const path of ["/authz", "/authz/x", "/authz?mode=nginx"]) {
      const told = await overHttp1(url, { path, headers: { apikey: key } });
      expect(told.status).toBe(503);
      expect(told.headers).toMatchObject({ "retry-after": "1", "content-type": "application/problem+json" });
      expect(JSON.parse(told.body)).toMatchObject({ status: 503, reason: "UNAVAILABLE" });
    }
  }
  expect(logged.length).toBeGreaterThan(0);
  expect(JSON.stringify(logged)).not.toContain(apiKey);
  expect(title).toBeTruthy();
});

it("what needs no store is refused all the same", async () => {
  const { ports } = await openWorld();
  const { client, url } = await asking(failing(ports, () => unavailable("down", "STORE")));
  expect(await client.check({ headers: { apikey: "no-key" } })).toMatchObject({
    isAllowed: false,
    status: 401,
  });
  expect(await overHttp1(url, { headers: { apikey: "no-key" } })).toMatchObject({ status: 401 });
  expect(await overHttp1(url, {})).toMatchObject({ status: 401 });
});

it("a bug at once is answered, too", async () => {
  const { ports } = await openWorld();
  const { apiKey } = await create(ports);
  const broken = { ...ports, clock: () => Number.NaN, limits: undefined } as unknown as AppPorts;
  const { client, url } = await asking(broken);
  await expect(client.check({ headers: { apikey: apiKey } })).rejects.toThrow("INTERNAL");
  expect(await overHttp1(url, { headers: { apikey: apiKey } })).toMatchObject({ status: 503 });
  expect(sidecarCaller().id).toBe("sidecar");
});
