// HAProxy in front of a service, with haproxy/haproxy.cfg and the script beside it.
import { join } from "node:path";
import { describeBinaries } from "./harness/describe-binaries.ts";
import { describeProxy } from "./harness/every-proxy.ts";
import { MESH, type ProxySetup } from "./harness/mesh.ts";

const PORT = 18_300;
/** From there to where everybody calls Fleetkey. */
const FLEETKEY_PORT_STEP = 3;

describeBinaries("haproxy", "-v", ({ path, version }) => {
  const proxy: ProxySetup = {
    title: `HAProxy ${version}`,
    port: PORT,
    command: () => [path, "-db", "-f", "haproxy.cfg"],
    cwd: join(MESH, "haproxy"),
  };
  describeProxy(proxy);
  describeProxy({
    ...proxy,
    title: `HAProxy ${version}, asking where everybody does`,
    isCaller: true,
    environment: (caller) => ({
      FLEETKEY_URL: `http://127.0.0.1:${PORT + FLEETKEY_PORT_STEP}`,
      FLEETKEY_CALLER: caller,
    }),
  });
});
