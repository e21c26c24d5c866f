// Traefik in front of a service, with traefik/traefik.yaml and the rules beside it.
import { join } from "node:path";
import { describeBinaries } from "./harness/describe-binaries.ts";
import { describeProxy } from "./harness/every-proxy.ts";
import { MESH } from "./harness/mesh.ts";

const PORT = 18_400;

describeBinaries("traefik", "version", ({ path, version }) => {
  describeProxy(
    {
      title: `Traefik ${version}`,
      port: PORT,
      command: () => [path, "--configFile=traefik.yaml"],
      cwd: join(MESH, "traefik"),
    },
    { waitsLong: "Traefik gives up after 30 seconds, and has no setting for it" },
  );
});
