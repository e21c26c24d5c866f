// Caddy in front of a service, with caddy/Caddyfile. The one of Debian 12 is too old for it, and must let
// nobody in rather than tell the service what is not so.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useProcesses } from "../system/process.ts";
import type { Binary } from "./harness/binaries.ts";
import { describeBinaries } from "./harness/describe-binaries.ts";
import { describeProxy } from "./harness/every-proxy.ts";
import { MESH, type Mesh, type ProxySetup, startMesh } from "./harness/mesh.ts";

const PORT = 18_200;
/** It hands on the name of a variable for each header that an answer lacks. */
const TOO_OLD = /^2\.[0-6]\./;

const proxyOf = ({ path, version }: Binary): ProxySetup => ({
  title: `Caddy ${version}`,
  port: PORT,
  command: () => [path, "run", "--config", join(MESH, "caddy/Caddyfile"), "--adapter", "caddyfile"],
  environment: () => ({ CADDY_ADMIN: `127.0.0.1:${PORT + 4}` }),
});

describeBinaries("caddy", "version", (binary) => {
  if (TOO_OLD.test(binary.version)) describeTooOld(proxyOf(binary));
  else describeProxy(proxyOf(binary));
});

function describeTooOld(proxy: ProxySetup): void {
  describe(`${proxy.title}, which is too old for this configuration`, () => {
    const processes = useProcesses(afterAll);
    let mesh: Mesh;
    beforeAll(async () => {
      mesh = await startMesh(processes, proxy);
    });
    afterAll(() => mesh?.close());

    it("lets nobody in", async () => {
      const { user, reader, bound } = mesh.keys;
      for (const { apiKey } of [user, reader, bound]) {
        const request = { headers: { authorization: `Bearer ${apiKey}` }, from: "127.0.0.2" };
        expect(await mesh.call(request)).toMatchObject({ status: 503 });
      }
      expect(mesh.upstream.count).toBe(0);
    });
  });
}
