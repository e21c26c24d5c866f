// nginx in front of a service, with nginx/fleetkey.conf included as /etc/nginx/nginx.conf includes conf.d.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeBinaries } from "./harness/describe-binaries.ts";
import { describeProxy } from "./harness/every-proxy.ts";
import { MESH } from "./harness/mesh.ts";

const PORT = 18_100;

describeBinaries("nginx", "-v", ({ path, version }) => {
  describeProxy({
    title: `nginx ${version}`,
    port: PORT,
    command: (folder) => {
      const main = join(folder, "nginx.conf");
      writeFileSync(
        main,
        `daemon off; master_process off; pid nginx.pid; error_log stderr; events {}
         http { access_log off; include ${join(MESH, "nginx/fleetkey.conf")}; }`,
      );
      return [path, "-p", folder, "-c", main, "-e", "stderr"];
    },
  });
});
